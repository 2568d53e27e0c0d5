"""Numbers in captions and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from genbench.report.explanation.content import Subject
from genbench.report.numbers import MISSING
from genbench.report.untrusted import clean


def titled(subject: Subject, what: str) -> str:
    """A figure's title, that says of which model it is when it stands alone."""
    return f"{clean(subject.label)} on {clean(subject.dataset)}, seed {subject.seed}: {what}"


def number(value: float, digits: int = 2) -> str:
    """So many significant digits, never in exponents where they can be avoided; a dash for none."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if -4 <= size < 6:
        places = max(0, digits - 1 - size)
        return f"{value:,.{places}f}"
    return f"{value:.{digits - 1}e}"


def percent(share: float) -> str:
    """A share as percent; a dash for none."""
    if not math.isfinite(share):
        return MISSING
    value = 100 * share
    if 0 < value < 0.001:
        return "< 0.001 %"
    return f"{value:,.0f} %" if value == 0 or value >= 10 else f"{value:.2g} %"


def place(value: float) -> str:
    """Where a column stands: ``−1.5``, ``0``, ``+2``."""
    return f"{value:+.3g}".replace("-", "−") if value else "0"


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
