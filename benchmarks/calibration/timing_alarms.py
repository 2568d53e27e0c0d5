"""How often gates on measurements of time raise an alarm, with and without slower steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, pairwise, permutations
from typing import Literal

from calibration.alarms import Share, found
from calibration.runs import MODELS
from calibration.timings import Measurement
from genbench.analyse.gate import Gates
from genbench.core.record import Record
from genbench.suite.schema import Gate

Turns = Literal["by turns", "one after the other"]
"""How the runs of two sides lie in time: base, new, base, new, ...; or first all of the base."""

Sides = tuple[Sequence[Measurement], Sequence[Measurement]]


def same_code(runs: Sequence[Measurement], n: int, turns: Turns) -> Iterator[Sides]:
    """A/A: sides of ``n`` runs each, from every stretch of ``2 n`` runs that follow each other."""
    for start in range(len(runs) - 2 * n + 1):
        stretch = runs[start : start + 2 * n]
        yield (stretch[::2], stretch[1::2]) if turns == "by turns" else (stretch[:n], stretch[n:])


def slower_steps(
    shipped: Sequence[Measurement], slower: Sequence[Measurement], n: int, turns: Turns
) -> Iterator[Sides]:
    """A/B: ``n`` runs as shipped, and the ``n`` slower ones that were made among them or after them."""
    later = 0 if turns == "by turns" else n
    for start in range(len(shipped) - n - later + 1):
        yield shipped[start : start + n], slower[start + later : start + later + n]


def any_two(runs: Sequence[Measurement]) -> Iterator[Sides]:
    """A/A of single runs, whenever they were made, either as the base."""
    for base, new in permutations(runs, 2):
        yield [base], [new]


def any_two_slower(shipped: Sequence[Measurement], slower: Sequence[Measurement]) -> Iterator[Sides]:
    """A/B of single runs, whenever they were made."""
    for base in shipped:
        for new in slower:
            yield [base], [new]


def alarmed(comparisons: Iterator[Sides], metric: str, margin: float) -> Share:
    """Comparisons in which a gate on this metric, of both models, is broken; ``margin`` is a share of it."""
    gates = Gates((Gate(metric=metric, allow=f"{100 * margin:g}%"),))
    told = [found(_records(base, metric), _records(new, metric), gates).alarm for base, new in comparisons]
    return Share(sum(told), len(told))


def differences(runs: Sequence[Measurement], metric: str) -> dict[str, list[float]]:
    """How far runs of the same code are apart, as a share of their mean: those next in time, and any two."""
    near, far = list(pairwise(runs)), list(combinations(runs, 2))

    def apart(pairs: Sequence[tuple[Measurement, Measurement]]) -> list[float]:
        values = [(a.value(m, metric), b.value(m, metric)) for a, b in pairs for m in MODELS]
        return [2 * abs(a - b) / (a + b) for a, b in values if a + b > 0]

    return {"next": apart(near), "any two": apart(far)}


def _records(runs: Sequence[Measurement], metric: str) -> list[Record]:
    return [
        r
        for r in chain.from_iterable(run.records for run in runs)
        if r.metric == metric or r.seed is not None
    ]
