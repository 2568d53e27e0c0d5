"""Throughput: images and updates a second, latency, memory, operations, energy, as the clock saw them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchWarning
from genbench.core.record import Column
from genbench.core.registry import measures
from genbench.measures import cost_columns as cost
from genbench.measures.evidence import Evidence, Reading, Timing

SCATTER = 3.0
"""A slowest block beyond this many medians means that something else used the machine."""

_RESAMPLES = 2000
_FEWEST_BLOCKS = 3  # of fewer the bootstrap says nothing
_COUNTS = (cost.PARAMETERS, cost.FLOPS)  # the same on every machine
_TOO_FEW_STEPS = "No block was timed: too few steps for a steady state."
_TOO_FEW_SAMPLES = "No block was timed: too few samples to draw a whole block after the one that warms up."
_NO_LATENCY = "No single sample was timed."
_NO_PEAK = "The matrices of the peak's measurement do not fit into memory; fewer lanes leave room for them."
_SHARED = "Nothing was compiled: the program of an earlier cohort of the same shapes was used again."
_NO_IMAGES = "No player of this model draws real images."


@measures.register("throughput")
@dataclass(frozen=True)
class Throughput:
    """What a cohort cost. Nothing of trials and control rows: they have no clock.

    Numbers of all lanes and numbers of one lane have columns of their own.
    """

    columns: ClassVar[tuple[Column, ...]] = cost.COLUMNS
    per_cohort: ClassVar[bool] = True

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """One reading a column, or none at all.

        Warns:
            GenbenchWarning: the slowest timed block took more than three times the median one.
        """
        timing = evidence.timing
        if timing is None:
            return
        _warn_if_scattered("training", timing.block_s)
        _warn_if_scattered("sampling", timing.sample_s)
        yield from _speeds(timing)
        yield from _latencies(timing)
        step_s = [1000 * seconds / timing.block_steps for seconds in timing.block_s]
        yield _median(cost.STEPS, timing, step_s, _TOO_FEW_STEPS)
        yield _single(cost.COMPILE, timing, None if timing.compile_shared else timing.compile_s, _SHARED)
        yield _single(cost.WARMUP, timing, timing.warmup_s)
        memory = timing.peak_memory_bytes
        unread = f"This machine ({timing.device}) does not tell peak memory."
        yield _single(cost.MEMORY, timing, None if memory is None else memory / 2**20, unread)
        yield _single(cost.PARAMETERS, timing, float(timing.parameters))
        yield from _operations(timing)
        yield _energy(timing)


def _speeds(timing: Timing) -> Iterator[Reading]:
    """Images and updates a second: of all lanes, then of one of them."""
    lane_steps = [timing.block_steps / seconds for seconds in timing.block_s]  # a second, in every lane
    for of_all, of_one, each in (
        (cost.TRAIN, cost.LANE_TRAIN, timing.images_per_step),
        (cost.UPDATES, cost.LANE_UPDATES, timing.updates_per_step),
    ):
        yield _median(of_all, timing, [each * timing.lanes * steps for steps in lane_steps], _TOO_FEW_STEPS)
        yield _median(of_one, timing, [each * steps for steps in lane_steps], _TOO_FEW_STEPS)
    drawn = [timing.sample_images / seconds for seconds in timing.sample_s]
    yield _median(cost.SAMPLE, timing, drawn, _TOO_FEW_SAMPLES)


def _latencies(timing: Timing) -> Iterator[Reading]:
    calls = [1000 * seconds for seconds in timing.latency_s]
    yield _median(cost.LATENCY_MEDIAN, timing, calls, _NO_LATENCY)
    # Without an error: of what lies beyond the slowest call the calls tell nothing.
    tail = float(np.quantile(calls, 0.99)) if calls else None
    yield _single(cost.LATENCY_TAIL, timing, tail, _NO_LATENCY, n=len(calls))


def _operations(timing: Timing) -> Iterator[Reading]:
    """Operations an image and a second, and what share that is of what the machine can do."""
    flops, images = timing.flops_per_step, timing.images_per_step
    yield _single(cost.FLOPS, timing, flops / images / 1e6 if images else None, _NO_IMAGES)
    achieved = [flops * timing.lanes * timing.block_steps / s / 1e9 for s in timing.block_s]
    peak = [speed / 1e9 for speed in timing.peak_flops]
    yield _median(cost.ACHIEVED, timing, achieved, _TOO_FEW_STEPS)
    if achieved and peak:
        share = float(np.median(achieved) / np.median(peak))
        known = min(len(achieved), len(peak)) >= _FEWEST_BLOCKS
        error = _half_width(np.asarray(achieved), np.asarray(peak)) if known else None
        yield _reading(cost.UTILIZATION, timing, share, n=len(achieved), error=error)
    else:
        yield _reading(cost.UTILIZATION, timing, None, n=0, reason=_NO_PEAK if achieved else _TOO_FEW_STEPS)
    yield _median(cost.PEAK, timing, peak, _NO_PEAK)


def _energy(timing: Timing) -> Reading:
    images = timing.joules_steps * timing.images_per_step * timing.lanes
    if timing.joules is None or not images:
        reason = timing.energy_missing or (_NO_IMAGES if timing.joules_steps else _TOO_FEW_STEPS)
        return _reading(cost.ENERGY, timing, None, n=0, reason=reason)
    return _reading(cost.ENERGY, timing, 1000 * timing.joules / images, n=1)


def _median(column: Column, timing: Timing, values: Sequence[float], without: str) -> Reading:
    if not values:
        return _reading(column, timing, None, n=0, reason=without)
    error = _half_width(np.asarray(values)) if len(values) >= _FEWEST_BLOCKS else None
    return _reading(column, timing, float(np.median(values)), error=error, n=len(values))


def _single(column: Column, timing: Timing, value: float | None, without: str = "", *, n: int = 1) -> Reading:
    if value is None:
        return _reading(column, timing, None, n=0, reason=without)
    return _reading(column, timing, value, n=n)


def _reading(
    column: Column,
    timing: Timing,
    value: float | None,
    *,
    n: int,
    error: float | None = None,
    reason: str = "",
) -> Reading:
    versions = {"metric": column.version}
    return Reading(column, value, error, n, reason, versions, _protocol(column, timing))


def _protocol(column: Column, timing: Timing) -> dict[str, str | int | float | bool]:
    """What must be equal for two such numbers to be compared."""
    if column in _COUNTS:
        return {}
    protocol: dict[str, str | int | float | bool] = {"lanes": timing.lanes, "compiled": timing.compiled}
    if timing.processes > 1:
        protocol["processes"] = timing.processes
    if column is not cost.UTILIZATION:  # the machine's peak stands for the machine
        protocol["device"] = timing.device
    if column is cost.MEMORY:
        protocol["memory"] = timing.memory_of
    if column is cost.ENERGY and timing.energy_of:
        protocol["energy"] = timing.energy_of
    if timing.tf32 is not None:
        protocol["tf32"] = timing.tf32
    return protocol


def _half_width(values: NDArray[np.float64], by: NDArray[np.float64] | None = None) -> float:
    """Half of the 95 % interval of the median, or of the ratio of two independent medians.

    By percentile bootstrap (Efron 1979), always with the same draws.
    """
    generator = np.random.default_rng(0)
    medians = np.median(generator.choice(values, (_RESAMPLES, len(values))), axis=1)
    if by is not None:
        medians /= np.median(generator.choice(by, (_RESAMPLES, len(by))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return float(high - low) / 2


def _warn_if_scattered(what: str, seconds: Sequence[float]) -> None:
    if len(seconds) < _FEWEST_BLOCKS:
        return
    ratio = max(seconds) / float(np.median(seconds))
    if ratio > SCATTER:
        warnings.warn(
            f"the slowest timed block of {what} took {ratio:.1f} times the median one, so something else "
            "was using the machine. The median bears a few such blocks; to compare timings, run again alone.",
            GenbenchWarning,
            stacklevel=3,
        )
