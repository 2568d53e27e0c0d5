"""How far models are apart, and how sure that is: a row a pair of models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from genbench.analyse.row import Row, Verdict
from genbench.analyse.sides import Side, mismatch
from genbench.analyse.significance import holm, mann_whitney
from genbench.analyse.summary import Metric
from genbench.analyse.verdict import counts, judged, measured
from genbench.core.record import Better
from genbench.report.figures.axes import few_ticks, unit_of
from genbench.report.figures.figure import SMALL, style
from genbench.report.figures.frames import frame_of, text
from genbench.report.figures.headline import headlines
from genbench.report.figures.layout import Room, name_of, sheet
from genbench.report.figures.lines import Lines, draw_lines, lines_of
from genbench.report.figures.palette import CONTROL_COLOR
from genbench.report.figures.plot import Plot, Scope
from genbench.report.figures.themed import GRID, INK, PAPER
from genbench.report.headings import label_of
from genbench.report.notes import is_quick
from genbench.report.untrusted import clean
from genbench.suite.margin import ALPHA

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = (
    *("model", "minus", "metric", "unit", "better", "difference", "low", "high", "margin"),
    *("p", "adjusted", "verdict"),
)

_ALL_PAIRS_UP_TO = 6  # models; of more, each is compared with the leader
_COLUMNS = 3
_ROW = 0.2  # inches, at least
_ONE_LINE = 26  # letters of a pair
_LOOKS = {
    Verdict.BETTER: ("o", "#0173b2", "#0173b2"),
    Verdict.WORSE: ("D", "#d55e00", "#d55e00"),
    Verdict.SAME: ("s", CONTROL_COLOR, CONTROL_COLOR),
}
"""Marker, color and filling; anything else is hollow."""


def differences(scope: Scope) -> Plot | None:
    """Draw the headline metrics; nothing of a quick run, whose numbers are never compared."""
    metrics = [metric for metric in headlines(scope) if metric.better is not Better.NEITHER]
    leader = _leader(scope, metrics[0]) if metrics else None
    if leader is None or is_quick(scope.records):
        return None
    everyone = len(scope.models) <= _ALL_PAIRS_UP_TO
    found = {metric.name: _rows(scope, metric, leader, everyone=everyone) for metric in metrics}
    panels = [metric for metric in metrics if any(row.difference for row in found[metric.name].values())]
    if not panels:
        return None
    pairs = list(dict.fromkeys(pair for panel in panels for pair in found[panel.name]))
    lines = lines_of([_label(*pair) if everyone else name_of(pair[1]) for pair in pairs], least=_ROW)
    title = f"{scope.where}: differences " + ("between models" if everyone else f"from {clean(leader)}")
    with style():
        room = Room(lines.left, between=0.72, below=0.5, right=0.66)
        width = min(7.0, lines.left + 2.2 * len(panels) + 0.72)
        figure, grid = sheet(title, len(panels), _COLUMNS, lines.height, room, width=width)
        for place, (axes, metric) in enumerate(zip(grid, panels, strict=True)):
            _panel(axes, scope, metric, [found[metric.name].get(pair) for pair in pairs], lines)
            draw_lines(axes, lines, named=place % _COLUMNS == 0)
    who = (
        "Each pair of models" if everyone else f"Each model minus {clean(leader)}, which has the best median"
    )
    caption = (
        f"{who}: Hodges and Lehmann's shift with its 95 % interval; the grey band is what counts as no "
        f"difference. Words are about the first of two: Mann-Whitney's test at alpha {ALPHA:g}, corrected by "
        "Holm's method for all pairs of models of a panel; UNSURE: neither surely apart nor surely the same. "
        "Intervals are each of one pair alone and not corrected, so one may leave zero out beside UNSURE."
    )
    frame = frame_of((_numbers(row) for metric in panels for row in found[metric.name].values()), COLUMNS)
    return Plot(scope.summary.run, scope.summary.dataset, "differences", title, caption, figure, frame)


def _leader(scope: Scope, metric: Metric) -> str | None:
    """The model with the best median."""
    guesses = {row.model: row.cells[metric.name].estimate for row in scope.models}
    medians = {model: guess.median for model, guess in guesses.items() if guess}
    if not medians:
        return None
    best = max if metric.better is Better.HIGHER else min
    return best(medians, key=lambda model: medians[model])


def _rows(scope: Scope, metric: Metric, leader: str, *, everyone: bool) -> dict[tuple[str, str], Row]:
    """Judged rows by (base, new) of all pairs, or of those with the leader.

    They are corrected for all pairs in any case, as ranks are: which model leads is known from the same
    numbers.
    """
    sides = {row.model: scope.sides.get(row.model, {}).get(metric.name) for row in scope.models}
    there = {model: side for model, side in sides.items() if side and side.seeds}
    rows = []
    for one, other in combinations(there, 2):
        base, new = (other, one) if other == leader and not everyone else (one, other)
        row = Row(
            scope.summary.dataset, base, new, metric.name, metric.unit, metric.better, there[base],
            there[new], Verdict.INCOMPARABLE,
        )  # fmt: skip
        drawn = everyone or base == leader
        rows.append(measured(row, None) if drawn else _tested(row, there[base], there[new]))
    family = [place for place, row in enumerate(rows) if counts(row, ALPHA)]
    adjusted = dict(zip(family, holm([rows[place].p or 0.0 for place in family]), strict=True))
    return {
        (row.base_model, row.new_model): judged(
            row, adjusted.get(place, row.p), ALPHA, max(1, len(family)), replayed=False
        )
        for place, row in enumerate(rows)
        if everyone or row.base_model == leader
    }


def _tested(row: Row, base: Side, new: Side) -> Row:
    """A row that is not drawn: its p alone, for the correction of the others."""
    if mismatch(base, new) or not (base.values and new.values):
        return row
    return replace(row, test="unpaired", p=mann_whitney(base.ordered(), new.ordered()))


def _label(base: str, new: str) -> str:
    first, second = name_of(new), name_of(base)
    plain = "\n" not in first + second and len(first + second) <= _ONE_LINE
    return f"{first} − {second}" if plain else f"{first}\n− {second}"


def _panel(axes: Axes, scope: Scope, metric: Metric, rows: Sequence[Row | None], lines: Lines) -> None:
    ends = [
        abs(end)
        for row in rows
        if row and (found := row.difference)
        for end in (found.estimate, found.low, found.high, row.margin)
        if end is not None and math.isfinite(end)
    ]
    most = max(ends, default=0.0) * 1.08 or 1.0
    axes.set_xlim(-most, most)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1.5)
    for row, centre in zip(rows, lines.centres, strict=True):
        if row and row.margin:
            axes.barh(centre, 2 * row.margin, _ROW, -row.margin, color=GRID, linewidth=0, zorder=0.8)
        if row and row.difference:
            _draw(axes, centre, row, most)
        word = str(row.verdict) if row else "–"
        told = word in (Verdict.BETTER, Verdict.WORSE)
        axes.annotate(
            word if len(word) <= 8 else "–", (1, centre), (6, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", fontsize=SMALL, annotation_clip=False,
            fontweight="bold" if told else "normal",
        )  # fmt: skip
    few_ticks(axes, "x", 4)
    unit = unit_of(scope.summary, metric)
    name = f"difference in {label_of(metric.name)}" + (f" ({unit})" if unit else "")
    axes.set_xlabel(f"{name}\n" + ("better →" if metric.better is Better.HIGHER else "← better"))


def _draw(axes: Axes, at: float, row: Row, most: float) -> None:
    """One difference; what is infinite, because seeds were lost, ends in an arrow at the edge."""
    found = row.difference
    if found is None:
        return
    marker, color, filling = _LOOKS.get(row.verdict, ("o", INK, PAPER))
    if found.low is not None and found.high is not None:
        low, high = (min(max(end, -most), most) for end in (found.low, found.high))
        axes.plot([low, high], [at, at], color=color, linewidth=1.3, solid_capstyle="butt")
        for end in (found.low, found.high):
            if math.isinf(end):
                axes.plot(
                    math.copysign(most, end),
                    at,
                    ">" if end > 0 else "<",
                    color=color,
                    markersize=3.5,
                    clip_on=False,
                )
    if math.isinf(found.estimate):
        marker = ">" if found.estimate > 0 else "<"
    axes.plot(
        min(max(found.estimate, -most), most), at, marker, color=color, markersize=4.5,
        markerfacecolor=filling, markeredgecolor=color, zorder=3, clip_on=False,
    )  # fmt: skip


def _numbers(row: Row) -> Mapping[str, object]:
    found = row.difference
    return {
        "model": text(row.new_model), "minus": text(row.base_model), "metric": text(row.metric),
        "unit": text(row.unit), "better": str(row.better), "difference": found.estimate if found else None,
        "low": found.low if found else None, "high": found.high if found else None, "margin": row.margin,
        "p": row.p, "adjusted": row.adjusted, "verdict": str(row.verdict),
    }  # fmt: skip
