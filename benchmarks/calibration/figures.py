"""The figures of a calibration as plain numbers, a dictionary a row: what is saved and what is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from calibration import timing_alarms
from calibration.alarms import (
    ALARMING,
    AS_SHIPPED,
    PLEASING,
    TEST_ALONE,
    Found,
    Share,
    alarms,
    confirmed,
    decided,
    resampled,
    rows,
    undecided,
    with_defect,
    without_defect,
)
from calibration.defects import NONE, Defect
from calibration.pool import METRICS, Pool, in_processes
from calibration.runs import MODELS
from calibration.timing_alarms import Turns
from calibration.timings import METRICS as TIMES
from calibration.timings import Measurement, series
from genbench.analyse.row import Verdict
from genbench.analyse.significance import smallest_p

Figures = dict[str, Any]

MARGINS = (0.05, 0.1, 0.15, 0.2, 0.3)
"""Of gates on time."""

RUNS = (1, 2, 3, 4, 5, 6)
"""Runs a side that are pooled."""

_TURNS: tuple[Turns, ...] = ("by turns", "one after the other")


_pools: Mapping[str, Pool] = {}  # of this process: they are sent to it once, and every task needs them


def of_pools(
    pools: Mapping[str, Pool], defects: Sequence[Defect], sizes: Sequence[int], *, draws: int, workers: int
) -> dict[str, list[Figures]]:
    """A/A and A/B: a row for each number of seeds and each way to pair them, and for each defect.

    Args:
        pools: by defect; that of ``NONE`` has all seeds of the others and more.
        defects: to be caught.
        sizes: seeds a side.
        draws: comparisons whose seeds are drawn anew from the whole pool.
        workers: processes.
    """
    ways = [(n, paired) for paired in (False, True) for n in sizes]
    same = [(None, n, paired, draws) for n, paired in ways]
    other = [(defect, n, paired, draws) for defect in defects for n, paired in ways]
    found = list(in_processes(_row_of, [*same, *other], workers, _keep, (pools,)))
    return {"same_code": found[: len(same)], "defects": found[len(same) :]}


def _keep(pools: Mapping[str, Pool]) -> None:
    global _pools  # noqa: PLW0603
    _pools = pools


def _row_of(task: tuple[Defect | None, int, bool, int]) -> Figures:
    defect, n, paired, draws = task
    if defect is None:
        return same_code(_pools[NONE.name], n, paired=paired, draws=draws)
    return with_defects(_pools[NONE.name], _pools[defect.name], defect, n, paired=paired)


def same_code(pool: Pool, n: int, *, paired: bool, draws: int) -> Figures:
    """A/A with so many seeds a side."""
    shipped = without_defect(pool, n, AS_SHIPPED, paired=paired)
    bare = without_defect(pool, n, TEST_ALONE, paired=paired)
    family = len(METRICS) * len(MODELS)
    either = rows(bare, ALARMING | PLEASING, alone=True)
    return {
        "n": n,
        "paired": paired,
        "rows": family,
        "can_fire": smallest_p(n, n, paired=paired) <= TEST_ALONE.alpha / family,
        "alarms_as_shipped": _plain(alarms(shipped)),
        "confirmed_as_shipped": _plain(confirmed(shipped)),
        "alarms_without_margin": _plain(alarms(bare)),
        "confirmed_without_margin": _plain(confirmed(bare)),
        "any_difference_without_margin": _plain(decided(bare)),
        "undecided": _plain(undecided(shipped)),
        "each_row_alone_any_difference": {name: _plain(share) for name, share in either.items()},
        "resampled_without_margin": _plain(resampled(pool, n, TEST_ALONE, paired=paired, draws=draws)),
    }


def with_defects(healthy: Pool, defective: Pool, defect: Defect, n: int, *, paired: bool) -> Figures:
    """A/B with so many seeds a side."""
    shipped = with_defect(healthy, defective, n, AS_SHIPPED, paired=paired)
    bare = with_defect(healthy, defective, n, TEST_ALONE, paired=paired)
    return {
        "defect": defect.name,
        "n": n,
        "paired": paired,
        "alarms_as_shipped": _plain(alarms(shipped)),
        "confirmed_as_shipped": _plain(confirmed(shipped)),
        "alarms_without_margin": _plain(alarms(bare)),
        "undecided": _plain(undecided(shipped)),
        "each_row_as_shipped": _of_rows(shipped, ALARMING, alone=False),
        "each_row_alone": _of_rows(shipped, ALARMING, alone=True),
        "each_row_better": _of_rows(shipped, PLEASING, alone=False),
    }


def medians(pools: Mapping[str, Pool]) -> Iterator[Figures]:
    """What the seeds of each pool score: quartiles of each metric, and what has no number."""
    for defect, pool in pools.items():
        found: dict[tuple[str, str], list[float | None]] = {}
        for record in (record for records in pool.values() for record in records):
            if record.metric != "trial.steps":
                found.setdefault((record.model, record.metric), []).append(record.value)
        for (model, metric), values in found.items():
            numbers = sorted(value for value in values if value is not None)
            at = [numbers[round(q * (len(numbers) - 1))] for q in (0.25, 0.5, 0.75)] if numbers else []
            yield {
                "defect": defect,
                "model": model,
                "metric": metric,
                "seeds": len(values),
                "without_number": len(values) - len(numbers),
                "quartiles": at,
            }


def spread_of_timings(made: Sequence[Measurement]) -> Iterator[Figures]:
    """How far runs of the same code are apart, and how much slower the slower ones are."""
    for busy in (False, True):
        shipped, slower = (series(made, busy=busy, slower=kind) for kind in (False, True))
        for metric in TIMES:
            others = [run.others for run in (*shipped, *slower) if run.others is not None]
            row: Figures = {
                "busy": busy,
                "metric": metric,
                "others": [_quantile(sorted(others), q) for q in (0.0, 0.5, 1.0)] if others else [],
            }
            for name, apart in timing_alarms.differences(shipped, metric).items():
                ordered = sorted(apart)
                row[name] = [_quantile(ordered, q) for q in (0.5, 0.9, 0.95, 1.0)]
            for model in MODELS:
                with_defect, without = (
                    median(m.value(model, metric) for m in runs) for runs in (slower, shipped)
                )
                row[f"{model} slower over shipped"] = with_defect / without
            yield row


def alarms_of_timings(made: Sequence[Measurement]) -> Iterator[Figures]:
    """Shares of alarms by metric, margin, runs a side and their turns: without a defect, and with it."""
    for busy in (False, True):
        shipped, slower = (series(made, busy=busy, slower=kind) for kind in (False, True))
        for metric in TIMES:
            for margin in MARGINS:
                kinds: list[tuple[int, Turns]] = [(n, turns) for n in RUNS for turns in _TURNS]
                for n, turns in kinds:
                    false = [
                        timing_alarms.alarmed(timing_alarms.same_code(runs, n, turns), metric, margin)
                        for runs in (shipped, slower)
                    ]
                    right = timing_alarms.slower_steps(shipped, slower, n, turns)
                    caught = timing_alarms.alarmed(right, metric, margin)
                    yield _row(busy, metric, margin, n, turns, _sum(false), caught)
                false = [
                    timing_alarms.alarmed(timing_alarms.any_two(runs), metric, margin)
                    for runs in (shipped, slower)
                ]
                caught = timing_alarms.alarmed(timing_alarms.any_two_slower(shipped, slower), metric, margin)
                yield _row(busy, metric, margin, 1, "any two", _sum(false), caught)


def _of_rows(cases: Sequence[Found], among: frozenset[Verdict], *, alone: bool) -> dict[str, list[int]]:
    return {name: _plain(share) for name, share in rows(cases, among, alone=alone).items()}


def _row(busy: bool, metric: str, margin: float, n: int, turns: str, false: Share, caught: Share) -> Figures:
    return {
        "busy": busy,
        "metric": metric,
        "margin": margin,
        "runs": n,
        "turns": turns,
        "false": _plain(false),
        "caught": _plain(caught),
    }


def _sum(shares: Sequence[Share]) -> Share:
    return Share(sum(share.cases for share in shares), sum(share.of for share in shares))


def _plain(share: Share) -> list[int]:
    return [share.cases, share.of]


def _quantile(ordered: Sequence[float], q: float) -> float:
    return ordered[round(q * (len(ordered) - 1))] if ordered else float("nan")
