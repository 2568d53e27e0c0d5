"""One color and one marker a model, the same in every plot, told apart by the color-blind and in grey."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, product

from genbench.core.record import CONTROLS
from genbench.report.figures.themed import GREY

_COLORS = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#56b4e9", "#ca9161", "#8a7a00")
"""Seaborn's ``colorblind`` palette without its grey, which is the controls', and with a darker yellow."""

_MARKERS = ("o", "s", "^", "D", "P", "X", "v", "p", "<", ">", "h")
_FIXED = ("gan", "ns_gan", "wgan", "vae")

CONTROL_COLOR = GREY
CONTROL_MARKERS = dict(zip(CONTROLS, cycle("P*svDX"), strict=False))


@dataclass(frozen=True, slots=True)
class Look:
    """How one model is drawn."""

    color: str
    marker: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Choose a look for each name.

    It follows from the name alone, except where two names of one plot would look alike: then the later in
    the alphabet moves on. The models that ship never move. Beyond eight names colors return, with another
    marker; no two look alike up to 88.
    """
    wanted = sorted(set(names), key=lambda name: (name not in _FIXED, name))
    chosen: dict[str, Look] = {}
    uses = dict.fromkeys((*_COLORS, *_MARKERS), 0)
    for name in wanted:
        start = _FIXED.index(name) if name in _FIXED else _number(name)
        taken = set(chosen.values())
        free = [look for look in _from(start) if look not in taken] or [next(_from(start))]
        look = min(free, key=lambda look: (uses[look.color], uses[look.marker]))
        uses[look.color] += 1
        uses[look.marker] += 1
        chosen[name] = look
    return chosen


def _from(start: int) -> Iterator[Look]:
    """All looks, from the one that is due to a name."""
    colors, markers = (
        [kinds[(start + step) % len(kinds)] for step in range(len(kinds))] for kinds in (_COLORS, _MARKERS)
    )
    return (Look(color, marker) for color, marker in product(colors, markers))


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:4], "big")
