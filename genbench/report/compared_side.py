"""What stands for one side of a compared row: an estimate for people, every statistic for machines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from genbench.analyse.effect import wilson
from genbench.analyse.estimates import (
    Estimate,
    Statistic,
    centre,
    estimate_over_seeds,
    interval_over_seeds,
)
from genbench.analyse.row import FAILED_SHARE
from genbench.analyse.sides import Side
from genbench.analyse.standing import TARGET

STATISTICS: tuple[Statistic, ...] = get_args(Statistic)


@dataclass(frozen=True, slots=True)
class Stated:
    """One statistic with its 95 % interval; each ``None`` where there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


def estimate_of(side: Side | None) -> Estimate | None:
    """The median as the tables of a run show it; of failed seeds their share."""
    if side is None:
        return None
    if side.metric == FAILED_SHARE:
        failed, seeds = failures(side)
        return Estimate(failed / seeds, *wilson(failed, seeds), seeds) if seeds else None
    if side.measured:
        return _of_measurements(side)
    if side.metric.startswith(TARGET) and side.lost:
        return _until_target(side)
    return estimate_over_seeds(list(side.values.values())) if side.values else None


def failures(side: Side) -> tuple[int, int]:
    """How many seeds failed, of how many."""
    return int(sum(side.values.values())), len(side.values)


def seeds_of(side: Side | None) -> str:
    """``6``, or ``5/6`` where one was lost; empty for measurements of a whole cohort."""
    if side is None or side.measured or not side.seeds:
        return ""
    return f"{len(side.values)}/{len(side.seeds)}" if side.lost else str(len(side.values))


def statistics_of(side: Side) -> dict[Statistic, Stated]:
    """Median, IQM and mean, each with its own interval, over the seeds (or cohorts) that have a number.

    For failed seeds there is the mean alone, which is their share. A seed that never reached the target has
    no number, but is later than any that has: there the median counts it, as in the tables, and the others
    cannot be told.
    """
    nothing: dict[Statistic, Stated] = dict.fromkeys(STATISTICS, Stated())
    known = estimate_of(side)
    if known is None:
        return nothing
    as_shown = Stated(known.median, known.low, known.high)
    if side.metric == FAILED_SHARE:
        return {**nothing, "mean": as_shown}
    if side.metric.startswith(TARGET) and side.lost:
        return {**nothing, "median": as_shown}
    numbers = [one.value for one in side.measured] or list(side.values.values())
    if len(numbers) == 1:
        return dict.fromkeys(STATISTICS, as_shown)
    found = {name: _stated(numbers, name) for name in STATISTICS}
    return {**found, "median": as_shown}


def _of_measurements(side: Side) -> Estimate:
    """The measurement with its own interval; of several the median, with the interval over them."""
    values = [one.value for one in side.measured]
    error = side.measured[0].error
    if len(values) > 1:
        return estimate_over_seeds(values)
    if error is None:
        return Estimate(values[0], None, None, 1, over="measurement")
    return Estimate(values[0], values[0] - error, values[0] + error, 1, over="measurement")


def _until_target(side: Side) -> Estimate | None:
    """As in a run's tables: no median where half of the seeds never were there, no end among them."""
    if 2 * len(side.lost) >= len(side.seeds):
        return None
    reached = list(side.values.values())
    beyond = 1e9 * max(1.0, *reached)  # stands for infinity, with which nothing can be interpolated
    estimate = estimate_over_seeds([*reached, *[beyond] * len(side.lost)])
    if estimate.high is not None and estimate.high > max(reached):
        estimate = replace(estimate, high=None)
    return estimate


def _stated(numbers: Sequence[float], statistic: Statistic) -> Stated:
    ends = interval_over_seeds(numbers, statistic)
    # values so alike that a bootstrap of them has no correction to be computed by
    low, high = ends if ends and all(map(math.isfinite, ends)) else (None, None)
    return Stated(centre(numbers, statistic), low, high)
