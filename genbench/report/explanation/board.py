"""Pictures in rows, with words beside, above and under them: one drawing, measured in inches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genbench.report.explanation.content import Images
from genbench.report.figures.figure import PLAIN, SMALL, new_figure
from genbench.report.figures.layout import text_width, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture = NDArray[np.float64]
"""(H, W, 3), 0 to 1."""

SLIM = 3.1
"""Inches: what a phone shows without scrolling."""

_EDGE = 0.08
_TITLE = 8.5  # points
_LINE = 0.125  # inches from one line of plain text to the next
_GAP = 0.04
_SPACE = 0.1  # between a label and its row
_AXIS = 0.32  # for the labels of a panel's axis, which begins half a cell further in


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A picture and what is said under it, in lines."""

    picture: Picture
    under: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Cells with a label before them.

    Attributes:
        label: in lines.
        cells: from left to right.
        before: inches left empty above.
        panel: inches for a panel below, from the middle of the first cell to that of the last.
        aside: cells on either side that the panel leaves out.
    """

    label: str
    cells: Sequence[Cell]
    before: float = 0.0
    panel: float = 0.0
    aside: int = 0


def board(
    title: str, rows: Sequence[Row], columns: Sequence[str], *, cell: float
) -> tuple[Figure, list[Axes]]:
    """Draw rows of pictures.

    Args:
        title: folded where it is too long.
        rows: of equally many cells.
        columns: words above each column; none if empty.
        cell: inches along the wider side of a picture.

    Returns:
        The figure, and the panels of those rows that have one, empty.
    """
    height, width = rows[0].cells[0].picture.shape[:2]
    tall, wide = cell * height / max(height, width), cell * width / max(height, width)
    left = _EDGE + max(text_width(row.label) for row in rows)
    left += _SPACE if left > _EDGE else 0.0
    if any(row.panel for row in rows):
        left = max(left, _AXIS)
    count = max(len(row.cells) for row in rows)
    whole = max(left + count * (wide + _GAP) - _GAP + _EDGE, SLIM)
    heading = wrapped(title, whole - 2 * _EDGE, _TITLE, bold=True)
    top = _EDGE + (1 + heading.count("\n")) * 1.2 * _TITLE / 72 + 0.06
    heads = max((1 + name.count("\n") for name in columns), default=0) * _LINE + (0.04 if columns else 0)
    steps = [_step(row, tall) for row in rows]
    total = top + heads + sum(steps) + _EDGE
    figure = new_figure(whole, total, constrained=False)
    figure.text(
        _EDGE / whole, 1 - _EDGE / total, heading, ha="left", va="top", fontweight="bold", fontsize=_TITLE
    )
    sheet = figure.add_axes((0, 0, 1, 1))
    sheet.set_axis_off()
    sheet.set_xlim(0, whole)
    sheet.set_ylim(total, 0)
    for number, name in enumerate(columns):
        x = left + number * (wide + _GAP) + wide / 2
        sheet.text(x, top + heads - 0.05, name, ha="center", va="bottom", fontsize=SMALL, linespacing=1.0)
    panels = []
    y = top + heads
    for row, step in zip(rows, steps, strict=True):
        upper = y + row.before
        sheet.text(_EDGE, upper + tall / 2, row.label, va="center", fontsize=PLAIN, linespacing=1.1)
        for number, each in enumerate(row.cells):
            x = left + number * (wide + _GAP)
            sheet.imshow(
                each.picture,
                extent=(x, x + wide, upper + tall, upper),
                interpolation="none",
                aspect="auto",
                vmin=0,
                vmax=1,
            )
            sheet.text(
                x + wide / 2,
                upper + tall + 0.03,
                each.under,
                ha="center",
                va="top",
                fontsize=SMALL,
                linespacing=1.05,
            )
        if row.panel:
            first = left + row.aside * (wide + _GAP) + wide / 2
            across = (len(row.cells) - 1 - 2 * row.aside) * (wide + _GAP)
            bottom = y + step - 0.3
            size = row.panel - 0.38
            panels.append(figure.add_axes((first / whole, 1 - bottom / total, across / whole, size / total)))
        y += step
    sheet.set_xlim(0, whole)  # pictures have moved them
    sheet.set_ylim(total, 0)
    return figure, panels


def _step(row: Row, tall: float) -> float:
    """Inches from the top of a row to that of the next."""
    lines = max((1 + cell.under.count("\n") for cell in row.cells if cell.under), default=0)
    under = lines * 0.115 + 0.07 if lines else 0.0
    return row.before + max(tall + under, (1 + row.label.count("\n")) * _LINE) + row.panel + _GAP


def shown(image: Images) -> Picture:
    """An image (C, H, W) as a picture."""
    color = np.broadcast_to(image, (3, *image.shape[1:])) if len(image) == 1 else image
    picture: Picture = np.clip(np.nan_to_num(color), 0, 1).transpose(1, 2, 0).astype(np.float64)
    return picture


def signed(values: NDArray[np.float64], scale: float) -> Picture:
    """Numbers (H, W) on a symmetric scale: red above 0, blue below, white at 0."""
    from matplotlib import colormaps

    share = np.nan_to_num(values) / scale if scale > 0 else np.zeros_like(values)
    picture: Picture = np.asarray(colormaps["RdBu_r"]((1 + np.clip(share, -1, 1)) / 2))[..., :3]
    return picture


def framed(picture: Picture, inside: NDArray[np.bool_]) -> Picture:
    """A picture with an orange line around a region."""
    near = np.zeros_like(inside)
    padded = np.pad(inside, 1)
    for down in range(3):
        for right in range(3):
            near |= padded[down : down + len(inside), right : right + inside.shape[1]]
    marked = picture.copy()
    marked[near & ~inside] = (0.87, 0.56, 0.02)
    return marked
