"""What gates say of a comparison, a line each; the last one is the outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from genbench.analyse.compare import Comparison
from genbench.analyse.estimates import Estimate
from genbench.analyse.gate import Gates, Judgement, Undecided, Violation
from genbench.analyse.row import FAILED_SHARE, Row
from genbench.report.compared_side import estimate_of, failures
from genbench.report.comparison_words import FAILED_SEEDS, WHOLE_MODEL, label_of_row, listed
from genbench.report.headings import label_of
from genbench.report.numbers import MISSING, prefix_of, show, show_p, show_shift
from genbench.report.powerless import powerless
from genbench.report.untrusted import clean

_NAMES_MOST = 6


def gate_lines(judgement: Judgement, gates: Gates, comparison: Comparison) -> Iterator[str]:
    """Violations, what could not be decided, what is unsure, what no result could have shown, the outcome."""
    yield from (_violation(one, comparison) for one in judgement.violations)
    yield from map(_undecided, judgement.undecided)
    if judgement.unsure:
        yield _unsure(judgement.unsure, len([row for row in comparison.rows if row.gated]))
    yield from _powerless(gates, comparison)
    yield _outcome(judgement)


def cleared_lines(cleared: Sequence[Violation], seeds: Sequence[int]) -> tuple[str, ...]:
    """What broke a gate with the seeds of the run, and did not with fresh ones."""
    return tuple(
        f"NOTE  cleared, {clean(one.model)} on {clean(one.dataset)}: {_named(one.metric or 'failures')} "
        f"does not break its gate with {len(seeds)} fresh seeds ({seeds[0]} to {seeds[-1]})"
        for one in cleared
    )


def style_of(line: str) -> str:
    """How a terminal shows a line, by its first words."""
    if line.startswith("gate "):
        return "bold green" if line.startswith("gate passed") else "bold red"
    return "yellow" if line.startswith(("NOTE", "UNDECIDED", "UNSURE", "WARNING")) else "red"


def _outcome(judgement: Judgement) -> str:
    broken, open_ = len(judgement.violations), len(judgement.undecided)
    undecided = f"{_rules(open_)} could not be decided" if open_ else ""
    if broken:
        return f"gate FAILED: {broken} of {_rules(judgement.looked)}" + (f"; {undecided}" if open_ else "")
    if open_:
        return f"gate NOT PASSED: {undecided}"
    return f"gate passed: {_rules(judgement.looked)}"


def _rules(number: int) -> str:
    return f"{number} rule" if number == 1 else f"{number} rules"


def _violation(one: Violation, comparison: Comparison) -> str:
    where = f"{clean(one.model)} on {clean(one.dataset)}"
    if one.row is not None:
        return f"{one.kind.upper()}  {where}: {_named(one.metric)} {_change(one.row)}"
    if one.kind == "failures":
        side = comparison.new_sides[one.dataset, one.model]
        ended = len(side.ended) - len(side.unfinished)
        return (
            f"FAILURES  {where}: {len(side.failed)} of {ended} seeds diverged, failed or ran out of time "
            f"(allowed: at most {100 * one.bound:g} %)"
        )
    side_of = comparison.new_sides[one.dataset, one.model].metrics[one.metric]
    value = show(Estimate(one.value, None, None, 1)).value if math.isfinite(one.value) else MISSING
    lost = "" if math.isfinite(one.value) else "; half of its seeds or more were lost"
    unit = f" {clean(side_of.unit)}" if side_of.unit else ""
    bound = f"allowed: at {'least' if one.kind == 'below' else 'most'} {one.bound:g}{unit}{lost}"
    return f"{one.kind.upper()}  {where}: {_named(one.metric)} {value}{unit} ({bound})"


def _change(row: Row) -> str:
    """``7.0 -> 10.1 (+3.1 [2.0, 4.4]; 0.4 allowed), p 0.004``."""
    estimates = estimate_of(row.base), estimate_of(row.new)
    prefix = prefix_of(estimates)
    if row.metric == FAILED_SHARE and row.base and row.new:
        old, now = ("{} of {}".format(*failures(side)) for side in (row.base, row.new))
    else:
        old, now = (show(guess, prefix).value if guess else MISSING for guess in estimates)
    unit = f" {clean(row.unit)}" if row.unit else ""
    text = f"{old} -> {now}{unit}"
    if row.difference is not None and row.margin is not None:
        allowed = show(Estimate(row.margin, None, None, 1), prefix).value
        text += f" ({show_shift(row.difference, prefix)}; {allowed} allowed)"
    if row.why:
        text += f" ({clean(row.why)})"
    p = "" if row.adjusted is None else show_p(row.adjusted)
    return text + (f", p {p}" if p else "")


def _undecided(one: Undecided) -> str:
    named = _named(one.metric) if one.metric else WHOLE_MODEL
    return f"UNDECIDED  {clean(one.model)} on {clean(one.dataset)}: {named}: {clean(one.why)}"


def _unsure(rows: Sequence[Row], gated: int) -> str:
    told = [
        f"{label_of_row(row)} of {clean(row.new_model)} on {clean(row.dataset)}"
        + (f" (≈ {row.seeds} seeds)" if row.seeds else "")
        for row in rows[:_NAMES_MOST]
    ]
    if len(rows) > _NAMES_MOST:
        told.append(f"{len(rows) - _NAMES_MOST} more")
    help_ = "; ≈: seeds a side that would settle it" if any(row.seeds for row in rows) else ""
    return f"UNSURE  {len(rows)} of {gated} gated rows, which does not fail the gate: {listed(told)}{help_}"


def _powerless(gates: Gates, comparison: Comparison) -> Iterator[str]:
    """A warning for rows that no values of so many seeds could make WORSE."""
    for blunt in powerless([row for row in comparison.rows if row.gated], gates.alpha):
        over = f"{blunt.family} row{'s' * (blunt.family > 1)}"
        yield (
            f"WARNING  {blunt.rows} of {blunt.of} gated rows can never be WORSE with {blunt.seeds}: no p is "
            f"below {blunt.least:.2g}, and alpha {gates.alpha:g} over {over} needs {blunt.bar:.2g}. Train "
            f"{blunt.needed} seeds a side, gate fewer numbers, or raise alpha"
        )


def _named(metric: str) -> str:
    """A metric as tables head it, and as the suite's gates name it."""
    return f"{FAILED_SEEDS if metric == FAILED_SHARE else label_of(metric)} ({clean(metric)})"
