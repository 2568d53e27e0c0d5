"""Small multiples: a metric a panel, a bar with its interval a model, controls hatched below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genbench.analyse.estimates import Estimate
from genbench.analyse.summary import Metric, Row, Summary
from genbench.report.figures.figure import new_figure, style
from genbench.report.figures.frames import estimates_frame
from genbench.report.figures.palette import CONTROL_COLOR, Look, looks
from genbench.report.figures.plot import Plot, Scope
from genbench.report.folding import fold
from genbench.report.headings import heading_of
from genbench.report.numbers import prefix_of, scale_of, show
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUALITY = (
    *("quality.fid", "quality.kid", "quality.precision", "quality.recall"),
    *("quality.density", "quality.coverage", "quality.elbo"),
    "quality.iw_bound",
    *("modes.covered", "modes.entropy", "modes.kl"),
    *("known_modes.covered", "known_modes.high_quality", "known_modes.reverse_kl"),
    *("memorization.authenticity", "memorization.distance"),
)
COST = (
    *("throughput.train_images_per_s", "throughput.sample_images_per_s", "throughput.s_per_1000_steps"),
    *("throughput.compile_s", "throughput.peak_memory", "throughput.parameters"),
)

_COLUMNS = 3
_ROOM = 1.18  # an axis ends a little beyond its longest bar
_NAME_WIDTH = 24
_SMALL = 7  # points


def quality(scope: Scope) -> Plot | None:
    """Metrics of quality and of modes."""
    return _plot(scope, QUALITY, "quality", "samples and modes")


def cost(scope: Scope) -> Plot | None:
    """Throughput and cost."""
    return _plot(scope, COST, "cost", "throughput and cost")


def _plot(scope: Scope, names: Sequence[str], name: str, about: str) -> Plot | None:
    title = f"{scope.where}: {about}"
    figure = bars(scope.summary, names, title)
    if figure is None:
        return None
    return Plot(
        scope.summary.run,
        scope.summary.dataset,
        name,
        title,
        "Medians over seeds.",
        figure,
        estimates_frame(scope.summary, names),
    )


def bars(summary: Summary, names: Sequence[str], title: str) -> Figure | None:
    """Draw the metrics of ``names`` that the summary has; ``None`` where it has none of them."""
    import seaborn as sns

    known = {metric.name: metric for metric in summary.metrics}
    panels = [known[name] for name in names if name in known and _has_values(summary, name)]
    if not panels:
        return None
    shown = {metric.name for metric in panels}
    rows = [row for row in summary.rows if not row.control or any(row.cells[n].estimate for n in shown)]
    look = looks(row.model for row in rows if not row.control)
    columns = min(_COLUMNS, len(panels))
    lines = math.ceil(len(panels) / columns)
    labels = [_label(row) for row in rows]
    height = len(labels) * (0.13 + 0.15 * max(1 + label.count("\n") for label in labels))
    with style():
        figure = new_figure(1.8 + 2.5 * columns, 0.5 + lines * (height + 0.65))
        grid = figure.subplots(lines, columns, squeeze=False, sharey=True)
        for axes, metric in zip(grid.flat, panels, strict=False):
            _panel(axes, metric, rows, look)
        for axes in list(grid.flat)[len(panels) :]:
            axes.remove()
        for line in grid:
            line[0].set_yticks(range(len(rows)), labels)
            for tick, row in zip(line[0].get_yticklabels(), rows, strict=True):
                tick.set_style("italic" if row.control else "normal")
        grid[0, 0].set_ylim(len(rows) - 0.45, -0.55)
        figure.suptitle(title, fontweight="bold")
        sns.despine(fig=figure, left=True)
    return figure


def _has_values(summary: Summary, metric: str) -> bool:
    return any(row.cells[metric].estimate for row in summary.rows)


def _label(row: Row) -> str:
    name = fold(clean(row.model), _NAME_WIDTH)
    if row.control or row.counts.done == row.counts.asked:
        return name
    return f"{name}\n({row.counts.done} of {row.counts.asked} seeds)"


def _panel(axes: Axes, metric: Metric, rows: Sequence[Row], look: dict[str, Look]) -> None:
    """One metric. The models set the scale: a control far beyond it is cut at the edge and says its value."""
    estimates = [row.cells[metric.name].estimate for row in rows]
    prefix = prefix_of(estimates)
    most, least = _limits(rows, estimates)
    axes.set_xlim(least, most)
    for place, (row, estimate) in enumerate(zip(rows, estimates, strict=True)):
        if estimate is None:
            text = "–" if row.control or row.counts.done else "– no seed finished"
            axes.annotate(text, (0, place), (3, 0), textcoords="offset points", va="center", fontsize=_SMALL)
            continue
        end = min(max(estimate.median, least), most)
        if row.control:
            axes.barh(place, end, 0.62, color="white", edgecolor=CONTROL_COLOR, hatch="////", linewidth=0.8)
        else:
            axes.barh(place, end, 0.62, color=look[row.model].color, edgecolor="black", linewidth=0.6)
        if estimate.low is not None and estimate.high is not None and end == estimate.median:
            spread = [[estimate.median - estimate.low], [estimate.high - estimate.median]]
            axes.errorbar(end, place, xerr=spread, color="black", capsize=2.5, elinewidth=1.1, fmt="none")
        if end != estimate.median:
            _say_beyond(axes, place, end, estimate.median, prefix)
    controls = [place for place, row in enumerate(rows) if row.control]
    if controls and controls[0] > 0:
        axes.axhline(controls[0] - 0.5, color=CONTROL_COLOR, linewidth=0.7)
    axes.set_xlabel(heading_of(metric.name, metric.unit, metric.better))
    axes.grid(visible=False, axis="y")
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(lambda tick, _: f"{tick / scale_of(prefix):g}{prefix if tick else ''}")


def _say_beyond(axes: Axes, place: int, end: float, value: float, prefix: str) -> None:
    """The value of a bar that was cut at ``end``, inside it."""
    right = value > end
    text = show(Estimate(value, None, None, 1), prefix).value
    axes.annotate(
        f"{text} →" if right else f"← {text}",
        (end, place),
        (-3 if right else 3, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="center",
        fontsize=_SMALL,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
    )


def _limits(rows: Sequence[Row], estimates: Sequence[Estimate | None]) -> tuple[float, float]:
    """Right and left end of the axis: from zero to the farthest model, or to ``real`` if that is farther."""
    pairs = list(zip(rows, estimates, strict=True))
    scale = [e for row, e in pairs if e and (not row.control or row.model == "real")]
    found = scale or [e for e in estimates if e]
    ends = [end for e in found for end in (e.median, e.low, e.high) if end is not None]
    most, least = max(0.0, *ends) * _ROOM, min(0.0, *ends) * _ROOM
    return (most, least) if most > least else (1.0, 0.0)
