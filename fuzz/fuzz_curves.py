"""What lies beside a trial: losses, snapshots and timed blocks, a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fuzzing import Draw, put

from genbench.core.errors import GenbenchError
from genbench.store.blocks import read_blocks
from genbench.store.course import read_course
from genbench.store.curves import read_curves

_READERS: tuple[tuple[Callable[[Path], object], dict[str, Any]], ...] = (
    (read_curves, {"step": 10, "generator.loss": 0.7, "generator.grad": None}),
    (
        read_course,
        {
            "step": 10, "drift": 0.5, "entropy": 1.0, "coverage": None, "quality_a": 3.0, "quality_b": 4.0,
            "shares": [0.5, 0.5],
        },
    ),
    (read_blocks, {"phase": "training", "steps": 32, "seconds": 0.5}),
)  # fmt: skip
_ENDS = (b"\n", b"\n", b"\n", b"", b"\r\n", b"\0", b"\n\n", b"\xe2\x80\xa8")


def one_input(data: bytes) -> None:
    """Read one file with the reader of its kind; numbers that it gives are finite."""
    draw = Draw(data)
    read, pattern = draw.pick(_READERS)
    content = b""
    for number in range(1 + draw.below(4)):
        how = draw.below(5)
        line = json.loads(json.dumps(pattern))
        if "step" in line:
            line["step"] = 10 * number
        if how == 0:
            content += draw.bytes(draw.below(100))
        elif how == 1:
            content += draw.splice(json.dumps(line).encode())
        else:
            whole = draw.damage(line) if how == 2 else line
            content += json.dumps(whole, ensure_ascii=bool(draw.below(2))).encode("utf-8", "surrogatepass")
        content += draw.pick(_ENDS)
    content += draw.rest()
    try:
        found = read(put("f.jsonl", content))
    except GenbenchError:
        return
    assert "nan" not in repr(getattr(found, "steps", 0)), found


def seeds() -> Iterator[bytes]:
    """Files of one line and of four, for each reader."""
    for reader in range(len(_READERS)):
        for how in range(5):
            yield bytes([reader, 0, how, 1, 0, 0, 0, 0])
            yield bytes([reader, 3, how, 1, 2, 3, how, 4, 5, 6, how, 7, 8, 9, how, 1, 1, 1])
        yield bytes([reader, 0, 0, 99]) + json.dumps(_READERS[reader][1]).encode() + b"\n"
        yield bytes([reader, 0, 3, 0, 0])
