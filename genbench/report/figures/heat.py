"""Shares as colors: white where a mode is lost, darker the more samples there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genbench.report.figures.figure import SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

MOST = 2.0
"""Times the reference's share: what is above is drawn as dark as this."""

SCALE_HEIGHT = 0.52
"""Inches for the scale of the colors, below everything."""

DARK_TEXT, LIGHT_TEXT = "#101010", "#fdfdfd"
_LIGHT_FROM = 0.7  # of the scale: there light text can be read better
_BEYOND = 1e9  # times any share: a damaged record, which would overflow
_MOST_VECTORS = 300  # cells; more are drawn as a picture, which is smaller
_MOST_EDGES = 25  # rows or columns; of more, white edges would be most of what is seen
_NOTHING = "#bdbdbd"  # where neither the samples nor the reference have a share


def mesh(axes: Axes, ratios: NDArray[np.float64], *, cells: int) -> None:
    """Draw (rows, columns) multiples of the right share; rows are at 0, 1, ... from the top.

    Args:
        axes: the panel.
        ratios: what to draw, NaN where there is none.
        cells: of all panels of the figure.
    """
    rows, columns = ratios.shape
    shown = np.ma.masked_invalid(ratios).clip(0, 2 * MOST)
    colors = _colormap()
    if cells <= _MOST_VECTORS and max(rows, columns) <= _MOST_EDGES:
        axes.pcolormesh(
            np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5, shown,
            edgecolors="#ffffff", linewidth=0.6, cmap=colors, vmin=0.0, vmax=MOST,
        )  # fmt: skip
    else:
        axes.imshow(shown, aspect="auto", interpolation="none", cmap=colors, vmin=0.0, vmax=MOST)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def text_color(ratio: float) -> str:
    """What can be read on a cell."""
    return LIGHT_TEXT if ratio > _LIGHT_FROM * MOST else DARK_TEXT


def scale_bar(figure: Figure, left: float) -> None:
    """A scale of the colors at the bottom, from so many inches on."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, 0.4 / height, 2.8 / width, 0.09 / height))
    axes.imshow(np.linspace(0, MOST, 200)[None], aspect="auto", cmap=_colormap(), extent=(0, MOST, 0, 1))
    axes.set_yticks([])
    axes.set_xticks([0, 0.5, 1, 1.5, 2], ["0", "½", "1", "1½", "≥ 2"], fontsize=SMALL)
    axes.grid(visible=False)
    axes.set_xlabel("share of samples ÷ share in the reference (1 is right)", fontsize=SMALL)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _colormap() -> Colormap:
    """From nearly white to dark, evenly in lightness, so that grey print shows it too.

    The palette's lightest shade stands at about a tenth: what fades from it to white counts as lost.
    """
    import seaborn as sns
    from matplotlib.colors import LinearSegmentedColormap

    shades = [(0.985, 0.985, 0.975), *sns.color_palette("mako_r", 256)[:190:10]]
    return LinearSegmentedColormap.from_list("share", shades).with_extremes(bad=_NOTHING)


def mean(values: Sequence[float]) -> float:
    """The mean of shares or their multiples, or NaN."""
    return float(np.clip(values, -_BEYOND, _BEYOND).mean()) if values else math.nan
