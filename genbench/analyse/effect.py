"""How large a difference is: shift with its interval, probability of improvement, shares.

The shift and its interval belong to the tests of ``significance``: the interval holds 0 just where the test
does not reject (without ties), because it is the set of shifts that the test would not reject.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb

from genbench.analyse.estimates import CONFIDENCE
from genbench.analyse.significance import EXACT_UP_TO
from genbench.core.record import Better


@dataclass(frozen=True, slots=True)
class Shift:
    """New minus base, in the metric's unit.

    Attributes:
        estimate: infinite where seeds that were lost make up half of the differences or more.
        low, high: ends of the 95 % interval, perhaps infinite; both ``None`` where so few seeds have none.
    """

    estimate: float
    low: float | None
    high: float | None

    def within(self, margin: float) -> bool:
        """Whether the whole interval is inside of ±margin."""
        return self.low is not None and self.high is not None and -margin <= self.low <= self.high <= margin

    def beyond(self, margin: float) -> bool:
        """Whether the estimate is further from 0 than the margin."""
        return abs(self.estimate) > margin


def shift(base: Sequence[float], new: Sequence[float]) -> Shift:
    """Hodges & Lehmann's shift between independent seeds: the median of all differences new - base.

    The interval is exact whatever the distribution, if that of ``new`` is that of ``base`` moved; with ties
    it covers more than 95 % (Hodges & Lehmann 1963; Lehmann 1975, section 2.6). Infinite values stand for
    seeds that were lost; two of a kind differ by 0.
    """
    pairs = sorted(_minus(y, x) for y in new for x in base)
    return _middle(pairs, _mann_whitney_cut(len(base), len(new)))


def paired_shift(differences: Sequence[float]) -> Shift:
    """Hodges & Lehmann's centre of paired differences: the median of their means in twos (Walsh averages).

    The interval is exact if the differences are distributed symmetrically about it.
    """
    walsh = sorted(_plus(d, e) / 2 for i, d in enumerate(differences) for e in differences[i:])
    return _middle(walsh, _signed_rank_cut(len(differences)))


def paired_differences(base: Sequence[float], new: Sequence[float]) -> list[float]:
    """New minus base, pair by pair; 0 where both were lost."""
    return [_minus(y, x) for x, y in zip(base, new, strict=True)]


def probability_of_improvement(base: Sequence[float], new: Sequence[float], better: Better) -> float:
    """Probability that a seed of ``new`` is better than a seed of ``base``, a tie counting one half.

    In [0, 1], 1/2 for no difference (Mann & Whitney's U over its maximum; Vargha & Delaney 2000). Seeds that
    were lost are infinite, and worse than every other.
    """
    sign = 1 if better is Better.HIGHER else -1
    wins = [(sign * y > sign * x) + (y == x) / 2 for y in new for x in base]
    return sum(wins) / len(wins)


def wilson(cases: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); (0, 1) of nothing."""
    from scipy.stats import binomtest

    if not of:
        return 0.0, 1.0
    found = binomtest(cases, of).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def share_shift(base: tuple[int, int], new: tuple[int, int]) -> Shift:
    """Difference of two shares, each (cases, of how many), with Newcombe's interval (1998, method 10)."""
    (a, b), (p, q) = wilson(*base), wilson(*new)
    old, now = base[0] / base[1], new[0] / new[1]
    low = now - old - math.hypot(now - p, b - old)
    high = now - old + math.hypot(q - now, old - a)
    return Shift(now - old, low, high)


def _middle(ordered: Sequence[float], cut: int) -> Shift:
    """The median of ordered numbers, and those ``cut`` from either end; none where the cut is 0."""
    half = len(ordered) // 2
    middle = ordered[half] if len(ordered) % 2 else _plus(ordered[half - 1], ordered[half]) / 2
    if not cut:
        return Shift(middle, None, None)
    return Shift(middle, ordered[cut - 1], ordered[-cut])


@lru_cache(maxsize=256)
def _mann_whitney_cut(base: int, new: int) -> int:
    """The largest k with P(U < k) at most (1 - confidence) / 2, without ties."""
    import numpy as np

    if base + new > EXACT_UP_TO:
        return _normal_cut(base * new / 2, base * new * (base + new + 1) / 12)
    # Ways to have U = u: coefficients of the product of (1 - q^(new + i)) / (1 - q^i) over i = 1, ..., base.
    # Each comes from those below it: the tail that is looked at is exact whatever becomes of the other end.
    counts = np.zeros(base * new + 1)
    counts[0] = 1.0
    for i in range(1, base + 1):
        counts[new + i :] -= counts[: -new - i].copy()
        for remainder in range(i):
            counts[remainder::i] = np.cumsum(counts[remainder::i])
    return int(np.searchsorted(np.cumsum(counts) / comb(base + new, new), (1 - CONFIDENCE) / 2, side="right"))


@lru_cache(maxsize=256)
def _signed_rank_cut(n: int) -> int:
    """The same for the sum of n signed ranks."""
    import numpy as np

    if n > EXACT_UP_TO:
        return _normal_cut(n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24)
    counts = np.zeros(n * (n + 1) // 2 + 1)
    counts[0] = 1.0
    for rank in range(1, n + 1):
        counts[rank:] += counts[:-rank].copy()
    return int(np.searchsorted(np.cumsum(counts) / counts.sum(), (1 - CONFIDENCE) / 2, side="right"))


def _normal_cut(mean: float, variance: float) -> int:
    from scipy.stats import norm

    return int(mean - norm.isf((1 - CONFIDENCE) / 2) * math.sqrt(variance))


def _minus(new: float, base: float) -> float:
    return 0.0 if new == base else new - base  # inf - inf is not a number, and two lost seeds are alike


def _plus(first: float, second: float) -> float:
    return 0.0 if math.isinf(first) and first == -second else first + second
