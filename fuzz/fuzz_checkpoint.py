"""Checkpoints: safetensors files with hostile headers, and whole ones that say what is not so."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import torch
from fuzzing import Draw, put

from genbench.core.errors import GenbenchError
from genbench.train.checkpoint import load

_CPU = torch.device("cpu")
_SAYS = {
    "model": "gan",
    "label": "gan",
    "options": {"latent": 2},
    "data": {"name": "grey", "shape": [1, 4, 4], "classes": ["0", "1"]},
    "seed": 0,
    "step": 5,
    "precision": "float32",
    "trial": "29259d1b1bb7",
    "code": "0.1.0",
    "format": 2,
}
_TYPES = ("F32", "F32", "F64", "BF16", "U8", "BOOL", "I64", "F8_E4M3", "C64", "X", "", None, 1)
_KEYS = (
    "params|generator|0.weight",
    "slots|generator|step",
    "buffers|generator|mean",
    "params|a",
    "|||",
    "",
    "params|a|b|c",
    "__metadata__",
)
_LENGTHS = (0, 1, 7, 8, 100, 2**31, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
_SHAPES: tuple[Any, ...] = (
    [2],
    [1, 2],
    [],
    [0],
    [2**31, 2**31],
    [2**62, 4],
    [-1],
    [1.5],
    None,
    [2, 2, 2, 2, 2],
    "2",
    [2**64],
)


def one_input(data: bytes) -> None:
    """Load one checkpoint."""
    draw = Draw(data)
    how = draw.below(4)
    content = draw.rest() if how == 0 else _made(draw)
    if how == 1:
        content = draw.splice(content)
    try:
        headers, _ = load([put("c.safetensors", content)], device=_CPU)
    except GenbenchError:
        return
    assert len(headers) == 1


def _made(draw: Draw) -> bytes:
    entries: dict[str, Any] = {}
    says = json.loads(json.dumps(_SAYS))
    if draw.below(2):
        says = draw.damage(says)
    told: Any = json.dumps(says) if draw.below(8) != 1 else draw.text()
    metadata: Any = {"genbench": told, "sha256": "0" * 64}
    entries["__metadata__"] = draw.damage(metadata) if draw.below(8) == 1 else metadata
    at = 0
    for _ in range(draw.below(4)):
        shape = draw.pick(_SHAPES)
        size = 8
        ends = [at, at + size] if draw.below(4) else [draw.pick((*_LENGTHS, at)), draw.pick(_LENGTHS)]
        entries[draw.pick(_KEYS)] = {"dtype": draw.pick(_TYPES), "shape": shape, "data_offsets": ends}
        at += size
    if draw.below(8) == 1:
        entries = draw.damage(entries)
    text = json.dumps(entries).encode("utf-8", "surrogatepass")
    if draw.below(8) == 1:  # the same key twice
        text = text.replace(
            b'{"__metadata__"', b'{"params|generator|0.weight": {"dtype": "F32"}, "__metadata__"', 1
        )
    text += b" " * (-len(text) % 8)
    length = len(text) if draw.below(8) != 1 else draw.pick(_LENGTHS)
    return struct.pack("<Q", length) + text + (draw.rest() + bytes(at))[:at]


def seeds() -> Iterator[bytes]:
    """Files of no tensor, one and three, and a whole one as it is on the disk."""
    for how in (1, 2, 3):
        for count in range(4):
            for kind in range(len(_TYPES)):
                yield bytes([how, 0, 2, 2, count, 0, 1, 0, kind, 0, 1, 1, kind, 1, 1, 2, kind]) + bytes(40)
    yield b"\0" + _made(Draw(bytes([0, 2, 2, 1, 0, 1, 0, 0]) + bytes(40)))
