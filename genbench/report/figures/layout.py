"""Panels on a sheet, placed by measured text: no trial drawing, and nothing outside of the canvas."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from genbench.report.figures.figure import PLAIN, new_figure, quiet
from genbench.report.folding import fold
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.0
"""Inches: the text of a page, or both columns of one."""

_EDGE = 0.08  # inches that stay empty around everything
_LINE = 0.125  # inches from one line of plain text to the next
_TITLE = 8.5  # points
_HANDLE = 0.34  # inches of a mark in a legend, with the space after it
_ENTRY_GAP = 0.04  # inches between entries of a legend
_NAME_WIDTH = 30  # columns, before a name is folded
_NAME_LONGEST = 48  # columns, before its middle is left out


@dataclass(frozen=True, slots=True)
class Room:
    """Inches around panels.

    Attributes:
        left: for labels before the first panel of a line.
        between: for labels before each other one.
        right: after the last panel of a line.
        above: for a title of each panel.
        below: for tick labels and the axis' label.
    """

    left: float
    between: float = 0.2
    right: float = 0.12
    above: float = 0.06
    below: float = 0.38


Entry = tuple[Mapping[str, Any], str]
"""Settings of a mark or a line, and what it stands for."""


def sheet(
    title: str,
    count: int,
    columns: int,
    height: float,
    room: Room,
    legend: Sequence[Entry] = (),
    *,
    width: float = WIDTH,
    tail: float = 0.0,
) -> tuple[Figure, list[Axes]]:
    """A figure with a title, panels in lines, and a legend below them.

    Args:
        title: folded where it is too long.
        count: of panels.
        columns: panels in a line, at most.
        height: of a panel, in inches.
        room: around panels.
        legend: entries, in as many columns as there is room for.
        width: of the figure, in inches.
        tail: inches that stay empty below everything.

    Returns:
        The figure, and its panels in reading order.
    """
    columns = min(columns, count)
    lines = math.ceil(count / columns)
    heading = wrapped(title, width - 2 * _EDGE, _TITLE, bold=True)
    top = _EDGE + (1 + heading.count("\n")) * 1.2 * _TITLE / 72 + 0.06
    in_columns = _in_columns(legend, width)
    legend_height = max((sum(map(_entry_height, column)) for column in in_columns), default=0.0)
    step = room.above + height + room.below
    total = top + lines * step + legend_height + tail + _EDGE
    figure = new_figure(width, total, constrained=False)
    figure.text(
        _EDGE / width, 1 - _EDGE / total, heading, ha="left", va="top", fontweight="bold", fontsize=_TITLE
    )
    wide = (width - room.left - room.right - (columns - 1) * room.between) / columns
    panels = []
    for place in range(count):
        line, column = divmod(place, columns)
        left = room.left + column * (wide + room.between)
        bottom = total - top - line * step - room.above - height
        panels.append(figure.add_axes((left / width, bottom / total, wide / width, height / total)))
    _draw_legend(figure, in_columns, width, legend_height + _EDGE, total)
    return figure, panels


def _in_columns(legend: Sequence[Entry], width: float) -> list[list[Entry]]:
    """Entries in as many columns as there is room for, filled one after the other."""
    for lines in range(1, len(legend) + 1):
        columns = [list(legend[start : start + lines]) for start in range(0, len(legend), lines)]
        if len(columns) == 1 or sum(map(_column_width, columns)) <= width - _EDGE:
            return columns
    return []


def _column_width(column: Sequence[Entry]) -> float:
    return max(text_width(label) for _, label in column) + _HANDLE + 0.15


def _entry_height(entry: Entry) -> float:
    return (1 + entry[1].count("\n")) * _LINE + _ENTRY_GAP


def _draw_legend(
    figure: Figure, columns: Sequence[Sequence[Entry]], width: float, top: float, total: float
) -> None:
    """Columns of entries, from ``top`` inches down; set by hand, which is quicker than a legend."""
    from matplotlib.lines import Line2D

    left = _EDGE
    for column in columns:
        level = top
        for settings, label in column:
            middle = level - _entry_height((settings, label)) / 2
            level -= _entry_height((settings, label))
            x = [(left + part * (_HANDLE - 0.08)) / width for part in (0.0, 0.5, 1.0)]
            line = Line2D(
                x, [middle / total] * 3, **{**settings, "markevery": [1]}, transform=figure.transFigure,
                figure=figure,
            )  # fmt: skip
            figure.add_artist(line)
            va, down = beside(label)
            figure.text(
                (left + _HANDLE) / width,
                (middle - down / 72) / total,
                label,
                va=va,
                fontsize=PLAIN,
                linespacing=1.0,
            )
        left += _column_width(column)


def beside(label: str) -> tuple[Literal["baseline", "center"], float]:
    """How a label is set beside a mark: its alignment, and how many points below the mark's middle.

    One line stands on its baseline, so that names with and without letters that reach down are level.
    """
    return ("center", 0.8) if "\n" in label else ("baseline", 0.3 * PLAIN)


def text_width(text: str, size: float = PLAIN, *, bold: bool = False) -> float:
    """Inches of the widest line of a text."""
    return max((_line_width(line, bold) for line in text.split("\n")), default=0.0) * size / 72


@lru_cache(maxsize=4096)
def _line_width(line: str, bold: bool) -> float:
    """In units of the letters' size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=10)
    with quiet():
        return float(text_to_path.get_text_width_height_descent(line, font, False)[0]) / 10


def wrapped(text: str, width: float, size: float = PLAIN, *, bold: bool = False) -> str:
    """A text on as many lines as it needs to be no wider than so many inches."""
    lines: list[str] = []
    for part in text.split("\n"):
        letters = max(8, int(len(part) * width / max(text_width(part, size, bold=bold), 1e-6)))
        while text_width(folded := fold(part, letters), size, bold=bold) > width and letters > 8:
            letters -= 2
        lines.append(folded)
    return "\n".join(lines)


def name_of(model: str) -> str:
    """A name as it is drawn: harmless, its middle left out where it is very long, folded."""
    text = clean(model) or "?"
    if len(text) > _NAME_LONGEST:
        half = (_NAME_LONGEST - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return fold(text, _NAME_WIDTH)
