"""What training and sampling cost: a bar a model, from zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genbench.analyse.estimates import Estimate
from genbench.analyse.summary import Metric
from genbench.report.figures.axes import few_ticks, heading
from genbench.report.figures.figure import SMALL, style
from genbench.report.figures.frames import ESTIMATES, estimates, frame_of
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.lines import BAR, Lines, draw_lines, model_lines
from genbench.report.figures.marks import spans
from genbench.report.figures.palette import CONTROL_COLOR
from genbench.report.figures.plot import Plot, Scope
from genbench.report.figures.themed import INK
from genbench.report.numbers import prefix_of, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = (
    *("throughput.train_images_per_s", "throughput.lane_images_per_s", "throughput.sample_images_per_s"),
    *("throughput.s_per_1000_steps", "throughput.utilization", "throughput.peak_memory"),
    "throughput.parameters",
)

_COLUMNS = 3
_ROOM = 1.45  # an axis ends this far beyond its longest bar, so that its number has a place


def cost(scope: Scope) -> Plot | None:
    """Draw the metrics of ``METRICS`` that any model has."""
    rows = scope.models
    known = [scope.metrics[name] for name in METRICS if name in scope.metrics]
    panels = [m for m in known if any(row.cells[m.name].estimate for row in rows)]
    if not panels:
        return None
    title = f"{scope.where}: throughput and cost"
    lines = model_lines(rows)
    with style():
        figure, grid = sheet(title, len(panels), _COLUMNS, lines.height, Room(lines.left, between=0.26))
        for place, (axes, metric) in enumerate(zip(grid, panels, strict=True)):
            _panel(axes, scope, metric, lines)
            draw_lines(axes, lines, named=place % _COLUMNS == 0)
    caption = (
        "A measurement for all lanes of a model together, or for one of them (per lane); lines are the 95 % "
        "interval of that measurement over timed blocks, not over seeds. Times of different machines do not "
        "compare."
    )
    frame = frame_of(estimates(scope, panels, rows, seeds=False), ESTIMATES)
    return Plot(scope.summary.run, scope.summary.dataset, "cost", title, caption, figure, frame)


def _panel(axes: Axes, scope: Scope, metric: Metric, lines: Lines) -> None:
    found = [row.cells[metric.name].estimate for row in scope.models]
    ends = [max(guess.median, guess.high or 0.0) if guess else 0.0 for guess in found]
    axes.barh(
        lines.centres, [guess.median if guess else 0.0 for guess in found], BAR,
        color=[scope.looks[row.model].color for row in scope.models], edgecolor="black", linewidth=0.5,
    )  # fmt: skip
    axes.set_xlim(0, max(ends) * _ROOM or 1.0)
    intervals = [
        ((guess.low, centre), (guess.high, centre))
        for guess, centre in zip(found, lines.centres, strict=True)
        if guess and guess.low is not None and guess.high is not None
    ]
    spans(axes, intervals, [INK], linewidth=1.2, zorder=3)
    caps = [((x, y - BAR / 4), (x, y + BAR / 4)) for ends_of in intervals for x, y in ends_of]
    spans(axes, caps, [INK], linewidth=0.9, zorder=3)
    prefix = prefix_of([Estimate(axes.get_xlim()[1], None, None, 1)])  # that of the ticks
    for guess, end, centre in zip(found, ends, lines.centres, strict=True):
        axes.annotate(
            show(Estimate(guess.median, None, None, 1), prefix).value if guess else "–", (end, centre),
            (3, 0), textcoords="offset points", va="center", fontsize=SMALL,
            color=INK if guess else CONTROL_COLOR,
        )  # fmt: skip
    few_ticks(axes, "x", 3)
    axes.set_xlabel(heading(scope.summary, metric))
