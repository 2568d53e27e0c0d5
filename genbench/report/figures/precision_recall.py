"""What is drawn against what is covered: precision and recall, density and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genbench.analyse.estimates import Estimate
from genbench.analyse.summary import Metric, Row
from genbench.report.figures import captions
from genbench.report.figures.axes import few_ticks, heading, tidy
from genbench.report.figures.figure import style
from genbench.report.figures.frames import ESTIMATES, estimates, frame_of
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.marks import mark_of, model_entries, points, spans
from genbench.report.figures.palette import CONTROL_COLOR
from genbench.report.figures.plot import Plot, Scope

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAIRS = (("quality.recall", "quality.precision"), ("quality.coverage", "quality.density"))
"""Across and up: how much of the data is covered, and how much of what is drawn is like data."""

_SIDE = 2.5


def precision_recall(scope: Scope) -> Plot | None:
    """Draw the pairs of which some row has both."""
    panels = [
        (scope.metrics[x], scope.metrics[y])
        for x, y in PAIRS
        if x in scope.metrics and y in scope.metrics and any(_both(row, x, y) for row in scope.summary.rows)
    ]
    if not panels:
        return None
    names = [metric.name for pair in panels for metric in pair]
    rows = [r for r in scope.summary.rows if any(_both(r, x.name, y.name) for x, y in panels)]
    title = f"{scope.where}: precision and recall"
    legend = model_entries(scope, rows)
    with style():
        width = 3.5 if len(panels) == 1 else 6.4
        figure, grid = sheet(title, len(panels), 2, _SIDE, Room(0.5, between=0.5), legend, width=width)
        for axes, (across, up) in zip(grid, panels, strict=True):
            _panel(axes, scope, rows, across, up)
    cells = [row.cells[name].estimate for row in rows if not row.control for name in names]
    caption = (
        f"Median over {captions.seeds_of(rows, names)}, {captions.intervals(cells)}, both ways. Up: how much "
        "of what is drawn looks like data; right: how much of the data is drawn. A perfect model stands "
        f"where 'real' does.{captions.controls(rows)}"
    )
    metrics = [metric for pair in panels for metric in pair]
    frame = frame_of(estimates(scope, metrics, rows, seeds=False), ESTIMATES)
    return Plot(scope.summary.run, scope.summary.dataset, "precision-recall", title, caption, figure, frame)


def _both(row: Row, across: str, up: str) -> bool:
    return bool(row.cells[across].estimate and row.cells[up].estimate)


def _panel(axes: Axes, scope: Scope, rows: Sequence[Row], across: Metric, up: Metric) -> None:
    tops = [1.0]
    at, marks, ends, colors = [], [], [], []
    for row in sorted(rows, key=lambda row: row.model == "real"):  # real data above what lies on them
        x, y = row.cells[across.name].estimate, row.cells[up.name].estimate
        if not x or not y:
            continue
        mark = mark_of(scope, row)
        at.append((x.median, y.median))
        marks.append(mark)
        if x.low is not None and x.high is not None:
            ends.append(((x.low, y.median), (x.high, y.median)))
            colors.append(mark["color"])
        if y.low is not None and y.high is not None:
            ends.append(((x.median, y.low), (x.median, y.high)))
            colors.append(mark["color"])
        tops += [end for end in (y.median, y.high) if end is not None]
        if row.model == "real":
            _corner(axes, x, y)
    spans(axes, ends, colors, linewidth=1.1, zorder=2)
    points(axes, at, marks, zorder=3, clip_on=False)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03 * max(tops), 1.03 * max(tops))
    few_ticks(axes, "x", 5)
    few_ticks(axes, "y", 5)
    axes.set_xlabel(heading(scope.summary, across))
    axes.set_ylabel(heading(scope.summary, up))
    tidy(axes)


def _corner(axes: Axes, x: Estimate, y: Estimate) -> None:
    """Lines to the place of real data, so that its distance is seen in either direction."""
    axes.plot(
        [-1, x.median, x.median], [y.median, y.median, -1], color=CONTROL_COLOR, linewidth=0.8,
        linestyle=":", zorder=1,
    )  # fmt: skip
