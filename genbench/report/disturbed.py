"""Sentences on times that were taken while the machine was busy with something else, or changed its speed."""

from __future__ import annotations

from collections.abc import Iterator

from genbench.analyse.estimates import Estimate
from genbench.report.facts import Facts, listed
from genbench.report.headings import label_of
from genbench.report.numbers import show
from genbench.report.untrusted import clean
from genbench.suite.margin import MEASURED

_PACE = "throughput.s_per_1000_steps"
_PEAK = "throughput.peak"


def disturbed(facts: Facts) -> Iterator[str]:
    """Paces that are not known to within the usual margin, and a machine whose own speed differs by more."""
    if facts.quick:
        return
    vague = {model: told for model, guess in _measured(facts, _PACE).items() if (told := _vague(guess))}
    if vague:
        them = listed(f"{model} ({told} {_unit(facts, _PACE)})" for model, told in vague.items())
        yield f"The time of {label_of(_PACE)} is not known to within {MEASURED}: {them}."
    peaks = {model: guess.median for model, guess in _measured(facts, _PEAK).items()}
    slow, fast = (end(peaks, key=peaks.__getitem__, default="") for end in (min, max))
    unsteady = bool(peaks) and peaks[fast] - peaks[slow] > MEASURED.size(peaks[slow], peaks[fast])
    if unsteady:
        low, high = (
            f"{show(Estimate(peaks[model], None, None, 1)).value} ({model})" for model in (slow, fast)
        )
        ends = f"{low} to {high} {_unit(facts, _PEAK)}"
        yield f"The {label_of(_PEAK)}, measured beside each model, is from {ends}."
    if vague or unsteady:
        yield "The machine was busy, or not always as fast: read times and rates with care."


def _measured(facts: Facts, metric: str) -> dict[str, Estimate]:
    cells = {clean(row.model): row.cells.get(metric) for row in facts.summary.rows if not row.control}
    return {model: cell.estimate for model, cell in cells.items() if cell and cell.estimate}


def _unit(facts: Facts, metric: str) -> str:
    return next(clean(one.unit) for one in facts.summary.metrics if one.name == metric)


def _vague(pace: Estimate) -> str:
    """The pace with its interval, where that is wider than the usual margin; else empty."""
    if pace.low is None or pace.high is None:
        return ""
    half = (pace.high - pace.low) / 2
    return str(show(pace)) if half > MEASURED.size(pace.median, pace.median) else ""
