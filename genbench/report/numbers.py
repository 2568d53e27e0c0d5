"""Numbers as text: no more digits than the interval's width supports."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from genbench.analyse.effect import Shift
from genbench.analyse.estimates import Estimate

MISSING = "–"
INFINITE = "∞"

_SCALES = {"E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "": 1.0}
_PREFIX_FROM = 1e4  # below this a plain number is easier to read
_SCIENTIFIC_BELOW = 1e-4  # down to here decimals compare better with the rest of their column
_SCIENTIFIC_FROM = 1e21
_DIGITS_ALONE = 3  # significant digits of a number without an interval
_DIGITS_MOST = 6
_DIGITS_OF_WIDTH = 2
_P_LEAST = 0.001
_P_COARSE_FROM = 0.1


@dataclass(frozen=True, slots=True)
class Shown:
    """An estimate as text: ``12.3`` and ``[11.0, 14.1]`` (or ``[11.0, –]``, ``± 0.4``, or nothing).

    Infinite numbers are ``∞`` and ``-∞``.
    """

    value: str
    interval: str

    def __str__(self) -> str:
        return f"{self.value} {self.interval}".rstrip()


_ROUNDING = 1e-9
"""An interval narrower than this share of its numbers is the same number, summed in another order."""


def prefix_of(estimates: Iterable[Estimate | None]) -> str:
    """One prefix for a whole column (``k``, ``M``, ...), so that its numbers compare at a glance.

    It suits the smallest of them, so that none of them falls below 1. Numbers beyond all prefixes have none.
    """
    sizes = [abs(e.median) for e in estimates if e and e.median]
    if not sizes or not _PREFIX_FROM <= min(sizes) < _SCIENTIFIC_FROM:
        return ""
    return next(prefix for prefix, scale in _SCALES.items() if min(sizes) >= scale)


def scale_of(prefix: str) -> float:
    """What a number with this prefix is multiplied by."""
    return _SCALES[prefix]


def show(estimate: Estimate, prefix: str = "") -> Shown:
    """Round an estimate by its interval: two significant digits of its width.

    A number without an interval has three significant digits, or all its digits where it is a whole number.
    """
    scale = _SCALES[prefix]
    median = estimate.median / scale
    if estimate.low is None:
        write = _writer([median], None, prefix)
        return Shown(write(median), "")
    low = estimate.low / scale
    if estimate.high is None:
        write = _writer([median, low], median - low, prefix)
        return Shown(write(median), f"[{write(low)}, {MISSING}]")
    high = estimate.high / scale
    if estimate.over == "measurement":
        half = (high - low) / 2
        write = _writer([median], half, prefix)
        return Shown(write(median), f"± {write(half)}")
    finite = [number for number in (median, low, high) if math.isfinite(number)]
    write = _writer(finite, max(finite) - min(finite) if len(finite) > 1 else None, prefix)
    return Shown(write(median), f"[{write(low)}, {write(high)}]")


def show_shift(shift: Shift, prefix: str = "") -> Shown:
    """A difference with its sign, rounded like an estimate."""
    shown = show(Estimate(shift.estimate, shift.low, shift.high, 0), prefix)
    sign = "+" if shift.estimate > 0 and shown.value.strip("0.") != prefix else ""
    return Shown(sign + shown.value, shown.interval)


def show_p(p: float) -> str:
    """A probability to two or three decimals, never rounded to 0: ``0.017``, ``0.14``, ``< 0.001``."""
    if p < _P_LEAST:
        return f"< {_P_LEAST}"
    return f"{p:.3f}" if p < _P_COARSE_FROM else "1" if p == 1 else f"{p:.2f}"


def _writer(numbers: Sequence[float], width: float | None, prefix: str) -> Callable[[float], str]:
    """How the numbers of one cell are written: all alike."""
    largest = max([width or 0.0, *(abs(number) for number in numbers if math.isfinite(number))])
    scale = _SCALES[prefix]
    if largest and not _SCIENTIFIC_BELOW <= largest * scale < _SCIENTIFIC_FROM:
        return lambda number: f"{number * scale:.1e}" if math.isfinite(number) else _infinity(number)
    decimals = _decimals(largest, width)
    if (
        not prefix
        and all(number.is_integer() for number in numbers if math.isfinite(number))
        and (width is None or width.is_integer())
    ):
        decimals = min(decimals, 0) if width else 0

    def write(number: float) -> str:
        if math.isinf(number):
            return _infinity(number)
        text = f"{round(number, decimals):.{max(decimals, 0)}f}"
        return (text.removeprefix("-") if not text.strip("-0.") else text) + prefix

    return write


def _infinity(number: float) -> str:
    return INFINITE if number > 0 else f"-{INFINITE}"


def _decimals(largest: float, width: float | None) -> int:
    if largest == 0:
        return 0
    magnitude = math.floor(math.log10(largest))
    if not width or width < _ROUNDING * largest:
        return _DIGITS_ALONE - 1 - magnitude
    return min(_DIGITS_OF_WIDTH - 1 - math.floor(math.log10(width)), _DIGITS_MOST - 1 - magnitude)
