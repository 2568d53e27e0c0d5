"""How many seeds would settle what these could not."""

from __future__ import annotations

import math
from collections.abc import Sequence

from genbench.analyse.effect import Shift, probability_of_improvement
from genbench.analyse.estimates import CONFIDENCE
from genbench.analyse.significance import seeds_to_reach
from genbench.core.record import Better

POWER = 0.8
MOST = 1000
"""Beyond this nobody would train them: no number is given."""


def seeds_for_a_difference(base: Sequence[float], new: Sequence[float], alpha: float) -> int | None:
    """Seeds a side with which Mann-Whitney's test would reject at ``alpha`` in four of five experiments.

    Taken that the effect is as seen (Noether 1987, "Sample size determination for some common nonparametric
    tests", eq. 1); never fewer than can reach ``alpha`` at all. ``None`` beyond ``MOST``.
    """
    away = abs(probability_of_improvement(base, new, Better.HIGHER) - 0.5)
    least = seeds_to_reach(alpha, paired=False)
    if not away:
        return None
    return _capped(max(least, math.ceil(_quantiles(alpha) ** 2 / (6 * away**2))))


def pairs_for_a_difference(differences: Sequence[float], alpha: float) -> int | None:
    """The same for pairs and the sign-flip test of signed ranks (Noether 1987, section 3)."""
    twos = [d + e for i, d in enumerate(differences) for e in differences[i + 1 :]]
    least = seeds_to_reach(alpha, paired=True)
    # a seed lost on one side and another lost on the other make no number: neither up nor down
    up = sum((two > 0) + (two == 0 or math.isnan(two)) / 2 for two in twos) / len(twos) if twos else 0.5
    if up == 0.5:
        return None
    return _capped(max(least, math.ceil(_quantiles(alpha) ** 2 / (3 * (up - 0.5) ** 2))))


def seeds_for_sameness(seen: Shift, n: int, margin: float, least: int) -> int | None:
    """Seeds a side with which the interval would lie inside the margin in four of five experiments.

    Taken that the true difference is the one seen, and that the interval shrinks with the root of ``n``.

    Args:
        seen: the difference; where so few seeds give it no interval, ``least`` is all that can be said.
        n: seeds a side behind it.
        margin: that the interval is to lie within.
        least: the fewest seeds that have an interval at all.
    """
    room = margin - abs(seen.estimate)
    if not room > 0:
        return None
    if seen.low is None or seen.high is None:
        return least
    half = (seen.high - seen.low) / 2
    if not math.isfinite(half):
        return None
    if not half:
        return least
    import numpy as np
    from scipy.stats import norm

    reach = float(norm.isf((1 - CONFIDENCE) / 2))
    spread = half / reach * math.sqrt(n)  # the interval's own standard error, of one seed a side
    tried = np.arange(max(least, 2), MOST + 1)
    error = spread / np.sqrt(tried)
    near, far = room / error - reach, (margin + abs(seen.estimate)) / error - reach
    enough = tried[norm.cdf(near) + norm.cdf(far) - 1 >= POWER]  # neither end of the interval sticks out
    return int(enough[0]) if len(enough) else None


def _quantiles(alpha: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(alpha / 2) + norm.ppf(POWER))


def _capped(n: int) -> int | None:
    return n if n <= MOST else None
