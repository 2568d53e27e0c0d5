"""What axes of all figures share: limits, ticks, labels, and marks of what lies beyond."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from genbench.analyse.estimates import Estimate
from genbench.analyse.summary import Metric, Summary
from genbench.core.record import group_of
from genbench.report.figures.figure import SMALL
from genbench.report.figures.themed import GREY
from genbench.report.headings import heading_of
from genbench.report.numbers import prefix_of, scale_of
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_FROM = 20.0
"""A range wider than this, from lowest to highest, is drawn on a logarithmic axis."""

_MARGIN = 0.07
_TICKS = 4
_LARGEST = 1e150  # what is larger is beyond any axis, and would overflow in its transformation
Way = Literal["x", "y"]


def is_wide(values: Iterable[float]) -> bool:
    """Whether values are drawn on a logarithmic axis."""
    found = list(values)
    return bool(found) and min(found) > 0 and max(found) / min(found) > LOG_FROM


def scale(
    axes: Axes, way: Way, values: Sequence[float], log: bool | None = None, *, zero: bool = False
) -> None:
    """Set limits around the values, with a margin, and few ticks; logarithmic where they are far apart.

    Args:
        axes: whose.
        way: which axis.
        values: what has to be in sight.
        log: whether it is logarithmic, whatever the values say; they are all positive then.
        zero: whether zero is to be in sight, on an axis that is not logarithmic.
    """
    limits = axes.set_xlim if way == "x" else axes.set_ylim
    values = [min(max(value, -_LARGEST), _LARGEST) for value in values]
    if is_wide(values) if log is None else log:
        (axes.set_xscale if way == "x" else axes.set_yscale)("log")
        factor = max(1.05, (max(values) / min(values)) ** _MARGIN)
        limits(max(min(values) / factor, 1 / _LARGEST), min(max(values) * factor, _LARGEST))
        few_log_ticks(axes, way)
        return
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if zero:
        low, high = min(0.0, low), max(0.0, high)
    room = (high - low) * _MARGIN or abs(high) * 0.05 or 1.0
    apart = low < high
    limits(low if zero and low == 0 else low - room, high if zero and high == 0 and apart else high + room)
    few_ticks(axes, way, whole=all(float(value).is_integer() for value in values))


def few_ticks(axes: Axes, way: Way, most: int = 4, *, whole: bool = False) -> None:
    """A handful of ticks, with a prefix (k, M) where numbers are large; only whole numbers if asked."""
    from matplotlib.ticker import MaxNLocator

    axis = axes.xaxis if way == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1))
    ends = axes.get_xlim() if way == "x" else axes.get_ylim()
    prefix = prefix_of([Estimate(max(map(abs, ends)), None, None, 1)])
    axis.set_major_formatter(lambda tick, _: f"{tick / scale_of(prefix):g}{prefix if tick else ''}")


def few_log_ticks(axes: Axes, way: Way) -> None:
    """Powers of ten, and numbers between them where there is room."""
    from math import ceil, floor, log10

    from matplotlib.ticker import FixedLocator, NullLocator

    axis = axes.xaxis if way == "x" else axes.yaxis
    low, high = axes.get_xlim() if way == "x" else axes.get_ylim()
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    every = max(1, ceil(len(powers) / 5))
    choices = [
        [m * 10.0**p for p in powers[::step] for m in between if low <= m * 10.0**p <= high]
        for between, step in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), every))
    ]
    ticks = next((choice for choice in choices if len(choice) <= _TICKS), choices[-1])
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda tick, _: _power(tick))


def _power(tick: float) -> str:
    if 1e-3 <= tick < 1e4:
        return f"{tick:g}"
    if tick < 1e4 or tick >= 1e15:
        return f"{tick:.0e}".replace("e-0", "e-").replace("e+", "e")
    prefix = prefix_of([Estimate(tick, None, None, 1)])
    return f"{tick / scale_of(prefix):g}{prefix}"


def is_of_points(summary: Summary) -> bool:
    """Whether the data are points with known modes, and so no images."""
    return any(group_of(metric.name) == "known_modes" for metric in summary.metrics)


def unit_of(summary: Summary, metric: Metric) -> str:
    """The unit of a metric; points are not called images."""
    return clean(metric.unit.replace("images", "points") if is_of_points(summary) else metric.unit)


def heading(summary: Summary, metric: Metric) -> str:
    """What an axis of a metric says: its name, the good direction, its unit."""
    return heading_of(metric.name, unit_of(summary, metric), metric.better)


def say_at_the_edge(axes: Axes, place: float, text: str, value: float, *, arrow: bool = False) -> None:
    """Write something at the edge of a horizontal panel, on the line at ``place``.

    Args:
        axes: the panel.
        place: of the line.
        text: what to write.
        value: of which it is said; the edge is the one that lies nearer.
        arrow: whether the value lies beyond that edge.
    """
    right = value > axes.get_xlim()[1]
    pointed = f"{text} →" if right else f"← {text}"
    axes.annotate(
        pointed if arrow else text,
        (1.0 if right else 0.0, place),
        (-2 if right else 2, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right" if right else "left",
        va="center",
        fontsize=SMALL,
        color=GREY,
        style="italic" if arrow else "normal",
    )


def tidy(axes: Axes, *, left: bool = True) -> None:
    """Take away the lines of the frame that say nothing."""
    for side in ("top", "right", *([] if left else ["left"])):
        axes.spines[side].set_visible(False)
