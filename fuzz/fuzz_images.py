"""Image files of a folder: damaged ones of every format that is read, and PNGs with hostile chunks."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from functools import cache

import numpy as np
from fuzzing import Draw, put
from PIL import Image

from genbench.core.errors import GenbenchError, GenbenchWarning
from genbench.data.imagefolder import ImageFolder

_SHAPES = ((1, 4, 4), (1, 4, 4, 3))
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM", "GIF", "TIFF")
_MODES = ("L", "RGB", "RGBA", "P", "1", "LA", "I;16", "CMYK")
_BOMB = zlib.compress(bytes(1 << 16), 9)
_CHUNKS = (
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"IEND",
    b"tRNS",
    b"zTXt",
    b"iCCP",
    b"iTXt",
    b"eXIf",
    b"gAMA",
    b"acTL",
    b"fcTL",
    b"fdAT",
)


def one_input(data: bytes) -> None:
    """Decode one image; it has the dataset's size."""
    draw = Draw(data)
    how = draw.below(4)
    shape = draw.pick(_SHAPES)
    if how == 0:
        content = draw.rest()
    elif how == 1:
        content = _png(draw)
    else:
        content = draw.splice(_whole(draw.pick(_FORMATS), draw.pick(_MODES))) + draw.rest()
    file = put("images/0.png", content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GenbenchWarning)
            images = ImageFolder((file,), shape)[0:1]
    except GenbenchError:
        return
    assert images.shape == shape, images.shape


def _png(draw: Draw) -> bytes:
    width, height = (4, 4) if draw.below(4) else (draw.size() % 2**32, draw.size() % 2**32)
    depth, colour = draw.pick(
        ((8, 0), (8, 2), (8, 3), (8, 4), (8, 6), (16, 0), (16, 2), (1, 0), (2, 3), (3, 9))
    )
    content = b"\x89PNG\r\n\x1a\n"
    content += _chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, draw.below(3) == 1)
    )
    for _ in range(draw.below(5)):
        kind = draw.pick(_CHUNKS)
        body = draw.bytes(draw.below(64))
        if kind in (b"zTXt", b"iCCP") and draw.below(2):
            body = b"name\0\0" + _BOMB
        elif kind == b"iTXt" and draw.below(2):
            body = b"name\0\1\0en\0name\0" + _BOMB
        content += _chunk(kind, body, announced=draw.size() if draw.below(8) == 1 else None)
    pixels = _BOMB if draw.below(8) == 1 else zlib.compress(draw.bytes(draw.below(80)) + bytes(80), 1)
    return (
        content
        + _chunk(b"IDAT", pixels)
        + (b"" if draw.below(8) == 1 else _chunk(b"IEND", b""))
        + draw.rest()
    )


def _chunk(kind: bytes, body: bytes, announced: int | None = None) -> bytes:
    length = len(body) if announced is None else announced % 2**32
    return struct.pack(">I", length) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@cache
def _whole(format_: str, mode: str) -> bytes:
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    buffer = io.BytesIO()
    try:
        image.convert("L").convert(mode).save(buffer, format_)
    except (OSError, KeyError, ValueError):  # not every format has every mode
        image.save(buffer, format_)
    return buffer.getvalue()


def seeds() -> Iterator[bytes]:
    """Images of every format and mode, and PNGs made of chunks."""
    for format_ in range(len(_FORMATS)):
        for mode in range(len(_MODES)):
            for info in (0, 1):
                yield bytes([2, info, format_, mode, 0])
                yield bytes([0, info]) + _whole(_FORMATS[format_], _MODES[mode])
    for kind in range(len(_CHUNKS)):
        yield bytes([1, 0, 1, 0, 1, 1, kind, 20]) + b"name\0\0" + bytes(14) + bytes(60)
        yield bytes([1, 0, 1, 0, 1, 1, kind, 0, 1, 0, 0, 0])
