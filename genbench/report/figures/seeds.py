"""Every seed of every model, and those that were lost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from genbench.analyse.summary import Metric, Row
from genbench.report.figures import captions
from genbench.report.figures.axes import heading, scale
from genbench.report.figures.figure import SMALL, style
from genbench.report.figures.frames import about, frame_of
from genbench.report.figures.headline import headlines
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.lines import Lines, draw_lines, model_lines
from genbench.report.figures.marks import model_mark, points, spans
from genbench.report.figures.plot import Plot, Scope
from genbench.report.figures.themed import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("model", "control", "metric", "unit", "better", "seed", "value", "lost")
"""``lost`` is 1 for a seed that ended without a number: it diverged, failed or ran out of time."""

_VIOLIN_FROM = 20  # seeds; fewer do not show a shape
_ROW = 0.26  # inches of a row, at least
_SPREAD = 0.06  # inches, to either side of a row's centre
_COLUMNS = 3


def seeds(scope: Scope) -> Plot | None:
    """Draw the headline metrics that are known seed by seed."""
    panels = [m for m in headlines(scope) if any((row.model, m.name) in scope.seeds for row in scope.models)]
    if not panels:
        return None
    rows = scope.models
    title = f"{scope.where}: every seed"
    lines = model_lines(rows, _ROW)
    with style():
        room = Room(lines.left, between=0.34, right=0.34)
        figure, grid = sheet(title, len(panels), _COLUMNS, lines.height, room)
        for place, (axes, metric) in enumerate(zip(grid, panels, strict=True)):
            _panel(axes, scope, metric, lines)
            draw_lines(axes, lines, named=place % _COLUMNS == 0)
    counts = captions.count_of(
        (len(scope.seeds.get((r.model, m.name), {})) for r in rows for m in panels), "seed"
    )
    caption = (
        f"A mark a seed ({counts} a model); the upright line is their median. Heights within a row mean "
        "nothing."
    )
    if any(_lost(scope, row, metric) for row in rows for metric in panels):
        caption += " × at the right edge: how many seeds diverged, failed or ran out of time."
    if any(len(scope.seeds.get((row.model, m.name), {})) >= _VIOLIN_FROM for row in rows for m in panels):
        caption += f" Shaded: the density of {_VIOLIN_FROM} seeds or more."
    frame = frame_of(_rows(scope, panels), COLUMNS)
    return Plot(scope.summary.run, scope.summary.dataset, "seeds", title, caption, figure, frame)


def _panel(axes: Axes, scope: Scope, metric: Metric, lines: Lines) -> None:
    values = [scope.seeds.get((row.model, metric.name), {}) for row in scope.models]
    scale(axes, "x", [value for mine in values for value in mine.values()])
    at, marks, medians = [], [], []
    for row, mine, centre in zip(scope.models, values, lines.centres, strict=True):
        mark = model_mark(scope.looks[row.model], 4.0) | {"markeredgewidth": 0.3}
        numbers = list(mine.values())
        if len(numbers) >= _VIOLIN_FROM and len(set(numbers)) > 1:
            _violin(axes, numbers, centre, mark["color"])
        at += [(value, centre + _SPREAD * _jitter(row.model, seed)) for seed, value in mine.items()]
        marks += [mark] * len(mine)
        if numbers:
            middle = median(numbers)
            medians.append(((middle, centre - 1.4 * _SPREAD), (middle, centre + 1.4 * _SPREAD)))
        if lost := len(_lost(scope, row, metric)):
            axes.annotate(
                f"× {lost}", (1, centre), (4, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", va="center", fontsize=SMALL, annotation_clip=False,
            )  # fmt: skip
    points(axes, at, marks, alpha=0.75, zorder=2, clip_on=False)
    spans(axes, medians, [INK], linewidth=1.4, zorder=3)
    axes.set_xlabel(heading(scope.summary, metric))


def _violin(axes: Axes, numbers: Sequence[float], centre: float, color: str) -> None:
    """The density of many seeds, by a Gaussian kernel of Scott's width."""
    parts = axes.violinplot(
        numbers,
        [centre],
        orientation="horizontal",
        widths=2.6 * _SPREAD,
        showextrema=False,
        bw_method="scott",
    )
    for body in parts["bodies"]:  # type: ignore[attr-defined]
        body.set(facecolor=color, alpha=0.25, edgecolor="none", zorder=1.5)


def _jitter(model: str, seed: int) -> float:
    """Where in its row a seed stands, from -1 to 1: always the same."""
    number = hashlib.sha256(f"{model} {seed}".encode("utf-8", "replace")).digest()[0]
    return number / 127.5 - 1


def _lost(scope: Scope, row: Row, metric: Metric) -> Sequence[int]:
    side = scope.sides.get(row.model, {}).get(metric.name)
    return sorted(side.lost) if side else []


def _rows(scope: Scope, metrics: Sequence[Metric]) -> Iterator[Mapping[str, object]]:
    for metric in metrics:
        for row in scope.models:
            head = about(row.model, False, metric)
            for seed, value in sorted(scope.seeds.get((row.model, metric.name), {}).items()):
                yield head | {"seed": seed, "value": value, "lost": 0}
            for seed in _lost(scope, row, metric):
                yield head | {"seed": seed, "lost": 1}
