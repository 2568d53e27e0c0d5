"""IDX files, plain and in gzip: whole ones, cut ones, and headers that announce what is not there."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator

from fuzzing import Draw, put

from genbench.core.errors import GenbenchError
from genbench.data.idx import read_idx

_TYPES = (0x08, 0x08, 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0x00, 0xFF)


def one_input(data: bytes) -> None:
    """Read one file; what is read has the size that the header says."""
    draw = Draw(data)
    how = draw.below(8)
    ndim = draw.pick((None, 1, 3))
    content = draw.rest() if how < 3 else _made(draw)
    if how in (2, 3):
        content = draw.splice(gzip.compress(content, 1, mtime=0))
    elif how == 4:  # a stream without an end, of one without an end
        content = draw.splice(_bomb())
    try:
        array = read_idx(put("f.idx", content), ndim=ndim)
    except GenbenchError:
        return
    assert array.size and array.ndim in range(1, 5), array.shape


def _made(draw: Draw) -> bytes:
    dimensions = draw.pick((1, 2, 3, 4, 0, 5, 255))
    shape = [draw.size() % 2**32 for _ in range(dimensions % 8)]
    head = struct.pack(f">HBB{len(shape)}I", draw.below(8) == 7, draw.pick(_TYPES), dimensions, *shape)
    size = 1
    for length in shape:
        size *= length
    body = draw.rest()
    return head + (body * (size // max(1, len(body)) + 1))[:size] if size < 4096 else head + body


_PACKED = zlib.compressobj(9, zlib.DEFLATED, 31)
_BOMB = _PACKED.compress(b"\0\0\x08\x01\xff\xff\xff\xff" + bytes(1 << 16)) + _PACKED.flush()


def _bomb() -> bytes:
    return _BOMB


def seeds() -> Iterator[bytes]:
    """Valid files of every kind that ``one_input`` makes."""
    whole = struct.pack(">HBB3I", 0, 8, 3, 2, 2, 2) + bytes(range(8))
    labels = struct.pack(">HBB1I", 0, 8, 1, 3) + b"\1\2\3"
    for content in (whole, labels, gzip.compress(whole), gzip.compress(gzip.compress(labels)), _BOMB[:200]):
        for how in (0, 1, 2, 4):
            yield bytes([how, 0]) + content
    yield bytes([3, 0, 2, 0, 4, 0, 4, 0, 4]) + bytes(range(70))
