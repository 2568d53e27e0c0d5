"""Comparisons of sides that are taken from pools, and how often gates raise an alarm."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from calibration.pool import METRICS, Pool
from calibration.runs import MODELS
from calibration.second_look import still_broken
from genbench.analyse.compare import compare_runs
from genbench.analyse.effect import wilson
from genbench.analyse.gate import Gates, judge
from genbench.analyse.row import Row, Verdict
from genbench.analyse.verdict import judged
from genbench.core.record import Record
from genbench.suite.schema import Gate

ALARMING = frozenset({Verdict.WORSE, Verdict.FAILED})
PLEASING = frozenset({Verdict.BETTER, Verdict.FIXED})

AS_SHIPPED = Gates(tuple(Gate(metric=metric) for metric in METRICS))
"""A gate a metric, for both models, each with the margin it has where none is given."""

TEST_ALONE = Gates(tuple(Gate(metric=metric, allow=0.0) for metric in METRICS))
"""The same without a margin: what ``alpha`` promises is of the tests."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many cases of so many, with Wilson's 95 % interval."""

    cases: int
    of: int

    @property
    def value(self) -> float:
        """In [0, 1]; 0 of nothing."""
        return self.cases / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends."""
        return wilson(self.cases, self.of)


@dataclass(frozen=True, slots=True)
class Found:
    """What was said of one comparison.

    Attributes:
        alarm: whether a gate is broken.
        confirmed: whether it still is after a second look with fresh seeds.
        undecided: whether a gate could not be judged.
        family: verdicts of the rows by "model metric", corrected for their family.
        alone: what each row's verdict would be if there were no gate but its own.
    """

    alarm: bool
    confirmed: bool
    undecided: bool
    family: Mapping[str, Verdict]
    alone: Mapping[str, Verdict]

    @property
    def decided(self) -> bool:
        """Whether any row was said to differ, to the better or to the worse."""
        return any(verdict in ALARMING | PLEASING for verdict in self.family.values())


def found(
    base: Sequence[Record],
    new: Sequence[Record],
    gates: Gates,
    fresh: Callable[[], Sequence[Record]] | None = None,
) -> Found:
    """Compare and judge, as ``genbench compare --gate`` does, with ``fresh`` seeds also ``--confirm``."""
    comparison = compare_runs(base, new, rules=gates.rules(), alpha=gates.alpha)
    judgement = judge(comparison, gates)
    rows = [row for row in comparison.rows if row.gated]
    alarm = bool(judgement.violations)
    return Found(
        alarm,
        alarm and (fresh is None or still_broken(judgement, base, new, fresh(), gates)),
        bool(judgement.undecided),
        {_name(row): row.verdict for row in rows},
        {_name(row): judged(row, row.p, gates.alpha, 1, replayed=False).verdict for row in rows},
    )


def side(pool: Pool, seeds: Iterable[int]) -> list[Record]:
    """The records of some seeds."""
    return list(chain.from_iterable(pool[seed] for seed in seeds))


def side_as(pool: Pool, seeds: Sequence[int], labels: Sequence[int]) -> list[Record]:
    """The records of some seeds under the names of others, so that they are paired with those.

    Two sides of the same code and the same seeds would be equal to the bit. These pairs are what is left
    where a change has altered every number and no distribution.
    """
    return [replace(r, seed=label) for seed, label in zip(seeds, labels, strict=True) for r in pool[seed]]


def divided(seeds: Iterable[int], n: int, shuffled: int = 0) -> list[tuple[list[int], list[int]]]:
    """As many pairs of sides of ``n`` seeds as there are without using a seed twice."""
    order = sorted(seeds)
    random.Random(shuffled).shuffle(order)
    return [
        (order[start : start + n], order[start + n : start + 2 * n])
        for start in range(0, len(order) - 2 * n + 1, 2 * n)
    ]


def without_defect(pool: Pool, n: int, gates: Gates, *, paired: bool) -> list[Found]:
    """A/A: comparisons of trained seeds with others of the same code. No seed is in two of them."""
    return [_same_code(pool, *pair, gates, paired, random.Random(n)) for pair in divided(pool, n)]


def resampled(pool: Pool, n: int, gates: Gates, *, paired: bool, draws: int) -> Share:
    """A/A again, alarms of comparisons whose seeds are drawn anew from the whole pool each time.

    They share seeds, so that no interval of independent cases belongs to their share; but it does not hang
    on how the pool happened to be divided.
    """
    seeds, draw = sorted(pool), random.Random(1)
    alarms = 0
    for _ in range(draws):
        chosen = draw.sample(seeds, 2 * n)
        alarms += _same_code(pool, chosen[:n], chosen[n:], gates, paired).alarm
    return Share(alarms, draws)


def with_defect(healthy: Pool, defective: Pool, n: int, gates: Gates, *, paired: bool) -> list[Found]:
    """A/B: healthy seeds against defective ones. No seed is in two comparisons.

    Paired, both sides have the same seeds, as two runs of one suite have. Else the healthy ones are of those
    that have no defective twin.
    """
    seeds = sorted(defective)
    others = seeds if paired else sorted(healthy.keys() - defective.keys())
    draw, cases = random.Random(n), []
    for start in range(0, min(len(seeds), len(others)) - n + 1, n):
        base, new = others[start : start + n], seeds[start : start + n]
        unseen = partial(_fresh, defective, {*base, *new}, n, draw)
        cases.append(found(side(healthy, base), side(defective, new), gates, unseen))
    return cases


def alarms(cases: Sequence[Found]) -> Share:
    """Comparisons in which a gate is broken."""
    return Share(sum(case.alarm for case in cases), len(cases))


def confirmed(cases: Sequence[Found]) -> Share:
    """Comparisons in which a gate is broken at a second look too."""
    return Share(sum(case.confirmed for case in cases), len(cases))


def decided(cases: Sequence[Found]) -> Share:
    """Comparisons in which any row was said to differ."""
    return Share(sum(case.decided for case in cases), len(cases))


def undecided(cases: Sequence[Found]) -> Share:
    """Comparisons in which a gate could not be judged."""
    return Share(sum(case.undecided for case in cases), len(cases))


def rows(cases: Sequence[Found], among: frozenset[Verdict], *, alone: bool) -> dict[str, Share]:
    """Of each row, how often its verdict was one of these."""
    told = [case.alone if alone else case.family for case in cases]
    names = [f"{model} {metric}" for model in MODELS for metric in METRICS]
    return {name: Share(sum(each.get(name) in among for each in told), len(cases)) for name in names}


def _same_code(
    pool: Pool,
    base: Sequence[int],
    new: Sequence[int],
    gates: Gates,
    paired: bool,
    draw: random.Random | None = None,
) -> Found:
    relabelled = side_as(pool, new, base) if paired else side(pool, new)
    unseen = partial(_fresh, pool, {*base, *new}, len(new), draw) if draw else None
    return found(side(pool, base), relabelled, gates, unseen)


def _fresh(pool: Pool, seen: set[int], n: int, draw: random.Random) -> list[Record]:
    """The records of seeds that are on neither side; other comparisons may have them."""
    left = sorted(pool.keys() - seen)
    return side(pool, draw.sample(left, min(n, len(left))))


def _name(row: Row) -> str:
    return f"{row.new_model} {row.metric}"
