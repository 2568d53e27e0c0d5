"""Checkpoints and weights that a stranger made: safetensors files that say what is not so."""

import json
import os
import struct

import pytest

torch = pytest.importorskip("torch")

from genbench.core.errors import CheckpointError, DataError  # noqa: E402
from genbench.features import weightfile  # noqa: E402
from genbench.train import checkpoint  # noqa: E402


def packed(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(start=0, end=8, dtype="F32", shape=(2,)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


ATTACKS = {
    "overlapping": packed({"a": entry(), "b": entry(4, 12)}, bytes(12)),
    "out of range": packed({"a": entry(0, 2**40, shape=(2**38,))}, bytes(8)),
    "backwards": packed({"a": entry(8, 0)}, bytes(8)),
    "a hole": packed({"a": entry(8, 16)}, bytes(16)),
    "negative": packed({"a": entry(-8, 0)}, bytes(8)),
    "more shape than bytes": packed({"a": entry(shape=(2**31, 2**31))}, bytes(8)),
    "an overflowing shape": packed({"a": entry(0, 0, shape=(2**62, 4))}),
    "a type nobody knows": packed({"a": entry(dtype="X9")}, bytes(8)),
    "no type": packed({"a": {"shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
    "a NaN": packed(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', bytes(8)),
    "keys twice": packed(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":1}', bytes(8)),
    "metadata of numbers": packed({"__metadata__": {"genbench": 1}, "a": entry()}, bytes(8)),
    "metadata that is no text": packed(b'{"__metadata__":{"genbench":"\xff\xfe"}}'),
    "a lone surrogate": packed(b'{"__metadata__":{"genbench":"\\ud800"}}'),
    "deep": packed(b"[" * 100_000),
    "a long header": struct.pack("<Q", 2**40) + b"{}",
    "the longest header": struct.pack("<Q", 2**64 - 1) + b"{}",
    "cut": packed({"a": entry()}, bytes(8))[:-3],
    "nothing": b"",
    "a pickle": b"\x80\x04cos\nsystem\n(S'touch sprung'\ntR.",
}


@pytest.mark.parametrize("content", ATTACKS.values(), ids=ATTACKS)
def test_checkpoints_and_weights_that_lie(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        checkpoint.load([path], device=torch.device("cpu"))
    with pytest.raises(DataError, match="extractor weights"):
        weightfile.load(torch.nn.Linear(2, 1), path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "C64", "F4", "U64"])
def test_weights_of_types_that_numpy_has_not(tmp_path, dtype):
    size = {"BF16": 2, "C64": 8, "U64": 8}.get(dtype, 1)
    (tmp_path / "w").write_bytes(packed({"weight": entry(0, 2 * size, dtype)}, bytes(2 * size)))
    with pytest.raises(DataError, match="extractor weights"):
        weightfile.load(torch.nn.Linear(2, 1), tmp_path / "w")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe or a device"):
        weightfile.load(torch.nn.Linear(2, 1), tmp_path / "pipe")
    with pytest.raises(CheckpointError):
        checkpoint.load([tmp_path / "pipe"], device=torch.device("cpu"))


def test_a_file_of_any_length_is_not_read(tmp_path):
    with (tmp_path / "w").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(DataError, match="larger than 256 MiB"):
        weightfile.load(torch.nn.Linear(2, 1), tmp_path / "w")
