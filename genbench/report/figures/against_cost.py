"""What quality costs: a point a model, with both intervals, above the floor that real images set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from genbench.analyse.estimates import Estimate
from genbench.analyse.summary import Summary
from genbench.core.record import Better, Record, Status
from genbench.report.figures.figure import new_figure, style
from genbench.report.figures.frames import estimates_frame
from genbench.report.figures.palette import CONTROL_COLOR, Look, looks
from genbench.report.figures.plot import Plot, Scope
from genbench.report.folding import fold
from genbench.report.headings import ARROWS, heading_of
from genbench.report.numbers import show
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

QUALITY = "quality.fid"
COST = "throughput.s_per_1000_steps"

_LOG_FROM = 20.0  # a range wider than this is drawn on a logarithmic axis
_NAME_WIDTH = 26


@dataclass(frozen=True, slots=True)
class _Point:
    model: str
    label: str
    seconds: Estimate
    quality: Estimate


def quality_against_cost(scope: Scope) -> Plot | None:
    """What quality costs."""
    title = f"{scope.where}: what quality costs"
    figure = draw_against_cost(scope.summary, scope.records, title)
    if figure is None:
        return None
    frame = estimates_frame(scope.summary, [QUALITY, COST])
    return Plot(
        scope.summary.run,
        scope.summary.dataset,
        "quality-against-cost",
        title,
        "Quality against the training time of a lane.",
        figure,
        frame,
    )


def draw_against_cost(summary: Summary, records: Sequence[Record], title: str) -> Figure | None:
    """Draw Fréchet distance against training seconds; ``None`` where no model has both.

    The seconds are those of one lane: the steady time of its steps over the lanes that share it,
    compilation and evaluation apart.
    """
    import seaborn as sns

    points = _points(summary, records)
    if not points:
        return None
    look = looks(row.model for row in summary.rows if not row.control)
    with style():
        figure = new_figure(6.4, 3.9)
        axes = figure.subplots()
        handles: list[Artist | ErrorbarContainer] = [_draw(axes, p, look[p.model]) for p in points]
        drawn = {point.model for point in points}
        for row in summary.rows:
            if not row.control and row.model not in drawn:
                label = f"{fold(clean(row.model), _NAME_WIDTH)}\n(no value)"
                handles += axes.plot([], [], " ", label=label)
        handles += _floor(axes, summary)
        _scale(axes, points)
        better = next(metric for metric in summary.metrics if metric.name == QUALITY)
        axes.set_xlabel(f"training time of one lane {ARROWS[Better.LOWER]} (s)")
        axes.set_ylabel(heading_of(QUALITY, better.unit, better.better))
        axes.set_title(title)
        # Named one by one: left to itself, matplotlib lists lines before points.
        figure.legend(handles=handles, loc="outside right upper", frameon=False)
        sns.despine(ax=axes)
    return figure


def _points(summary: Summary, records: Sequence[Record]) -> list[_Point]:
    names = {metric.name for metric in summary.metrics}
    if not {QUALITY, COST} <= names:
        return []
    points = []
    for row in summary.rows:
        quality, pace = row.cells[QUALITY].estimate, row.cells[COST].estimate
        factor = _lane_thousands(records, row.model)
        if row.control or not quality or not pace or not factor:
            continue
        low, high = (None if end is None else end * factor for end in (pace.low, pace.high))
        seconds = Estimate(pace.median * factor, low, high, pace.n, pace.over)
        label = fold(clean(row.model), _NAME_WIDTH)
        if row.counts.done < row.counts.asked:
            label += f"\n({row.counts.done} of {row.counts.asked} seeds)"
        points.append(_Point(row.model, label, seconds, quality))
    return points


def _lane_thousands(records: Sequence[Record], model: str) -> float:
    """Thousands of steps that a lane was trained for, over the lanes that shared the time.

    Lanes and steps are those of the widest parts of a divided cohort, whose pace the summary tells; where
    these ended at different steps, the steps are their median.
    """
    mine = [record for record in records if record.model == model and record.status is Status.DONE]
    timed = [record for record in mine if record.metric == COST and record.value is not None]
    if not timed:
        return 0.0
    lanes = max(record.lanes for record in timed)
    return median(record.step for record in timed if record.lanes == lanes) / 1000 / max(1, lanes)


def _spread(estimate: Estimate) -> list[list[float]] | None:
    if estimate.low is None or estimate.high is None:
        return None
    return [[estimate.median - estimate.low], [estimate.high - estimate.median]]


def _draw(axes: Axes, point: _Point, look: Look) -> ErrorbarContainer:
    return axes.errorbar(
        point.seconds.median,
        point.quality.median,
        xerr=_spread(point.seconds),
        yerr=_spread(point.quality),
        color=look.color,
        marker=look.marker,
        markeredgecolor="black",
        markersize=7,
        capsize=3,
        linestyle="none",
        label=point.label,
    )


def _floor(axes: Axes, summary: Summary) -> list[Line2D]:
    """A dotted line where real data stand, if the records have it."""
    real = next((row.cells[QUALITY].estimate for row in summary.rows if row.model == "real"), None)
    if not real:
        return []
    label = f"real data: {show(real).value}"
    return [axes.axhline(real.median, color=CONTROL_COLOR, linestyle=":", linewidth=1.6, label=label)]


def _scale(axes: Axes, points: Sequence[_Point]) -> None:
    """Zero-based axes where the range allows, else logarithmic ones; points keep clear of the edges."""
    qualities = [point.quality.median for point in points]
    seconds = [point.seconds.median for point in points]
    if min(seconds) > 0 and max(seconds) / min(seconds) > _LOG_FROM:
        axes.set_xscale("log")
    else:
        _, right = axes.get_xlim()
        axes.set_xlim(min(0.0, *seconds), right)
    if min(qualities) > 0 and max(qualities) / min(qualities) > _LOG_FROM:
        axes.set_yscale("log")
    else:
        _, top = axes.get_ylim()
        axes.set_ylim(min(0.0, *qualities) - 0.03 * abs(top), top)  # a floor at zero stays in sight
