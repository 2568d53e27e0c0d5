"""How one row is measured, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from genbench.analyse.effect import (
    Shift,
    paired_differences,
    paired_shift,
    probability_of_improvement,
    share_shift,
    shift,
)
from genbench.analyse.estimates import CONFIDENCE, centre
from genbench.analyse.needed import pairs_for_a_difference, seeds_for_a_difference, seeds_for_sameness
from genbench.analyse.row import FAILED_SHARE, Row, Test, Verdict
from genbench.analyse.sides import Side, mismatch
from genbench.analyse.significance import fisher_exact, mann_whitney, seeds_to_reach, sign_flip
from genbench.analyse.standing import FAILED_TRAINING
from genbench.core.record import Better
from genbench.suite.margin import MEASURED, QUALITY, SHARE, Margin


def measured(row: Row, margin: Margin | None) -> Row:
    """The row with its difference, test and p, or with the reason why there is none.

    Seeds are paired where a model is compared with itself and both sides have the same ones: a seed decides
    the initial weights, the noise and the order of the data.

    Args:
        row: with at least one side that is not empty.
        margin: what counts as a difference; the usual one if ``None``.
    """
    base, new = row.base, row.new
    if base is None or base.empty or new is None or new.empty:
        return _one_sided(row)
    if differs := mismatch(base, new):
        return replace(row, verdict=Verdict.INCOMPARABLE, why=differs)
    if base.measured and new.measured:
        return _of_measurements(row, base, new, margin or MEASURED)
    if not base.values or not new.values:
        return _all_lost(row, base, new)
    if row.metric in (FAILED_SHARE, FAILED_TRAINING):
        return _of_shares(row, base, new, margin or SHARE)
    return _of_seeds(row, base, new, margin or QUALITY)


def counts(row: Row, alpha: float) -> bool:
    """Whether its test could reject at ``alpha`` at all, so that the row counts among those corrected for.

    Given the values of both sides together, or the sizes of the paired differences, a test has a smallest p:
    that of the most uneven division of them. Where all values are equal, say, it is 1. A row that nothing
    could have made significant cannot raise a false alarm either (Tarone 1990, "A modified Bonferroni method
    for discrete data").
    """
    if row.p is None or row.base is None or row.new is None:
        return False
    return row.p <= alpha or _smallest(row.test, row.base, row.new) <= alpha


def _smallest(test: Test, base: Side, new: Side) -> float:
    """The smallest p of a test, were its values divided between the sides as unevenly as can be."""
    if test == "shares":
        (a, m), (b, n) = _share(base), _share(new)
        failed = a + b
        here, there = min(failed, m), min(failed, n)
        return min(fisher_exact((here, m), (failed - here, n)), fisher_exact((failed - there, m), (there, n)))
    if test == "paired":
        gaps = paired_differences(base.ordered(), new.ordered())
        return sign_flip([abs(gap) for gap in gaps])
    x, y = ([one.value for one in s.measured] or s.ordered() for s in (base, new))
    pooled = sorted([*x, *y])
    return min(
        mann_whitney(pooled[: len(x)], pooled[len(x) :]), mann_whitney(pooled[len(y) :], pooled[: len(y)])
    )


def judged(row: Row, adjusted: float | None, alpha: float, family: int, *, replayed: bool) -> Row:
    """The row with its verdict.

    Args:
        row: as ``measured`` leaves it.
        adjusted: its p after Holm's correction.
        alpha: of the family.
        family: rows that may be corrected for together, with more seeds than these.
        replayed: whether every number of this model is the same on both sides, to the bit.
    """
    found, margin = row.difference, row.margin
    if found is None or margin is None:
        return row
    row = replace(row, adjusted=adjusted)
    if row.test == "measured":
        if not _bears_a_verdict(row):
            why = "measured once a side: what repeating it would change is not known"
            return replace(row, verdict=Verdict.UNSURE, why=why)
        sure = (
            found.low is not None and found.high is not None and (found.low > margin or found.high < -margin)
        )
    else:
        sure = found.beyond(margin) and adjusted is not None and adjusted <= alpha
    if sure:
        good = (found.estimate > 0) == (row.better is Better.HIGHER)
        return replace(row, verdict=Verdict.BETTER if good else Verdict.WORSE)
    if replayed:
        return replace(row, verdict=Verdict.SAME, why="every number of every seed is the same, to the bit")
    if found.within(margin):
        return replace(row, verdict=Verdict.SAME)
    return replace(row, verdict=Verdict.UNSURE, seeds=_needed(row, found, margin, alpha / max(family, 1)))


def all_same(sides: Mapping[str, Side]) -> bool:
    """Whether every two of these models are surely the same in one metric, by the usual margin."""
    return all(_are_same(*two) for two in combinations(sides.items(), 2))


def _are_same(one: tuple[str, Side], other: tuple[str, Side]) -> bool:
    (base_model, base), (new_model, new) = one, other
    row = Row("", base_model, new_model, base.metric, base.unit, base.better, base, new, Verdict.INCOMPARABLE)
    row = measured(row, None)
    return row.difference is not None and row.margin is not None and row.difference.within(row.margin)


def _bears_a_verdict(row: Row) -> bool:
    """Whether single measurements say something without a test.

    They do where each has an interval of its own, and both were taken within one run, on the machine as it
    was then, or name no device because they are divided by what it could do. Two runs may have found it busy
    and idle; there a gate has to say which margin covers that.
    """
    if row.gated:
        return True
    sides = [side for side in (row.base, row.new) if side]
    known = all(one.error is not None for side in sides for one in side.measured)
    normalized = not any("device" in side.stamps for side in sides)
    return known and (row.base_model != row.new_model or normalized)


def _one_sided(row: Row) -> Row:
    """What is said where only one side has the metric."""
    there, missing = (row.new, row.base) if row.base is None or row.base.empty else (row.base, row.new)
    reason = (missing.reason if missing else "") or "not measured"
    if row.base_model != row.new_model:
        name = row.base_model if there is row.new else row.new_model
        return replace(row, verdict=Verdict.INCOMPARABLE, why=f"{name}: {reason}")
    broken = missing is not None and missing.broken
    if there is row.new:
        return replace(row, verdict=Verdict.FIXED if broken else Verdict.NEW, why=f"base: {reason}")
    return replace(row, verdict=Verdict.FAILED if broken else Verdict.GONE, why=f"new: {reason}")


def _all_lost(row: Row, base: Side, new: Side) -> Row:
    """What is said where all seeds of a side were lost, or one side has another kind of number."""
    if base.measured or new.measured:
        why = "one side was measured by seed, the other by cohort"
        return replace(row, verdict=Verdict.INCOMPARABLE, why=why)
    if not base.values and not new.values:
        return replace(row, verdict=Verdict.INCOMPARABLE, why="no seed of either side has a number")
    if new.values:
        return replace(row, verdict=Verdict.FIXED, why="no seed of the base has a number")
    return replace(row, verdict=Verdict.FAILED, why="no seed of the new side has a number")


def _of_seeds(row: Row, base: Side, new: Side, margin: Margin) -> Row:
    x, y = base.ordered(), new.ordered()
    size = margin.size(*(centre(list(side.values.values()), "median") for side in (base, new)))
    improvement = probability_of_improvement(x, y, row.better)
    if row.base_model == row.new_model and base.seeds == new.seeds:
        gaps = paired_differences(x, y)
        return replace(
            row, test="paired", difference=paired_shift(gaps), margin=size, p=sign_flip(gaps),
            improvement=improvement,
        )  # fmt: skip
    return replace(
        row,
        test="unpaired",
        difference=shift(x, y),
        margin=size,
        p=mann_whitney(x, y),
        improvement=improvement,
    )


def _of_shares(row: Row, base: Side, new: Side, margin: Margin) -> Row:
    old, now = _share(base), _share(new)
    size = margin.size(old[0] / old[1], now[0] / now[1])
    found, p = share_shift(old, now), fisher_exact(old, now)
    return replace(row, test="shares", difference=found, margin=size, p=p)


def _of_measurements(row: Row, base: Side, new: Side, margin: Margin) -> Row:
    """Measurements of whole cohorts: tested like seeds where there are enough, else taken as they are.

    Then the interval is the range of all differences, each widened by the intervals of its two measurements.
    """
    x, y = ([one.value for one in side.measured] for side in (base, new))
    size = margin.size(centre(x, "median"), centre(y, "median"))
    found = shift(x, y)
    improvement = probability_of_improvement(x, y, row.better)
    if found.low is not None:
        return replace(
            row, test="unpaired", difference=found, margin=size, p=mann_whitney(x, y), improvement=improvement
        )
    lows, highs = zip(
        *(
            (b.value - a.value - spread, b.value - a.value + spread)
            for a in base.measured
            for b in new.measured
            for spread in ((a.error or 0.0) + (b.error or 0.0),)
        ),
        strict=True,
    )
    whole = Shift(found.estimate, min(lows), max(highs))
    return replace(row, test="measured", difference=whole, margin=size)


def _share(side: Side) -> tuple[int, int]:
    return int(sum(side.values.values())), len(side.values)


def _needed(row: Row, found: Shift, margin: float, alpha: float) -> int | None:
    """Seeds a side: to be sure of a difference as large as this one, or that there is none."""
    base, new = row.base, row.new
    if base is None or new is None or row.test not in ("paired", "unpaired") or base.measured:
        return None
    x, y = base.ordered(), new.ordered()
    paired = row.test == "paired"
    if found.beyond(margin):
        if paired:
            return pairs_for_a_difference(paired_differences(x, y), alpha)
        return seeds_for_a_difference(x, y, alpha)
    least = seeds_to_reach(1 - CONFIDENCE, paired=paired)
    return seeds_for_sameness(found, min(len(x), len(y)), margin, least)
