"""Tests and intervals on drawn values, where the truth is known: why ranks, and why medians."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, norm, ttest_ind

from genbench.analyse import estimates
from genbench.analyse.estimates import interval_over_seeds
from genbench.analyse.significance import mann_whitney

Values = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Values]

ALPHA = 0.05
_DIVISIONS = 20_000
"""All ways to divide values into two sides are counted out up to so many; of more, so many are drawn."""

_RESAMPLES = 999
"""Of a bootstrap here; the tables' intervals take ten times as many, which moves their ends by little."""


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> Values:
    return random.standard_normal(shape)


def _lognormal(random: np.random.Generator, shape: tuple[int, ...]) -> Values:
    return np.exp(random.standard_normal(shape))


def _with_failures(random: np.random.Generator, shape: tuple[int, ...]) -> Values:
    return random.standard_normal(shape) + 10.0 * (random.random(shape) < 0.1)


DISTRIBUTIONS: Mapping[str, Draw] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "one in ten far off": _with_failures,
}
"""Of standard deviation 1; the exponential of that; normal, but every tenth value ten deviations worse."""

SHIFTS = {5: 2.0, 8: 1.5, 16: 1.0}
"""By values a side: by how much the new side is moved, so that on normal values no test always finds it."""


def mann_whitney_ps(base: Values, new: Values) -> Values:
    """p of genbench's own test, row by row."""
    return np.array([mann_whitney(x, y) for x, y in zip(base.tolist(), new.tolist(), strict=True)])


def permutation_ps(base: Values, new: Values) -> Values:
    """Two-sided p of the permutation test of means, of sides of equal size, row by row.

    As ``genbench.analyse.significance.permutation_test``, for thousands of rows at once.
    """
    n = base.shape[1]
    signs = _divisions(n)
    both = np.concatenate([new, base], axis=1)
    observed = np.abs(both @ np.repeat([1.0, -1.0], n))
    ps = np.empty(len(both))
    for start in range(0, len(both), 250):
        rows = slice(start, start + 250)
        each = np.abs(both[rows] @ signs.T) >= observed[rows, None] * (1 - 1e-9)
        ps[rows] = each.mean(1) if len(signs) < _DIVISIONS else (each.sum(1) + 1) / (len(signs) + 1)
    return ps


@lru_cache(maxsize=4)
def _divisions(n: int) -> Values:
    """Ways to divide 2 n values into two sides, a row each: 1 and -1."""
    if math.comb(2 * n, n) < _DIVISIONS:
        signs = -np.ones((math.comb(2 * n, n), 2 * n))
        for row, chosen in enumerate(combinations(range(2 * n), n)):
            signs[row, list(chosen)] = 1.0
        return signs
    random = np.random.default_rng(0)
    return random.permuted(np.tile(np.repeat([1.0, -1.0], n), (_DIVISIONS, 1)), axis=1)


def welch_ps(base: Values, new: Values) -> Values:
    """p of Welch's t-test, row by row."""
    return np.asarray(ttest_ind(base, new, axis=1, equal_var=False).pvalue)


TESTS = {"Mann-Whitney": mann_whitney_ps, "means, permuted": permutation_ps, "Welch's t": welch_ps}


def tests(repeats: int) -> Iterator[dict[str, str | int | float | list[int]]]:
    """How often each test rejects at 0.05, where nothing differs and where the new side is moved."""
    for name, draw in DISTRIBUTIONS.items():
        for n, by in SHIFTS.items():
            random = np.random.default_rng(n)
            base, new = draw(random, (repeats, n)), draw(random, (repeats, n))
            for test, ps in TESTS.items():
                false, right = (int((ps(base, new + moved) <= ALPHA).sum()) for moved in (0.0, by))
                yield {
                    "distribution": name,
                    "n": n,
                    "test": test,
                    "moved_by": by,
                    "false": [false, repeats],
                    "caught": [right, repeats],
                }


INTERVALS = ("median", "iqm", "mean", "median, BCa")
"""Statistics of ``genbench.analyse.estimates`` with their intervals, and one that it does not offer."""

_QUARTER = norm.ppf(0.75)
_TRUE: Mapping[str, Mapping[str, float]] = {
    "normal": dict.fromkeys(("median", "iqm", "mean"), 0.0),
    "lognormal": {
        "median": 1.0,
        "iqm": 2 * math.exp(0.5) * (norm.cdf(_QUARTER - 1) - norm.cdf(-_QUARTER - 1)),
        "mean": math.exp(0.5),
    },
}
"""Of the whole distribution; the interquartile mean of a lognormal one by its partial expectation."""


def intervals(sizes: tuple[int, ...], repeats: int) -> Iterator[dict[str, str | int | list[int]]]:
    """How often the 95 % interval of each statistic holds what it is an interval of."""
    with patch.object(estimates, "_RESAMPLES", _RESAMPLES):
        for name, true in _TRUE.items():
            for n in sizes:
                values = DISTRIBUTIONS[name](np.random.default_rng(100 + n), (repeats, n))
                for statistic in INTERVALS:
                    wanted = true[statistic.removesuffix(", BCa")]
                    found = _interval_of(statistic)
                    held = sum(bool(low <= wanted <= high) for low, high in map(found, values))
                    yield {"distribution": name, "n": n, "statistic": statistic, "held": [held, repeats]}


def _interval_of(statistic: str) -> Callable[[Values], tuple[float, float]]:
    """Of one statistic: from values to the ends of its interval."""

    def ours(values: Values) -> tuple[float, float]:
        found = interval_over_seeds(values.tolist(), statistic.split(",", maxsplit=1)[0])  # type: ignore[arg-type]
        assert found, "fewer than three values"
        return found

    return _median_bca if statistic == "median, BCa" else ours


def _median_bca(values: Values) -> tuple[float, float]:
    """BCa of the median; where it breaks down its ends are not numbers, and hold nothing."""
    with np.errstate(all="ignore"):
        found = bootstrap(
            (values,), np.median, n_resamples=_RESAMPLES, method="BCa", random_state=np.random.default_rng(0)
        ).confidence_interval
    return float(found.low), float(found.high)
