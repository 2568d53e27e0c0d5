"""What the fuzz targets share: hostile values drawn from bytes, and a scratch folder that no disk sees."""

from __future__ import annotations

import atexit
import copy
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

SIZES = (0, 1, 2, 3, 4, 7, 8, 28, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63)
"""Lengths at which readers go wrong."""

SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**64), 10**300, 10**400, 0.0, -0.0,
    0.5, 1e308, 1e-320, float("nan"), float("inf"), float("-inf"), "", " ", "0", "nan", "\0", "\n", "\u2028",
    "\ud800", "\ufeff", "é", "\U0001f600", "..", "../../x", "/etc/passwd", "~root", "C:\\x", "CON", "a" * 300,
    "%s%n", "{0}", [], {}, [[]], [None], [0, 1], ["a", "a"], {"": {}}, {"name": "sgd"},
)  # fmt: skip
"""Values that no field expects."""


class Draw:
    """Choices made by the bytes of an input, one after the other; 0 where they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def below(self, bound: int) -> int:
        """A number from 0 to ``bound`` - 1, of one byte or two."""
        size = 1 if bound <= 256 else 2
        chunk = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(chunk, "big") % bound

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.below(len(options))]

    def bytes(self, count: int) -> bytes:
        """As many bytes, or as there are left."""
        chunk = self._data[self._at : self._at + count]
        self._at += len(chunk)
        return chunk

    def rest(self) -> bytes:
        """All that is left."""
        return self.bytes(len(self._data))

    def text(self) -> str:
        """Up to 40 characters."""
        return self.bytes(self.below(41)).decode("utf-8", "surrogateescape")

    def size(self) -> int:
        """A length at which readers go wrong, or a small one."""
        return self.pick(SIZES) if self.below(2) else self.below(256)

    def value(self) -> Any:
        """Anything that JSON or TOML could hold."""
        kind = self.below(8)
        if kind == 0:
            return self.text()
        if kind == 1:
            return int.from_bytes(self.bytes(9), "big", signed=True)
        if kind == 2:
            return [copy.copy(self.pick(SCALARS)) for _ in range(self.below(5))]
        if kind == 3:
            return {self.text(): copy.copy(self.pick(SCALARS)) for _ in range(self.below(4))}
        return copy.copy(self.pick(SCALARS))

    def damage(self, content: Any) -> Any:
        """``content`` with a value somewhere exchanged, left out, doubled or added."""
        for _ in range(1 + self.below(3)):
            holder: Any = content
            while True:
                if isinstance(holder, dict):
                    keys: list[Any] = list(holder)
                elif isinstance(holder, list):
                    keys = list(range(len(holder)))
                else:
                    break
                if not keys:
                    break
                key = self.pick(keys)
                inner = holder[key]
                if isinstance(inner, dict | list) and inner and self.below(4):
                    holder = inner
                    continue
                how = self.below(4)
                if how == 0:
                    del holder[key]
                elif how == 1 and isinstance(holder, dict):
                    holder[self.text()] = self.value()
                elif how == 1:
                    holder.append(copy.deepcopy(inner))
                else:
                    holder[key] = self.value()
                break
        return content

    def splice(self, content: bytes) -> bytes:
        """``content`` with a few stretches of it overwritten, left out, repeated or inserted."""
        body = bytearray(content)
        for _ in range(self.below(4)):
            start = self.below(max(1, len(body)))
            length = self.below(9)
            how = self.below(4)
            if how == 0:
                del body[start : start + length]
            elif how == 1:
                body[start:start] = body[start : start + length * 16]
            else:
                body[start : start + (length if how == 2 else 0)] = self.bytes(length)
        return bytes(body)


@cache
def scratch() -> Path:
    """A folder of this process, gone at its end; set TMPDIR to a file system in memory to spare the disk."""
    folder = Path(tempfile.mkdtemp(prefix="genbench-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _file(name: str) -> Path:
    path = scratch() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def put(name: str, content: bytes) -> Path:
    """A file of the scratch folder with this content."""
    path = _file(name)
    path.write_bytes(content)
    return path
