"""One number for many seeds, with the interval that belongs to it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
MIN_SEEDS = 3
"""Below this many values there is no interval: two points say nothing of their own spread."""

Statistic = Literal["median", "iqm", "mean"]
"""What stands for many seeds. ``iqm``: the mean without the lowest and the highest quarter (Agarwal et al.
2021, "Deep reinforcement learning at the edge of the statistical precipice")."""

_RESAMPLES = 9999
_BOOTSTRAP_SEED = 20260814  # any fixed number: the same records must give the same table


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        median: median of the values, in the metric's unit.
        low, high: ends of the interval; both ``None`` where there is none. ``high`` alone is ``None`` where
            the interval ends among seeds that never reached the suite's target.
        n: values behind the median.
        over: ``seeds``: the interval is over training seeds, by bootstrap; ``measurement``: there is one
            value for all lanes (or for a control row), and the interval is that measurement's own.
    """

    median: float
    low: float | None
    high: float | None
    n: int
    over: Literal["seeds", "measurement"] = "seeds"


def estimate_over_seeds(values: Sequence[float]) -> Estimate:
    """The median of one value a seed, with a 95 % bootstrap percentile interval (deterministic).

    With fewer than 6 seeds that interval is the range of the values, which holds the true median with a
    probability of only ``coverage_of_range(n)``; with fewer than ``MIN_SEEDS`` there is none. Equal values
    give an interval of no width.
    """
    low, high = interval_over_seeds(values, "median") or (None, None)
    return Estimate(centre(values, "median"), low, high, len(values))


def centre(values: Sequence[float], statistic: Statistic) -> float:
    """Median, interquartile mean or mean of at least one value."""
    import numpy as np

    return float(_function(statistic)(np.sort(np.asarray(values, dtype=np.float64))))


def interval_over_seeds(values: Sequence[float], statistic: Statistic) -> tuple[float, float] | None:
    """The 95 % bootstrap interval of a statistic over seeds; ``None`` for fewer than ``MIN_SEEDS`` values.

    Means have bias-corrected and accelerated intervals (BCa; Efron 1987, "Better bootstrap confidence
    intervals"); the median has percentiles, because it has no smooth influence for BCa to accelerate by
    and simulated coverage is no better with it (docs/statistics.md). Both fall short of 95 % for few
    values, means more than the median. Equal values give an interval of no width.
    """
    if len(values) < MIN_SEEDS:
        return None
    # Sorted, so that the interval does not depend on the order in which seeds finished.
    return _interval(tuple(sorted(map(float, values))), statistic)


@lru_cache(maxsize=1 << 14)
def _interval(values: tuple[float, ...], statistic: Statistic) -> tuple[float, float]:
    """Of ascending values; kept, because tables, figures and sentences ask for the same ones."""
    import numpy as np
    from scipy.stats import bootstrap

    sample = np.asarray(values, dtype=np.float64)
    middle = centre(values, statistic)
    if sample[0] == sample[-1]:
        return middle, middle

    def ends(method: Literal["percentile", "BCa"]) -> NDArray[np.float64]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an interval without numbers, which is looked for below
            found = bootstrap(
                (sample,),
                _function(statistic),
                n_resamples=_RESAMPLES,
                confidence_level=CONFIDENCE,
                method=method,
                random_state=np.random.default_rng(_BOOTSTRAP_SEED),
            ).confidence_interval
        return np.array([found.low, found.high])

    found = ends("percentile" if statistic == "median" else "BCa")
    if not np.isfinite(found).all():
        found = ends("percentile")  # no single seed moves the statistic: nothing to accelerate by
    # The percentiles are interpolated, and may leave the values by a rounding error.
    low, high = np.clip(found, sample[0], sample[-1])
    return min(float(low), middle), max(float(high), middle)


def _function(statistic: Statistic) -> Callable[..., Any]:
    """The statistic as a function of (values, axis)."""
    import numpy as np
    from scipy.stats import trim_mean

    match statistic:
        case "median":
            return np.median
        case "iqm":
            return partial(trim_mean, proportiontocut=0.25)
        case "mean":
            return np.mean


def coverage_of_range(n: int) -> float:
    """Probability that the true median lies between the lowest and the highest of ``n`` values."""
    return float(1 - 2.0 ** (1 - n))
