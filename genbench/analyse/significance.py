"""Tests of a difference, exact for as many seeds as anybody trains, and what they can reach at all.

Values may be infinite: a seed that diverged or failed counts as worse than every seed that did not
("worst rank"; Lachin 1999, "Worst-rank score analysis with informatively missing observations").
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT_UP_TO = 100
"""Values of both sides together up to which null distributions are counted out; beyond, normal ones."""

_SAME = 1e-9
"""Statistics nearer than this share are equal: sums of the same numbers in another order differ by less."""


def mann_whitney(base: Sequence[float], new: Sequence[float]) -> float:
    """Two-sided p of the Mann-Whitney test that two independent sets of seeds are draws of one distribution.

    The permutation distribution of the sum of midranks is counted out, so that ties and small sets need no
    approximation (Mann & Whitney 1947; Lehmann 1975, "Nonparametrics", section 1.4). With more than 100
    values the normal distribution with its correction for ties takes its place.

    Returns:
        In (0, 1]; 1 where a side is empty.
    """
    if not len(base) or not len(new):
        return 1.0
    if len(base) + len(new) > EXACT_UP_TO:
        import numpy as np
        from scipy.stats import mannwhitneyu, rankdata

        ranks = rankdata([*base, *new])  # which are finite, as the values need not be
        split = np.split(ranks, [len(base)])
        if ranks.min() == ranks.max():
            return 1.0
        return float(mannwhitneyu(split[0], split[1], method="asymptotic").pvalue)
    ordered = sorted([*base, *new])  # midranks are halves of whole numbers: here they are doubled
    doubled = [bisect_left(ordered, v) + bisect_right(ordered, v) + 1 for v in [*base, *new]]
    few = min(len(base), len(new))
    observed = sum(doubled[: len(base)] if few == len(base) else doubled[len(base) :])
    counts = _subset_sums(tuple(sorted(doubled)), few)
    return _two_sided(counts, observed, few * sum(doubled) / len(doubled))


def sign_flip(differences: Sequence[float]) -> float:
    """Two-sided p of the sign-flip test that paired differences are as likely up as down.

    Fisher's randomization test with Wilcoxon's statistic: the signs of the ranked differences are flipped in
    all ways (Wilcoxon 1945; Lehmann 1975, section 3.2). Differences of zero have no sign and are left out.
    With more than 100 differences the normal distribution takes its place.

    Returns:
        In (0, 1]; 1 where no difference is left.
    """
    import numpy as np
    from scipy.stats import norm, rankdata

    signed = np.asarray([d for d in differences if d != 0], dtype=np.float64)
    if not len(signed):
        return 1.0
    ranks = rankdata(np.abs(signed))
    if len(signed) > EXACT_UP_TO:
        spread = float(np.sqrt((ranks**2).sum()) / 2)
        return float(min(1.0, 2 * norm.sf(abs(ranks[signed > 0].sum() - ranks.sum() / 2) / spread)))
    doubled = np.rint(2 * ranks).astype(int)
    counts = np.zeros(int(doubled.sum()) + 1)
    counts[0] = 1.0
    for rank in doubled:
        counts[rank:] += counts[:-rank].copy()
    return _two_sided(counts, int(doubled[signed > 0].sum()), float(doubled.sum()) / 2)


def permutation_test(base: Sequence[float], new: Sequence[float]) -> float:
    """Two-sided p of the permutation test of two means (Fisher 1935), for finite values.

    All divisions are counted out where there are at most 20,000, else that many are drawn (deterministic).
    It has nearly the power of Mann-Whitney's test on normal values and less where single seeds lie far
    off, which in training GANs they do; so verdicts use ranks (docs/statistics.md compares them).
    """
    import numpy as np
    from scipy.stats import permutation_test as scipy_permutation_test

    if not len(base) or not len(new):
        return 1.0

    def gap(x: Any, y: Any, axis: int = -1) -> Any:
        return np.mean(y, axis=axis) - np.mean(x, axis=axis)

    sides: Any = (np.sort(base), np.sort(new))
    draw = np.random.default_rng(0)
    found = scipy_permutation_test(sides, gap, n_resamples=20_000, vectorized=True, random_state=draw)
    return float(found.pvalue)


def holm(ps: Sequence[float]) -> list[float]:
    """p-values adjusted so that all alarms at ``alpha`` together are false with at most that probability.

    Holm 1979, "A simple sequentially rejective multiple test procedure": the smallest times m, the next
    times m - 1, ..., each at least its predecessor, at most 1. Holds under any dependence.
    """
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted, least = [1.0] * len(ps), 0.0
    for place, i in enumerate(order):
        least = max(least, min(1.0, (len(ps) - place) * ps[i]))
        adjusted[i] = least
    return adjusted


def fisher_exact(base: tuple[int, int], new: tuple[int, int]) -> float:
    """Two-sided p of Fisher's exact test that two shares, each (cases, of how many), are equal."""
    import numpy as np
    from scipy.stats import fisher_exact as scipy_fisher_exact

    table = np.array([[base[0], base[1] - base[0]], [new[0], new[1] - new[0]]])
    return float(scipy_fisher_exact(table).pvalue)


def smallest_p(base: int, new: int, *, paired: bool) -> float:
    """The smallest two-sided p that this many seeds a side can reach, whatever their values.

    Paired, it is 2 / 2^n; else 2 / C(base + new, new). At most 1.
    """
    return min(1.0, 2 / 2 ** min(base, new) if paired else 2 / comb(base + new, new))


def seeds_to_reach(alpha: float, *, paired: bool) -> int:
    """The fewest seeds a side with which a p of ``alpha`` or less can be reached at all."""
    n = 1
    while smallest_p(n, n, paired=paired) > alpha:
        n += 1
    return n


@lru_cache(maxsize=256)
def _subset_sums(numbers: tuple[int, ...], size: int) -> NDArray[np.float64]:
    """How many subsets of ``size`` of these whole numbers have each sum."""
    import numpy as np

    counts = np.zeros((size + 1, sum(numbers) + 1))
    counts[0, 0] = 1.0
    for number in numbers:
        # the right side is made first: no subset takes a number twice
        counts[1:, number:] += counts[:-1, :-number].copy()
    found: NDArray[np.float64] = counts[size]
    return found


def _two_sided(counts: NDArray[np.float64], observed: int, middle: float) -> float:
    """Share of the counted cases that lie at least as far from the middle as the observed one."""
    import numpy as np

    away = np.abs(np.arange(len(counts)) - middle)
    extreme = away >= abs(observed - middle) - _SAME * (1 + middle)
    return float(min(1.0, counts[extreme].sum() / counts.sum()))
