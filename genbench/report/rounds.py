"""Statistics of timed rounds, by the formulas and under the names of pytest-benchmark."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import mean, median, stdev

Stats = dict[str, int | float | str | list[float]]


def round_stats(seconds: Sequence[float], iterations: int) -> Stats:
    """Everything that pytest-benchmark keeps of one benchmark.

    Args:
        seconds: of one iteration, in each round; at least one round.
        iterations: in each round.

    Returns:
        Times in seconds, ``ops`` a second; a single round has no spread, which is written as 0.
    """
    ordered = sorted(seconds)
    middle, total = mean(ordered), sum(ordered)
    spread = stdev(ordered) if len(ordered) > 1 else 0.0
    q1, q3 = _quartiles(ordered)
    iqr = q3 - q1
    low, high = q1 - 1.5 * iqr, q3 + 1.5 * iqr
    beyond_stddev = sum(not middle - spread <= each <= middle + spread for each in ordered)
    beyond_iqr = sum(not low <= each <= high for each in ordered)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": middle,
        "stddev": spread,
        "rounds": len(ordered),
        "median": median(ordered),
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": beyond_iqr,
        "stddev_outliers": beyond_stddev,
        "outliers": f"{beyond_stddev};{beyond_iqr}",
        "ld15iqr": ordered[bisect_left(ordered, low)],
        "hd15iqr": ordered[bisect_right(ordered, high) - 1],
        "ops": len(ordered) / total if total else 0.0,
        "total": total,
        "data": list(seconds),
        "iterations": iterations,
    }


def _quartiles(ordered: Sequence[float]) -> tuple[float, float]:
    """The first and the third: medians of the halves, or of an odd number weighted means of neighbours."""
    if len(ordered) == 1:
        return ordered[0], ordered[0]
    n, rest = divmod(len(ordered), 4)
    third = 3 * n
    if rest == 1:
        first = 0.25 * ordered[n - 1] + 0.75 * ordered[n]
        return first, 0.75 * ordered[third] + 0.25 * ordered[third + 1]
    if rest == 3:
        first = 0.75 * ordered[n] + 0.25 * ordered[n + 1]
        return first, 0.25 * ordered[third + 1] + 0.75 * ordered[third + 2]
    half = len(ordered) // 2
    return median(ordered[:half]), median(ordered[half:])
