"""The Dirac-GAN: eigenvalues in the complex plane, and where the radius ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from genbench.analyse.summary import Row
from genbench.report.figures.axes import few_ticks, scale, tidy
from genbench.report.figures.figure import style
from genbench.report.figures.frames import ESTIMATES, estimates, frame_of
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.lines import Lines, draw_lines, model_lines
from genbench.report.figures.marks import cross, entry, points, spans
from genbench.report.figures.palette import CONTROL_COLOR, Look
from genbench.report.figures.plot import Plot, Scope
from genbench.report.figures.themed import GREY, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PREDICTED = ("dirac.predicted_real", "dirac.predicted_imaginary")
MEASURED = ("dirac.measured_real", "dirac.measured_imaginary")
RADII = ("dirac.radius_simultaneous", "dirac.radius_alternating")

_ROW = 0.17  # inches of a row, at least
_LEAST = 1.9  # inches of the panels
_EMPTY = {
    "marker": "o", "markersize": 5.0, "markerfacecolor": PAPER, "color": INK, "markeredgecolor": INK,
    "markeredgewidth": 0.9,
}  # fmt: skip
_FULL = _EMPTY | {"markerfacecolor": INK}


def dirac(scope: Scope) -> Plot | None:
    """Draw the models that have been played."""
    names = (*PREDICTED, *MEASURED, *RADII)
    if not all(name in scope.metrics for name in names):
        return None
    rows = [row for row in scope.models if any(value(row, name) is not None for name in names)]
    if not rows:
        return None
    title = f"{scope.where}: losses and optimizers on the Dirac-GAN"
    lines = model_lines(rows, _ROW)
    legend = [
        entry("eigenvalue, measured", **_FULL, linestyle="none"),
        entry("eigenvalue, by formula", **cross(GREY, 8.0), linestyle="none"),
        entry("radius, simultaneous", **_EMPTY, linestyle="none"),
        entry("radius, in turn", **_FULL, linestyle="none"),
    ]
    with style():
        room = Room(lines.left, between=0.62, below=0.42)
        figure, (played, plane) = sheet(title, 2, 2, max(_LEAST, lines.height), room, legend)
        _radii(played, rows, lines, scope)
        _plane(plane, rows, scope)
    caption = (
        "Left: the distance from the equilibrium after the last rounds, over that at the start (at 1 it is "
        "as far as before), with simultaneous updates and with updates in turn, as training makes them; "
        "optimizers, learning rates and clipping are each model's own. Right: eigenvalues of the game at its "
        "equilibrium, which the loss alone decides, so that marks lie on each other. On the vertical axis "
        "nothing is pulled in or pushed out at first order."
    )
    frame = frame_of(estimates(scope, [scope.metrics[name] for name in names], rows, seeds=False), ESTIMATES)
    return Plot(scope.summary.run, scope.summary.dataset, "dirac", title, caption, figure, frame)


def value(row: Row, name: str) -> float | None:
    """What a row has of a metric."""
    guess = row.cells[name].estimate
    return guess.median if guess else None


def _radii(axes: Axes, rows: Sequence[Row], lines: Lines, scope: Scope) -> None:
    places = dict(zip((row.model for row in rows), lines.centres, strict=True))
    at, marks = [], []
    joined: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        look = scope.looks[row.model]
        for name, mark in zip(RADII, (_EMPTY, _FULL), strict=True):
            radius = value(row, name)
            if radius is not None and radius > 0:
                at.append((radius, places[row.model]))
                marks.append(_of(look, mark))
                joined.setdefault(row.model, []).append(at[-1])
    scale(axes, "x", [1.0, *(x for x, _ in at)], log=True)
    axes.axvline(1, color=CONTROL_COLOR, linewidth=0.9, zorder=1)
    both = {model: ends for model, ends in joined.items() if len(ends) == 2}
    spans(
        axes,
        [(ends[0], ends[1]) for ends in both.values()],
        [scope.looks[m].color for m in both],
        linewidth=0.9,
    )
    points(axes, at, marks, zorder=3, clip_on=False)
    axes.set_xlabel("radius at the end, over that at the start")
    draw_lines(axes, lines, named=True)


def _plane(axes: Axes, rows: Sequence[Row], scope: Scope) -> None:
    measured = [(scope.looks[row.model], at) for row in rows for at in _pair(row, MEASURED)]
    predicted = [at for row in rows for at in _pair(row, PREDICTED)]
    everything = [*(at for _, at in measured), *predicted]
    scale(axes, "x", [-0.5, 0.5, *(x for x, _ in everything)])
    scale(axes, "y", [y for _, y in everything] or [0.0])
    axes.axvline(0, color=CONTROL_COLOR, linewidth=0.9, zorder=1)
    points(axes, [at for _, at in measured], [_of(look, _FULL) for look, _ in measured], zorder=3)
    points(axes, predicted, [cross(INK, 8.0)] * len(predicted), zorder=4)
    few_ticks(axes, "x", 5)
    few_ticks(axes, "y", 5)
    axes.set_xlabel("Re λ")
    axes.set_ylabel("Im λ")
    tidy(axes)


def _pair(row: Row, names: tuple[str, str]) -> Iterator[tuple[float, float]]:
    """An eigenvalue and its conjugate."""
    real, imaginary = (value(row, name) for name in names)
    if real is not None and imaginary is not None:
        yield real, imaginary
        if imaginary:
            yield real, -imaginary


def _of(look: Look, mark: dict[str, object]) -> dict[str, object]:
    """A full or empty mark in a model's colour and shape."""
    filled = mark["markerfacecolor"] is INK
    return mark | {
        "marker": look.marker, "color": look.color, "markeredgecolor": "black" if filled else look.color,
        "markeredgewidth": 0.4 if filled else 1.1, "markerfacecolor": look.color if filled else PAPER,
    }  # fmt: skip
