"""Quality and modes: a metric a panel, a row a model, its median and interval over every seed's number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genbench.analyse.estimates import Estimate
from genbench.analyse.summary import Metric, Row
from genbench.report.figures import captions
from genbench.report.figures.axes import heading, is_wide, say_at_the_edge, scale
from genbench.report.figures.figure import style
from genbench.report.figures.frames import ESTIMATES, estimates, frame_of
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.lines import Lines, draw_lines, model_lines
from genbench.report.figures.marks import mark_of, points, spans
from genbench.report.figures.plot import Plot, Scope
from genbench.report.numbers import prefix_of, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = (
    *("quality.fid", "quality.kid", "quality.precision", "quality.recall"),
    *("quality.density", "quality.coverage", "quality.elbo", "quality.iw_bound"),
    *("modes.covered", "modes.entropy", "modes.kl"),
    *("known_modes.covered", "known_modes.high_quality", "known_modes.reverse_kl"),
    *("memorization.authenticity", "memorization.distance"),
)

_COLUMNS = 3
_BELOW = 0.055  # inches from a row's interval down to its seeds
_NEAR = 2.0  # times the models' range: no farther is the axis stretched for real data


def quality(scope: Scope) -> Plot | None:
    """Draw the metrics of ``METRICS`` that any row has."""
    known = [scope.metrics[name] for name in METRICS if name in scope.metrics]
    panels = [m for m in known if any(row.cells[m.name].estimate for row in scope.summary.rows)]
    if not panels:
        return None
    names = [metric.name for metric in panels]
    rows = [r for r in scope.summary.rows if not r.control or any(r.cells[n].estimate for n in names)]
    lines = model_lines(rows)
    title = f"{scope.where}: samples and modes"
    with style():
        figure, grid = sheet(title, len(panels), _COLUMNS, lines.height, Room(lines.left, between=0.26))
        for place, (axes, metric) in enumerate(zip(grid, panels, strict=True)):
            _panel(axes, scope, metric, rows, lines)
            draw_lines(axes, lines, named=place % _COLUMNS == 0)
    cells = [row.cells[name].estimate for name in names for row in rows if not row.control]
    caption = (
        f"Median over {captions.seeds_of(rows, names)} (large marks), {captions.intervals(cells)}; the "
        "small dots below are single seeds. The models set each scale: what lies beyond it is at the edge, "
        f"with its value.{captions.controls(rows)}"
    )
    frame = frame_of(estimates(scope, panels, rows), ESTIMATES)
    return Plot(scope.summary.run, scope.summary.dataset, "quality", title, caption, figure, frame)


def _panel(axes: Axes, scope: Scope, metric: Metric, rows: Sequence[Row], lines: Lines) -> None:
    """One metric. The models set the scale."""
    found = [row.cells[metric.name].estimate for row in rows]
    seeds = [list(scope.seeds.get((row.model, metric.name), {}).values()) for row in rows]
    scale(axes, "x", *_in_sight(rows, found, seeds))
    low, high = axes.get_xlim()
    medians, marks, ends, colors = [], [], [], []
    dots, dot_marks = [], []
    for centre, row, guess, values in zip(lines.centres, rows, found, seeds, strict=True):
        if guess is None:
            say_at_the_edge(
                axes, centre, "–" if row.control or row.counts.done else "– no seed finished", low
            )
        elif not low <= guess.median <= high:
            value = Estimate(guess.median, None, None, 1)
            say_at_the_edge(axes, centre, show(value, prefix_of([value])).value, guess.median, arrow=True)
        else:
            mark = mark_of(scope, row, 5.0)
            medians.append((guess.median, centre))
            marks.append(mark)
            if guess.low is not None and guess.high is not None:
                ends.append(((guess.low, centre), (guess.high, centre)))
                colors.append(mark["color"])
            if len(values) > 1 and not row.control:
                dots += [(value, centre + _BELOW) for value in values]
                dot_marks += [mark | {"marker": "o", "markersize": 2.2, "markeredgecolor": "none"}] * len(
                    values
                )
    points(axes, dots, dot_marks, alpha=0.7, zorder=2)
    spans(axes, ends, colors, linewidth=1.3, zorder=2.5)
    points(axes, medians, marks, zorder=3, clip_on=False)
    axes.set_xlabel(heading(scope.summary, metric))


def _in_sight(
    rows: Sequence[Row], found: Sequence[Estimate | None], seeds: Sequence[Sequence[float]]
) -> tuple[list[float], bool]:
    """Numbers of the models, and ``real`` if it is near them; where there are none, of the controls.

    And whether they are drawn on a logarithmic axis.
    """
    values: list[float] = []
    real: list[float] = []
    others: list[float] = []
    for row, guess, numbers in zip(rows, found, seeds, strict=True):
        if guess:
            chosen = values if not row.control else real if row.model == "real" else others
            chosen += [end for end in (guess.median, guess.low, guess.high) if end is not None]
            chosen += numbers
    log = is_wide(values or real + others)
    if not values:
        return real + others, log
    near = _range(values + real, log=log) <= _NEAR * _range(values, log=log)
    return (values + real if near else values), log


def _range(values: Sequence[float], *, log: bool) -> float:
    """From lowest to highest, as it is seen on the axis."""
    low, high = min(values), max(values)
    if not log:
        return high - low
    return math.log(high / low) if low > 0 else math.inf
