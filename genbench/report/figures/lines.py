"""Rows with names at their left, in inches: one that needs two lines of text is higher than the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genbench.analyse.summary import Row
from genbench.report.figures.axes import tidy
from genbench.report.figures.figure import PLAIN
from genbench.report.figures.layout import beside, name_of, text_width
from genbench.report.figures.palette import CONTROL_COLOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LETTERS = 0.118  # inches of a line of text
_GAP = 0.05  # inches between rows
_PAD = 0.05  # inches between a name and the panel
_ONE_LINE = 34  # letters of a name with what is said beside it

BAR = 0.11
"""Inches of a bar in a row."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows from top to bottom.

    Attributes:
        labels: their names.
        slanted: which of them are controls, set in italics below a line.
        centres: inches below the top.
        height: of all of them, in inches.
    """

    labels: tuple[str, ...]
    slanted: tuple[bool, ...]
    centres: tuple[float, ...]
    height: float

    @property
    def left(self) -> float:
        """Inches that the names take."""
        return max(map(text_width, self.labels), default=0.0) + 2 * _PAD + 0.03


def lines_of(labels: Sequence[str], slanted: Sequence[bool] = (), least: float = 0.0) -> Lines:
    """Place rows one below the other.

    Args:
        labels: of one or several lines of text.
        slanted: which of them are controls; none if not given.
        least: inches of a row, at least.
    """
    heights = [max(least, height_of(label)) for label in labels]
    centres = tuple(sum(heights[:place]) + height / 2 for place, height in enumerate(heights))
    return Lines(tuple(labels), tuple(slanted) or (False,) * len(labels), centres, max(0.4, sum(heights)))


def height_of(label: str) -> float:
    """Inches of a row with this name, so that it touches no other."""
    return _GAP + _LETTERS * (1 + label.count("\n"))


def model_lines(rows: Sequence[Row], least: float = 0.0) -> Lines:
    """Rows of models and controls."""
    return lines_of([label_of(row) for row in rows], [row.control for row in rows], least)


def label_of(row: Row) -> str:
    """A row's name, and how many of its seeds came to an end where some did not."""
    name = name_of(row.model)
    if row.control or row.counts.done == row.counts.asked:
        return name
    beside = f"({row.counts.done} of {row.counts.asked} seeds)"
    return (
        f"{name} {beside}"
        if len(name) + len(beside) < _ONE_LINE and "\n" not in name
        else f"{name}\n{beside}"
    )


def draw_lines(axes: Axes, lines: Lines, *, named: bool) -> None:
    """Set a panel to rows: its vertical unit is an inch from the top.

    Args:
        axes: the panel.
        lines: its rows.
        named: whether names are written; panels beside it share those of the first.
    """
    axes.set_ylim(lines.height, 0)
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    for label, slanted, centre in (
        zip(lines.labels, lines.slanted, lines.centres, strict=True) if named else ()
    ):
        va, down = beside(label)
        axes.annotate(
            label, (0, centre), (-_PAD * 72, -down), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va=va, fontsize=PLAIN,
            style="italic" if slanted else "normal", linespacing=1.0, annotation_clip=False,
        )  # fmt: skip
    if any(lines.slanted) and not lines.slanted[0]:
        first = lines.slanted.index(True)
        between = (lines.centres[first - 1] + lines.centres[first]) / 2
        axes.axhline(between, color=CONTROL_COLOR, linewidth=0.7)
    tidy(axes, left=False)
