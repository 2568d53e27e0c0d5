"""Weights of extractors: safetensors that are of another network, or none."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import safetensors.torch
from fuzzing import Draw, put
from torch import nn

from genbench.core.errors import GenbenchError
from genbench.features.weightfile import load

_NETWORK = nn.Linear(2, 1)
_WHOLE = safetensors.torch.save(_NETWORK.state_dict(), {"a": "b"})
_HEADER: dict[str, Any] = json.loads(_WHOLE[8 : 8 + struct.unpack("<Q", _WHOLE[:8])[0]])
_TYPES = ("F32", "F64", "BF16", "U8", "BOOL", "I64", "F8_E4M3", "C64", "I4", "")


def one_input(data: bytes) -> None:
    """Read weights into a network of one layer."""
    draw = Draw(data)
    how = draw.below(4)
    expect = "0" * 12 if draw.below(4) == 1 else None
    if how == 0:
        content = draw.rest()
    elif how == 1:
        content = draw.splice(_WHOLE)
    else:
        header = json.loads(json.dumps(_HEADER))
        if how == 3:
            header["weight"]["dtype"] = draw.pick(_TYPES)
        text = json.dumps(draw.damage(header)).encode("utf-8", "surrogatepass")
        content = struct.pack("<Q", len(text)) + text + draw.rest() + bytes(12)
    with suppress(GenbenchError):
        load(_NETWORK, put("w.safetensors", content), expect=expect)


def seeds() -> Iterator[bytes]:
    """Whole weights, and such of other types."""
    yield b"\0\0" + _WHOLE
    yield b"\0\1" + _WHOLE
    yield b"\1\0\0"
    for kind in range(len(_TYPES)):
        yield bytes([3, 0, kind, 0, 0, 0, 3])
        yield bytes([2, 0, kind, 1, 2, 3, 4, 5])
