"""Sentences that captions share."""

from __future__ import annotations

from collections.abc import Iterable

from genbench.analyse.estimates import MIN_SEEDS, Estimate
from genbench.analyse.summary import Row
from genbench.core.record import CONTROLS

_NOMINAL_FROM = 6  # below, the bootstrap interval of a median is the range of the values
LANE_TIME = (
    "the training time of one lane: that of all lanes that were trained together, divided by their number, "
    "without compiling and evaluation"
)
"""What seconds of a lane are."""

_SAID = {
    "expected": "what a perfect model scores on average",
    "real": "held-out real data",
    "memorized": "training examples replayed",
    "collapsed": "one class only",
    "gaussian": "mean and covariance only",
    "noise": "uniform noise",
}


def seeds_of(rows: Iterable[Row], metrics: Iterable[str]) -> str:
    """How many seeds stand behind the models' numbers: ``6 seeds``, ``4 to 6 seeds``."""
    names = list(metrics)
    cells = [row.cells[name].estimate for row in rows if not row.control for name in names]
    return count_of((guess.n for guess in cells if guess and guess.over == "seeds"), "seed")


def count_of(numbers: Iterable[int], word: str) -> str:
    """A number or a range of numbers of things."""
    found = sorted(set(numbers)) or [0]
    told = str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"
    return f"{told} {word}{'s' * (found[-1] != 1)}"


def intervals(guesses: Iterable[Estimate | None]) -> str:
    """What the lines through points are, as the end of a sentence."""
    found = [guess.n for guess in guesses if guess and guess.over == "seeds"]
    if not found or max(found) < MIN_SEEDS:
        return "without an interval: there are fewer than three seeds"
    if min(n for n in found if n >= MIN_SEEDS) < _NOMINAL_FROM:
        return "with their 95 % bootstrap interval over seeds (of fewer than six seeds: their range)"
    return "with their 95 % bootstrap interval over seeds"


def controls(rows: Iterable[Row]) -> str:
    """How to read the control rows that are drawn; empty where there are none."""
    names = sorted({row.model for row in rows if row.control}, key=CONTROLS.index)
    if not names:
        return ""
    told = "; ".join(f"{name}: {_SAID[name]}" for name in names)
    return f" Hollow and grey: controls, which no model made ({told})."
