"""Which modes or classes a model draws, and which it lost: a row a model, a column a mode."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from genbench.analyse.summary import Row
from genbench.core.record import EXPECTED
from genbench.report.figures import captions
from genbench.report.figures.axes import is_of_points
from genbench.report.figures.figure import PLAIN, SMALL, style
from genbench.report.figures.frames import frame_of, text
from genbench.report.figures.heat import SCALE_HEIGHT, mean, mesh, scale_bar, text_color
from genbench.report.figures.layout import Room, beside, sheet
from genbench.report.figures.lines import height_of, model_lines
from genbench.report.figures.marks import cross, points
from genbench.report.figures.plot import Plot, Scope
from genbench.report.figures.shares import LOST_BELOW, Shares, shares_of
from genbench.report.figures.themed import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("model", "control", "mode", "reference", "mean", "low", "high", "n", "lost")
"""Shares of samples: the reference's, mean and range over ``n`` seeds (of controls: draws), and how many of
them lost the mode."""

_WORDS_UP_TO = 12  # modes; of more, cells have no room for numbers
_TICKS = 25


def modes(scope: Scope) -> Plot | None:
    """Draw the shares of all modes, where the records have them.

    A cell is the mean over seeds: the shares of a row add up to one, as those of each seed do. Medians do
    not, where seeds collapse to different modes.
    """
    shares = shares_of(scope.records)
    if shares is None:
        return None
    numbers = sorted(shares.reference)
    rows = [row for row in scope.summary.rows if row.model != EXPECTED and _is_there(shares, row)]
    if not rows:
        return None
    kind, several = ("mode", "modes") if is_of_points(scope.summary) else ("class", "classes")
    title = f"{scope.where}: {several} that are drawn"
    words = len(numbers) <= _WORDS_UP_TO
    lines = model_lines(rows)
    pitch = max([0.31 if words else 0.17, *(height_of(label) for label in lines.labels)])
    found = [[shares.ratios(row.model, number) for number in numbers] for row in rows]
    ratios = np.array([[mean(cell) for cell in row] for row in found])
    with style():
        figure, (axes,) = sheet(title, 1, 1, pitch * len(rows), Room(lines.left), tail=SCALE_HEIGHT)
        mesh(axes, ratios, cells=ratios.size)
        (_say if words else _cross)(axes, found)
        _name(axes, rows, lines.labels, numbers)
        axes.set_xlabel(kind)
        scale_bar(figure, lines.left)
    caption = _caption(shares, rows, kind, words=words)
    frame = frame_of(_numbers(shares, rows, numbers), COLUMNS)
    return Plot(scope.summary.run, scope.summary.dataset, "modes", title, caption, figure, frame)


def _is_there(shares: Shares, row: Row) -> bool:
    return not row.control or any(model == row.model for model, _ in shares.found)


def _caption(shares: Shares, rows: Sequence[Row], kind: str, *, words: bool) -> str:
    seeds, draws = ([row.model for row in rows if row.control is control] for control in (False, True))
    caption = (
        f"Share of a row's samples in each {kind} as a multiple of the reference's share: the mean over "
        f"{_counted(shares, seeds or draws, 'seed' if seeds else 'draw')}; white is none. "
    )
    told = "seeds" if not draws else "seeds (of controls: draws)" if seeds else "draws"
    if words:
        caption += f"Below it, how many {told} lost the {kind}: they have less than a tenth of its share."
    else:
        caption += (
            f"Crosses: {told} that lost the {kind} (less than a tenth of its share), larger for more of them."
        )
    if seeds and draws:
        caption += (
            f" Below the line: controls, which no model made, {_counted(shares, draws, 'draw')} of each."
        )
    return caption


def _counted(shares: Shares, models: Sequence[str], word: str) -> str:
    """How many seeds or draws these rows have."""
    return captions.count_of((len(v) for (model, _), v in shares.found.items() if model in models), word)


def _say(axes: Axes, found: Sequence[Sequence[list[float]]]) -> None:
    """Each cell's number, and how many seeds lost the mode."""
    for place, row in enumerate(found):
        for column, ratios in enumerate(row):
            if not ratios:
                continue
            value, lost = mean(ratios), _lost(ratios)
            told = f"{value:.2f}" if value < 9.95 else f"{value:.0f}"
            if lost:
                told += f"\n{lost}/{len(ratios)} lost"
            axes.text(
                column,
                place,
                told,
                ha="center",
                va="center",
                fontsize=SMALL,
                color=text_color(value),
                linespacing=1.0,
            )


def _cross(axes: Axes, found: Sequence[Sequence[list[float]]]) -> None:
    """A cross in each cell that some seeds lost, larger for more of them."""
    at, marks = [], []
    for place, row in enumerate(found):
        for column, ratios in enumerate(row):
            if lost := _lost(ratios):
                at.append((float(column), float(place)))
                color = text_color(mean(ratios))
                size = 1.5 + 2.5 * lost / len(ratios)
                marks.append(cross(color, size))
    points(axes, at, marks)


def _lost(ratios: Sequence[float]) -> int:
    return sum(ratio < LOST_BELOW for ratio in ratios)


def _name(axes: Axes, rows: Sequence[Row], labels: Sequence[str], numbers: Sequence[int]) -> None:
    axes.set_yticks([])
    for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
        va, down = beside(label)
        axes.annotate(
            label, (0, place), (-4, -down), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va=va, fontsize=PLAIN, style="italic" if row.control else "normal",
            linespacing=1.0, annotation_clip=False,
        )  # fmt: skip
    every = max(1, math.ceil(len(numbers) / _TICKS))
    axes.set_xticks(range(0, len(numbers), every), [str(number) for number in numbers[::every]])
    first = next((place for place, row in enumerate(rows) if row.control), 0)
    if first:
        axes.axhline(first - 0.5, color=INK, linewidth=1.2)


def _numbers(shares: Shares, rows: Sequence[Row], numbers: Sequence[int]) -> Iterator[Mapping[str, object]]:
    for row in rows:
        for number in numbers:
            found = list(shares.found.get((row.model, number), {}).values())
            if found:
                yield {
                    "model": text(row.model), "control": row.control, "mode": number,
                    "reference": shares.reference[number], "mean": mean(found), "low": min(found),
                    "high": max(found), "n": len(found), "lost": _lost(shares.ratios(row.model, number)),
                }  # fmt: skip
