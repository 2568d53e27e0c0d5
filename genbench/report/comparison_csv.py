"""A comparison in CSV: a line a row, numbers unrounded."""

from __future__ import annotations

import csv
import io

from genbench.analyse.compare import Comparison
from genbench.analyse.row import Row
from genbench.analyse.sides import Side
from genbench.core.record import group_of
from genbench.report.compared_side import STATISTICS, statistics_of
from genbench.report.untrusted import cell

_ABOUT = (
    "base_run",
    "new_run",
    "suite",
    "dataset",
    "base_model",
    "new_model",
    "group",
    "metric",
    "unit",
    "better",
)
_SIDE = (
    *(f"{name}{end}" for name in STATISTICS for end in ("", "_low", "_high")),
    *("n", "lost"),
)
_VERDICT = (
    *("difference", "low", "high", "margin", "p", "adjusted", "improvement", "test", "verdict"),
    *("seeds", "gated", "why"),
)

COLUMNS = (*_ABOUT, *(f"{side}_{name}" for side in ("base", "new") for name in _SIDE), *_VERDICT)


def render_comparison_csv(comparison: Comparison) -> str:
    """A comparison as one CSV text with the columns ``COLUMNS``.

    What there is not is empty; infinite shifts are ``inf`` and ``-inf``. ``n`` counts seeds, or
    measurements of a cohort, that have a number. Runs and suites that were pooled are joined by ``+``.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    origin = ("+".join(names) for names in (comparison.base, comparison.new, comparison.suites))
    head = [cell(text) for text in origin]
    for row in comparison.rows:
        texts = (
            row.dataset,
            row.base_model,
            row.new_model,
            group_of(row.metric),
            row.metric,
            row.unit,
            row.better,
        )
        about = [*head, *(cell(text) for text in texts)]
        writer.writerow([*about, *_side(row.base), *_side(row.new), *_verdict(row)])
    return out.getvalue()


def _side(side: Side | None) -> list[object]:
    if side is None:
        return [""] * len(_SIDE)
    found = statistics_of(side).values()
    numbers = [_number(number) for one in found for number in (one.value, one.low, one.high)]
    return [*numbers, len(side.measured) or len(side.values), len(side.lost)]


def _verdict(row: Row) -> list[object]:
    found = row.difference
    shift = (found.estimate, found.low, found.high) if found else (None,) * 3
    numbers = (*shift, row.margin, row.p, row.adjusted, row.improvement)
    gated = "yes" if row.gated else "no"
    return [*map(_number, numbers), row.test, row.verdict, _number(row.seeds), gated, cell(row.why)]


def _number(number: float | None) -> object:
    return "" if number is None else number
