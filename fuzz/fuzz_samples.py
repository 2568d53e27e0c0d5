"""Samples in ``.npy`` and ``.npz``: headers and archives that say what is not so."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np
from fuzzing import Draw, put

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchError, GenbenchWarning
from genbench.data.samplefile import open_samples

_GREY = DataInfo(name="grey", shape=(1, 4, 4))
_COLOUR = DataInfo(name="colour", shape=(3, 4, 4))
_POINTS = DataInfo(name="points", shape=(2,))
_RANGES = (None, (0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
_TYPES = (
    "'|u1'", "'|u1'", "'<f4'", "'>f8'", "'<f2'", "'|O'", "'<i8'", "'<c8'", "'|b1'", "'<U4'", "'|V8'",
    "'<M8[s]'", "'|S0'", "'|V0'", "[('a', '<f4')]", "[('a', '|O')]", "'<f4', 'x'", "('<f4', (2, 2))",
    "'<f99'", "'<f16'", "1", "None",
)  # fmt: skip
_NAMES = (
    "samples.npy",
    "images.npy",
    "arr_0.npy",
    "../../x.npy",
    "/x.npy",
    "a/b.npy",
    "\0.npy",
    "x",
    ".npy",
    "C:\\x.npy",
)
_METHODS = (0, 8, 8, 12, 14, 1, 6, 9, 93, 98)


def one_input(data: bytes) -> None:
    """Open samples and look through them; those that open are whole examples."""
    draw = Draw(data)
    how = draw.below(8)
    info = draw.pick((_GREY, _COLOUR, _POINTS))
    span = draw.pick(_RANGES)
    if how == 0:
        name, content = "f.npy", draw.rest()
    elif how == 1:
        name, content = "f.npz", draw.rest()
    elif how < 5:
        name, content = "f.npy", _npy(draw)
    else:
        name, content = "f.npz", _npz(draw)
    if how == 4:
        content = draw.splice(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GenbenchWarning)
            with open_samples(put(name, content), info, None if info is _POINTS else span) as samples:
                examples = samples[0 : len(samples)]
    except GenbenchError:
        return
    assert len(examples) and examples.shape[1:] == info.shape, examples.shape


def _npy(draw: Draw) -> bytes:
    how = draw.below(4)
    if how == 0:
        text = draw.bytes(draw.below(200))
        body = draw.rest()
    else:
        kind = draw.pick(_TYPES)
        row = draw.pick(
            ((4, 4), (1, 4, 4), (4, 4, 3), (3, 4, 4), (2,), (), (4, -4), (2**40, 2**40), (True, 4))
        )
        count = draw.pick((1, 2, 3, 0, -1, 2**31, 2**62, 2**63, 2**64, 10**30, 65536, True, 1.0, None))
        shape = (count, *row)
        order = draw.pick(("False", "False", "True", "1", "None"))
        text = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape!r}, }}".encode()
        text = draw.splice(text) if how == 1 else text
        body = draw.bytes(draw.below(512))
        size = _size(kind, shape)
        if size is not None and draw.below(4):
            body = (body * (size // max(1, len(body)) + 1))[:size] if body else bytes(size)
    version = draw.pick((1, 1, 1, 2, 3, 0, 4, 255))
    length = len(text) if draw.below(8) else draw.size()
    head = struct.pack("<H", length % 65536) if version == 1 else struct.pack("<I", length % 2**32)
    return b"\x93NUMPY" + bytes([version, draw.below(16) == 15]) + head + text + body


def _size(kind: str, shape: tuple[object, ...]) -> int | None:
    size = {"'|u1'": 1, "'<f4'": 4, "'>f8'": 8, "'<f2'": 2, "'<i8'": 8}.get(kind)
    for length in shape:
        if size is None or type(length) is not int or not 0 <= length <= 64:
            return None
        size *= length
    return size


def _npz(draw: Draw) -> bytes:
    if draw.below(8) == 1:
        return draw.splice(_bomb())
    if draw.below(4) == 1:
        return draw.splice(_valid(draw.pick((0, 8, 12, 14))))
    members = [
        (draw.pick(_NAMES), _npy(Draw(draw.bytes(draw.below(200)))), draw.pick(_METHODS))
        for _ in range(1 + draw.below(3))
    ]
    local, central = b"", b""
    for name, body, method in members:
        packed = _packed(body, method)
        raw = name.encode()
        crc = zlib.crc32(body) if draw.below(8) != 1 else 0
        there = len(packed) if draw.below(8) != 1 else draw.size() % 2**32
        announced = len(body) if draw.below(8) != 1 else draw.size() % 2**32
        offset = len(local) if draw.below(8) != 1 else draw.size() % 2**32
        flags = draw.pick((0, 0, 0, 0, 1, 8, 32, 64, 0x800))
        fields = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 33, crc, there, announced, len(raw), 0)
        local += b"PK\3\4" + fields + raw + packed
        central += (
            b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, offset) + raw
        )
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(central), len(local), 0)
    return local + central + b"PK\5\6" + end + draw.rest()


def _packed(body: bytes, method: int) -> bytes:
    if method != 8:
        return body
    made = zlib.compressobj(1, zlib.DEFLATED, -15)
    return made.compress(body) + made.flush()


@cache
def _valid(method: int) -> bytes:
    buffer, inner = io.BytesIO(), io.BytesIO()
    np.save(inner, np.zeros((2, 4, 4), np.uint8))
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("samples.npy", inner.getvalue())
    return buffer.getvalue()


@cache
def _bomb() -> bytes:
    """A quarter of a million zeros behind a header of one sample."""
    buffer, inner = io.BytesIO(), io.BytesIO()
    np.save(inner, np.zeros((1, 4, 4), np.uint8))
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples.npy", inner.getvalue() + bytes(1 << 18))
    return buffer.getvalue()


def seeds() -> Iterator[bytes]:
    """Arrays that are samples and such as are not, plain and in archives of every method."""
    for info, shape in enumerate(((2, 4, 4), (2, 4, 4, 3), (2, 2))):
        for kind in (np.uint8, np.float32, ">f8"):
            inner = io.BytesIO()
            np.save(inner, np.zeros(shape, kind))
            yield bytes([0, info, 1]) + inner.getvalue()
            for method in (0, 8, 12, 14):
                outer = io.BytesIO()
                with zipfile.ZipFile(outer, "w", method) as archive:
                    archive.writestr("samples.npy", inner.getvalue())
                yield bytes([1, info, 1]) + outer.getvalue()
    for how in range(2, 8):
        for kind in range(len(_TYPES)):
            yield bytes([how, kind % 3, 1, 2, kind, 0, 0, 0]) + bytes(80)
        yield bytes([how, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]) + bytes(range(100))
