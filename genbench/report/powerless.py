"""Rows of which nothing could ever be sure: too few seeds for as many rows as are corrected for together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genbench.analyse.row import Row
from genbench.analyse.significance import seeds_to_reach, smallest_p
from genbench.analyse.verdict import counts


@dataclass(frozen=True, slots=True)
class Powerless:
    """Rows of a family with the same seeds, of which none can have a small enough p.

    Attributes:
        rows: how many.
        of: how many rows of the family have a test.
        family: how many Holm's method corrects for.
        seeds: of both sides, in words.
        least: the smallest p that so many seeds can give.
        bar: the p that the family asks for.
        needed: seeds a side that can reach it.
    """

    rows: int
    of: int
    family: int
    seeds: str
    least: float
    bar: float
    needed: int


def powerless(family: Sequence[Row], alpha: float) -> Iterator[Powerless]:
    """What these rows, which are corrected for together, can never show."""
    tested = [row for row in family if row.test in ("paired", "unpaired", "shares")]
    # where nothing differs now, all of them count once something does
    size = len([row for row in tested if counts(row, alpha)]) or len(tested)
    blunt: dict[tuple[bool, int, int], int] = {}
    for row in tested:
        key = row.test == "paired", _size(row, 0), _size(row, 1)
        if smallest_p(key[1], key[2], paired=key[0]) > alpha / size:
            blunt[key] = blunt.get(key, 0) + 1
    for (paired, old, now), number in blunt.items():
        kind = "paired seeds" if paired else "seeds"
        yield Powerless(
            rows=number,
            of=len(tested),
            family=size,
            seeds=f"{old} {kind} a side" if old == now else f"{old} and {now} {kind}",
            least=smallest_p(old, now, paired=paired),
            bar=alpha / size,
            needed=seeds_to_reach(alpha / size, paired=paired),
        )


def _size(row: Row, which: int) -> int:
    side = (row.base, row.new)[which]
    return 0 if side is None else len(side.measured) or len(side.seeds)
