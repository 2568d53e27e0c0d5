"""Marks of models and controls, the same in every figure and its legend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from genbench.analyse.summary import Row
from genbench.report.figures.layout import Entry
from genbench.report.figures.lines import label_of
from genbench.report.figures.palette import CONTROL_COLOR, CONTROL_MARKERS, Look
from genbench.report.figures.plot import Scope
from genbench.report.figures.themed import PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path


def model_mark(look: Look, size: float = 6.0) -> dict[str, Any]:
    """Settings of a model's mark."""
    return {
        "marker": look.marker, "markersize": size, "markerfacecolor": look.color, "color": look.color,
        "markeredgecolor": "black", "markeredgewidth": 0.5,
    }  # fmt: skip


def control_mark(name: str, size: float = 5.5) -> dict[str, Any]:
    """Settings of a control's mark: hollow and grey."""
    return {
        "marker": CONTROL_MARKERS.get(name, "o"), "markersize": size, "markerfacecolor": PAPER,
        "color": CONTROL_COLOR, "markeredgecolor": CONTROL_COLOR, "markeredgewidth": 0.9,
    }  # fmt: skip


def cross(color: str, size: float) -> dict[str, Any]:
    """Settings of a small cross."""
    return {
        "marker": "x", "markersize": size, "markerfacecolor": color, "color": color, "markeredgecolor": color,
        "markeredgewidth": 0.7,
    }  # fmt: skip


def mark_of(scope: Scope, row: Row, size: float = 6.0) -> dict[str, Any]:
    """Settings of a row's mark."""
    return control_mark(row.model, 0.9 * size) if row.control else model_mark(scope.looks[row.model], size)


def points(
    axes: Axes, at: Sequence[tuple[float, float]], marks: Sequence[dict[str, Any]], **more: Any
) -> None:
    """Draw marks of any shapes as one thing, which is much quicker than one by one."""
    from matplotlib.collections import PathCollection
    from matplotlib.transforms import IdentityTransform

    if not at:
        return
    alike = len({(mark["marker"], mark["markersize"]) for mark in marks}) == 1
    shaped = marks[:1] if alike else marks  # one shape for all is written once
    drawn = PathCollection(
        [_shape(mark["marker"]) for mark in shaped],
        sizes=[mark["markersize"] ** 2 for mark in shaped],
        offsets=at,
        offset_transform=axes.transData,
        facecolors=[mark["markerfacecolor"] for mark in marks],
        edgecolors=[mark["markeredgecolor"] for mark in marks],
        linewidths=[mark["markeredgewidth"] for mark in marks],
        **more,
    )
    drawn.set_transform(IdentityTransform())
    axes.add_collection(drawn, autolim=False)


@lru_cache(maxsize=64)
def _shape(marker: str) -> Path:
    from matplotlib.markers import MarkerStyle

    style = MarkerStyle(marker)
    return style.get_path().transformed(style.get_transform())


def spans(
    axes: Axes,
    ends: Sequence[tuple[tuple[float, float], tuple[float, float]]],
    colors: Sequence[str],
    **more: Any,
) -> None:
    """Draw straight lines from point to point as one thing."""
    from matplotlib.collections import LineCollection

    if ends:
        axes.add_collection(LineCollection(ends, colors=list(colors), **more), autolim=False)


def bands(
    axes: Axes, at: Sequence[Sequence[float]], lows: Sequence[Sequence[float]],
    highs: Sequence[Sequence[float]], colors: Sequence[str], alpha: float,
) -> None:  # fmt: skip
    """Shade between the lows and highs of several lines as one thing."""
    from matplotlib.collections import PolyCollection

    outlines = [
        [*zip(x, low, strict=True), *zip(reversed(x), reversed(high), strict=True)]
        for x, low, high in zip(at, lows, highs, strict=True)
    ]
    axes.add_collection(PolyCollection(outlines, facecolors=list(colors), alpha=alpha, linewidths=0))


def entry(label: str, **settings: Any) -> Entry:
    """An entry of a legend, drawn as a line or a mark."""
    return settings, label


def model_entries(scope: Scope, rows: Iterable[Row], *, line: bool = False) -> list[Entry]:
    """An entry for each model or control, with how many of its seeds came to an end where some did not."""
    more = {"linestyle": "-", "linewidth": 1.3} if line else {"linestyle": "none"}
    return [(mark_of(scope, row, 5.0) | more, label_of(row)) for row in rows]
