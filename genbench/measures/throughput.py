"""Throughput: images a second, seconds, memory, parameters and operations, as the clock saw them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchWarning
from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reading, Timing

TRAIN = Column(
    "throughput.train_images_per_s",
    "images/s",
    Better.HIGHER,
    low=0.0,
    meaning="real images trained on, all lanes together, median of the timed blocks",
)
SAMPLE = Column(
    "throughput.sample_images_per_s",
    "images/s",
    Better.HIGHER,
    low=0.0,
    meaning="images drawn, all lanes together, median of the timed blocks",
)
STEPS = Column(
    "throughput.s_per_1000_steps",
    "s",
    Better.LOWER,
    low=0.0,
    meaning="one step advances every lane; median of the timed blocks",
)
COMPILE = Column("throughput.compile_s", "s", Better.LOWER, low=0.0, meaning="0 where nothing was compiled")
WARMUP = Column(
    "throughput.warmup_s",
    "s",
    Better.LOWER,
    low=0.0,
    meaning="the steps before the timed blocks, compilation left out",
)
MEMORY = Column(
    "throughput.peak_memory",
    "MiB",
    Better.LOWER,
    low=0.0,
    meaning="in training, all lanes together; on a CPU of the whole process, libraries and data included",
)
PARAMETERS = Column("throughput.parameters", "", Better.NEITHER, low=0.0, meaning="trained, in one lane")
FLOPS = Column(
    "throughput.flops_per_step",
    "GFLOP",
    Better.NEITHER,
    low=0.0,
    meaning="operations of one lane's step",
)

SCATTER = 3.0
"""A slowest block beyond this many medians means that something else used the machine."""

_RESAMPLES = 2000
_FEWEST_BLOCKS = 3  # of fewer the bootstrap says nothing
_TOO_FEW_STEPS = "No block was timed: too few steps for a steady state."
_TOO_FEW_SAMPLES = "No block was timed: too few samples to draw a whole block after the one that warms up."


@measures.register("throughput")
@dataclass(frozen=True)
class Throughput:
    """What a cohort cost, all lanes together. Nothing of trials and control rows: they have no clock."""

    columns: ClassVar[tuple[Column, ...]] = (TRAIN, SAMPLE, STEPS, COMPILE, WARMUP, MEMORY, PARAMETERS, FLOPS)
    per_cohort: ClassVar[bool] = True

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Eight readings, or none.

        Warns:
            GenbenchWarning: the slowest timed block took more than three times the median one.
        """
        timing = evidence.timing
        if timing is None:
            return
        step_s = [seconds / timing.block_steps for seconds in timing.block_s]
        images = timing.images_per_step * timing.lanes
        _warn_if_scattered("training", timing.block_s)
        _warn_if_scattered("sampling", timing.sample_s)
        yield _median(TRAIN, timing, [images / s for s in step_s], _TOO_FEW_STEPS)
        yield _median(SAMPLE, timing, [timing.sample_images / s for s in timing.sample_s], _TOO_FEW_SAMPLES)
        yield _median(STEPS, timing, [1000 * s for s in step_s], _TOO_FEW_STEPS)
        yield _single(COMPILE, timing, timing.compile_s if timing.compiled else 0.0)
        yield _single(WARMUP, timing, timing.warmup_s)
        peak = timing.peak_memory_bytes
        yield _single(MEMORY, timing, None if peak is None else peak / 2**20, "peak memory")
        yield _single(PARAMETERS, timing, float(timing.parameters))
        flops = timing.flops_per_step
        yield _single(FLOPS, timing, None if flops is None else flops / 1e9, "the step's operations")


def _median(column: Column, timing: Timing, values: Sequence[float], without: str) -> Reading:
    if not values:
        return _reading(column, timing, None, n=0, reason=without)
    error = _half_width(np.asarray(values)) if len(values) >= _FEWEST_BLOCKS else None
    return _reading(column, timing, float(np.median(values)), error=error, n=len(values))


def _single(column: Column, timing: Timing, value: float | None, what: str = "") -> Reading:
    reason = "" if value is not None else f"This machine ({timing.device}) or model does not tell {what}."
    return _reading(column, timing, value, n=0 if value is None else 1, reason=reason)


def _reading(
    column: Column,
    timing: Timing,
    value: float | None,
    *,
    n: int,
    error: float | None = None,
    reason: str = "",
) -> Reading:
    # Counts are the same on every machine; what a clock or a memory gauge says is not.
    counted = column in (PARAMETERS, FLOPS)
    protocol: dict[str, str | int | float | bool] = {"lanes": timing.lanes, "device": timing.device}
    if column is MEMORY:
        protocol["memory"] = timing.memory_of
    versions = {"metric": column.version}
    return Reading(column, value, error, n, reason, versions, {} if counted else protocol)


def _half_width(values: NDArray[np.float64]) -> float:
    """Half of the median's 95 % interval, by percentile bootstrap (Efron 1979), always the same draws."""
    draws = np.random.default_rng(0).choice(values, (_RESAMPLES, len(values)))
    low, high = np.quantile(np.median(draws, axis=1), (0.025, 0.975))
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
