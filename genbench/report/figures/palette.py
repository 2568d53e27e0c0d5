"""One color and one marker a model, the same in every plot, told apart by the color-blind and in grey."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

_COLORS = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#56b4e9", "#ca9161", "#8a7a00")
"""Seaborn's ``colorblind`` palette without its grey, which is the controls', and with a darker yellow."""

_MARKERS = ("o", "s", "^", "D", "P", "X", "v", "p", "<", ">", "h")
_FIXED = ("gan", "ns_gan", "wgan", "vae")

CONTROL_COLOR = "#5a5a5a"


@dataclass(frozen=True, slots=True)
class Look:
    """How one model is drawn."""

    color: str
    marker: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Choose a look for each name.

    It follows from the name alone, except where two names of one plot would look alike: then the later in
    the alphabet moves on. The models that ship never move.
    """
    wanted = sorted(set(names), key=lambda name: (name not in _FIXED, name))
    chosen: dict[str, Look] = {}
    colors: set[str] = set()
    markers: set[str] = set()
    for name in wanted:
        start = _FIXED.index(name) if name in _FIXED else _number(name)
        color = _next_free(_COLORS, start, colors)
        marker = _next_free(_MARKERS, start, markers)
        colors.add(color)
        markers.add(marker)
        chosen[name] = Look(color, marker)
    return chosen


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:4], "big")


def _next_free(choices: tuple[str, ...], start: int, taken: set[str]) -> str:
    """The first choice from ``start`` on that is free; with none left, the one at ``start``."""
    turns = (choices[(start + step) % len(choices)] for step in range(len(choices)))
    return next((choice for choice in turns if choice not in taken), choices[start % len(choices)])
