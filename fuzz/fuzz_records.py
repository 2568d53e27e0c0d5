"""Journals of records: lines as they come, and records with hostile values; what is read is written again."""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

from fuzzing import Draw, put

from genbench.core.errors import GenbenchError, GenbenchWarning
from genbench.core.record import Better, Record, Status
from genbench.store.journal import read_records

_RECORD = Record(
    run="20261120T165609Z-8515192",
    suite="ci",
    trial="29259d1b1bb7",
    model="vae",
    dataset="digits",
    seed=0,
    step=20,
    metric="quality.fid",
    value=10.0,
    error=None,
    unit="",
    better=Better.LOWER,
    n=1000,
    lanes=2,
    status=Status.DONE,
    reason="",
    versions={"metric": "1"},
    protocol={"quick": False, "n_real": 599, "reference": "test"},
    env="1b90c737",
    code="0.1.0",
    at="2026-11-20T16:56:10+00:00",
)
_LINE = _RECORD.to_json().encode()
_ENDS = (b"\n", b"\n", b"\n", b"", b"\r\n", b"\0", b"\n\n", b"\xe2\x80\xa8")
_DEEP = b"[" * 100_000


def one_input(data: bytes) -> None:
    """Read one journal; whatever is read can be written, and is read again as it was."""
    draw = Draw(data)
    content = b""
    for _ in range(1 + draw.below(3)):
        how = draw.below(6)
        if how == 0:
            line = draw.bytes(draw.below(512))
        elif how == 1:
            line = draw.splice(_LINE)
        elif how == 2:
            line = _LINE
        elif how == 3 and draw.below(16) == 0:
            line = b'{"schema":' + _DEEP
        else:
            line = _changed(draw)
        if draw.below(3) == 1:  # with a checksum, which is a wrong one now and then
            line = line[:-1] + b',"crc":"%08x"}' % (zlib.crc32(line) ^ (draw.below(8) == 1))
        content += line + draw.pick(_ENDS)
    content += draw.rest()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GenbenchWarning)
            records = read_records(put("records.jsonl", content))
    except GenbenchError:
        return
    for record in records:
        assert Record.from_json(record.to_json()) == record


def _changed(draw: Draw) -> bytes:
    fields: dict[str, Any] = json.loads(_LINE)
    text = json.dumps(draw.damage(fields), ensure_ascii=bool(draw.below(2)))
    return text.encode("utf-8", "surrogatepass")


def seeds() -> Iterator[bytes]:
    """One record, two, one cut off, and each way of making a line."""
    yield b"\0\2\0"
    yield b"\1\2\0\2\0"
    yield b"\1\2\0\2\3"
    yield b"\0\3\0"
    for how in range(6):
        yield bytes([0, how, 0, 1, 2, 3, 4, 5, 6, 7])
        yield bytes([2, how, 9, 9, 9, how, 1, 2, 3, how, 4, 4, 4, 5, 5, 5, 5])
    yield b"\0\0\1\xff" + _LINE
