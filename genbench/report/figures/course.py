"""How quality went while models were trained: against steps, seconds, real examples and operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from genbench.analyse.estimates import Estimate
from genbench.analyse.standing import Spot, courses
from genbench.analyse.summary import Metric, Summary
from genbench.core.record import Record
from genbench.report.figures.figure import new_figure, style
from genbench.report.figures.frames import estimates_frame
from genbench.report.figures.palette import CONTROL_COLOR, Look, looks
from genbench.report.figures.plot import Plot, Scope
from genbench.report.folding import fold
from genbench.report.headings import group_of, heading_of, rank_of
from genbench.report.numbers import prefix_of, scale_of, show
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUALITY = "quality.fid"

_STEPS = "steps"
_PANELS = {
    _STEPS: "training steps",
    "cost.seconds": "training time of one lane (s)",
    "cost.images": "real examples of one lane",
    "cost.gflop": "operations of one lane (GFLOP)",
}
_LOG_FROM = 20.0  # a range wider than this is drawn on a logarithmic axis
_NAME_WIDTH = 26
_HOW = "median, and from the\nlowest to the highest seed"
_FEWER = "\nhollow: of fewer seeds, others\nwere lost or ended early"


def course(scope: Scope) -> Plot | None:
    """How quality went while models were trained."""
    title = f"{scope.where}: quality while training"
    figure = quality_curves(scope.summary, scope.everything, title)
    if figure is None:
        return None
    frame = estimates_frame(scope.summary, [QUALITY])
    return Plot(
        scope.summary.run, scope.summary.dataset, "course", title, "Quality at equal cost.", figure, frame
    )


def quality_curves(summary: Summary, records: Sequence[Record], title: str) -> Figure | None:
    """Draw a metric of quality against what it took; ``None`` where no model was evaluated on the way.

    A line is the median over the seeds that were still trained at that step, its band reaches from the lowest
    to the highest of them. A hollow marker, which the legend explains, stands where that is fewer seeds than
    the model had: some were lost, or ended early at the target and are not carried on.

    Args:
        summary: of one dataset, for its controls and the models' order.
        records: all of that dataset and run, those from the way included.
        title: of the figure.
    """
    import seaborn as sns

    metric = _metric_of(summary)
    if metric is None:
        return None
    found = courses(records, metric.name)
    drawn = {row.model: found[row.model] for row in summary.rows if row.model in found}
    if all(len(spots) < 2 for spots in drawn.values()):
        return None
    look = looks(row.model for row in summary.rows if not row.control)
    panels = [
        name for name in _PANELS if name == _STEPS or any(name in s.cost for m in drawn.values() for s in m)
    ]
    with style():
        figure = new_figure(9.2, 3.1 * ((len(panels) + 1) // 2) + 0.4)
        grid = figure.subplots((len(panels) + 1) // 2, 2, squeeze=False, sharey=True)
        fewer = False
        for axes, panel in zip(grid.flat, panels, strict=False):
            for model, spots in drawn.items():
                fewer |= _draw(axes, model, spots, panel, look[model])
            _floor(axes, summary, metric.name)
            _scale_x(axes, panel, drawn)
            axes.set_xlabel(_PANELS[panel])
            sns.despine(ax=axes)
        for axes in list(grid.flat)[len(panels) :]:
            axes.remove()
        for line in grid:
            line[0].set_ylabel(heading_of(metric.name, metric.unit, metric.better))
        _scale_y(grid[0, 0], drawn)
        figure.suptitle(title, fontweight="bold")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        how = _HOW + _FEWER * fewer
        figure.legend(handles, labels, loc="outside right upper", frameon=False, title=how, alignment="left")
    return figure


def _metric_of(summary: Summary) -> Metric | None:
    """The Fréchet distance, or else the first metric of quality or of known modes."""
    known = {metric.name: metric for metric in summary.metrics}
    if QUALITY in known:
        return known[QUALITY]
    others = [name for name in known if group_of(name) in ("quality", "known_modes")]
    return (
        known[min(others, key=lambda name: (group_of(name) != "quality", rank_of(name)))] if others else None
    )


def _draw(axes: Axes, model: str, spots: Sequence[Spot], panel: str, look: Look) -> bool:
    """One model's line, band and markers; spots without that cost are left out. Whether any is hollow."""
    there = [(x, spot.values) for spot in spots if (x := _at(spot, panel)) is not None]
    if not there:
        return False
    most = max(len(values) for _, values in there)
    at = [x for x, _ in there]
    medians = [median(values) for _, values in there]
    axes.fill_between(
        at,
        [min(values) for _, values in there],
        [max(values) for _, values in there],
        color=look.color,
        alpha=0.18,
        linewidth=0,
    )
    label = fold(clean(model), _NAME_WIDTH)
    axes.plot(at, medians, color=look.color, marker=look.marker, markersize=4, linewidth=1.5, label=label)
    fewer = [(x, y) for (x, values), y in zip(there, medians, strict=True) if len(values) < most]
    if fewer:
        axes.plot(
            *zip(*fewer, strict=True),
            color=look.color,
            marker=look.marker,
            markersize=4,
            markerfacecolor="white",
            linestyle="none",
        )
    return bool(fewer)


def _at(spot: Spot, panel: str) -> float | None:
    return float(spot.step) if panel == _STEPS else spot.cost.get(panel)


def _floor(axes: Axes, summary: Summary, metric: str) -> None:
    """A dotted line where real data stand, if the records have it."""
    real = next((row.cells[metric].estimate for row in summary.rows if row.model == "real"), None)
    if real:
        label = f"real data: {show(real).value}"
        axes.axhline(real.median, color=CONTROL_COLOR, linestyle=":", linewidth=1.6, label=label)


def _scale_x(axes: Axes, panel: str, drawn: Mapping[str, Sequence[Spot]]) -> None:
    """From zero, or logarithmic where some models' whole training takes far longer than others'."""
    ends = [
        max((x for s in spots if (x := _at(s, panel)) is not None), default=0.0) for spots in drawn.values()
    ]
    ends = [end for end in ends if end > 0]
    if ends and max(ends) / min(ends) > _LOG_FROM:
        axes.set_xscale("log")
        return
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=5)
    longest = max(ends, default=0.0)
    prefix = prefix_of([Estimate(longest, None, None, 1)])
    axes.xaxis.set_major_formatter(lambda tick, _: f"{tick / scale_of(prefix):g}{prefix if tick else ''}")


def _scale_y(axes: Axes, drawn: Mapping[str, Sequence[Spot]]) -> None:
    """Zero-based, or logarithmic where the range is wide; the panels share it."""
    values = [value for spots in drawn.values() for spot in spots for value in spot.values]
    if min(values) > 0 and max(values) / min(values) > _LOG_FROM:
        axes.set_yscale("log")
    else:
        bottom, top = axes.get_ylim()
        axes.set_ylim(min(0.0, bottom) - 0.03 * abs(top), top)  # a floor at zero stays in sight
