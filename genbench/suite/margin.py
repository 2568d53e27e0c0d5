"""How large a difference must be to matter."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

ALPHA = 0.05
"""Where nobody says otherwise: how often any alarm of a family may be false."""

_PERCENT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*%\s*")


@dataclass(frozen=True, slots=True)
class Margin:
    """A difference up to this size is none.

    Attributes:
        amount: in the metric's unit; or, where ``relative``, a share of the mean size of both sides, so that
            swapping the sides changes nothing.
        relative: which of the two.
    """

    amount: float
    relative: bool = False

    def size(self, base: float, new: float) -> float:
        """The margin in the metric's unit for sides of this size."""
        return self.amount * (abs(base) + abs(new)) / 2 if self.relative else self.amount

    def __str__(self) -> str:
        return f"{100 * self.amount:g} %" if self.relative else f"{self.amount:g}"


def parse_margin(text: str | float) -> Margin:
    """A margin as a person writes it: ``"5%"`` of both sides' mean size, or ``0.5`` in the metric's unit.

    Raises:
        ValueError: it is neither, negative, not finite, or a share that nothing can exceed.
    """
    if isinstance(text, str) and (found := _PERCENT.fullmatch(text)):
        share = float(found[1]) / 100
        if share >= 2:
            raise ValueError(
                f"{text!r} is no margin: two numbers never differ by 200 % of their mean size or more, so "
                "nothing would be a difference"
            )
        return Margin(share, relative=True)
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise ValueError(
            f"{text!r} is no margin: give a share such as 5%, or a number of at least 0 in the metric's unit"
        )
    return Margin(amount)


QUALITY = Margin(0.05, relative=True)
"""For numbers of each seed, where nobody says otherwise."""

MEASURED = Margin(0.10, relative=True)
"""For measurements of a whole cohort (times, rates, memory): it has to cover what repeating them changes."""

SHARE = Margin(0.05)
"""For shares of seeds that failed."""
