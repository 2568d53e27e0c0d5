"""Samples in the plane over the true modes: one panel a model, or a seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genbench.report.figures.figure import new_figure, save_png, style
from genbench.report.figures.palette import CONTROL_COLOR
from genbench.report.folding import fold
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 5
_SIDE = 2.1  # inches of a panel
_MARGIN = 0.25  # of the data's extent, around it
_TITLE_WIDTH = 24
_COLOR, _MODES = "#0173b2", "#d55e00"


def write_scatter(
    path: Path,
    samples: Mapping[str, NDArray[np.float32]],
    *,
    real: NDArray[np.float32] | None = None,
    centers: NDArray[np.float64] | None = None,
    radius: float = 0.0,
    title: str = "",
) -> None:
    """Write a PNG of points (N, 2), one panel for each entry, in the order given.

    All panels have one scale, that of the real points and modes, with a margin; how many samples lie outside
    is said in the panel. Of points in more dimensions the first two are shown.

    Args:
        path: the file.
        samples: a label to (N, D) points.
        real: real points, to set the scale; by default the samples do.
        centers: (K, D) true modes, drawn as circles.
        radius: of those circles: within it a sample is of high quality.
        title: a line above.

    Raises:
        ValueError: nothing to show, or points of fewer than two coordinates.
        OutputError: the file cannot be written.
    """
    if not samples:
        raise ValueError("no points to show: give at least one model's samples.")
    if any(points.ndim != 2 or points.shape[1] < 2 for points in samples.values()):
        raise ValueError("a scatter plot needs points (N, D) with D of at least 2.")
    left, right, bottom, top = _frame(list(samples.values()) if real is None else [real], centers)
    columns = min(_COLUMNS, len(samples))
    rows = math.ceil(len(samples) / columns)
    with style():
        figure = new_figure(_SIDE * columns + 0.4, (_SIDE + 0.35) * rows + (0.35 if title else 0.0))
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes, (label, points) in zip(grid.flat, samples.items(), strict=False):
            if centers is not None:
                _draw_modes(axes, centers, radius)
            inside = (
                (points[:, 0] >= left)
                & (points[:, 0] <= right)
                & (points[:, 1] >= bottom)
                & (points[:, 1] <= top)
            )
            axes.scatter(points[inside, 0], points[inside, 1], s=2.0, alpha=0.35, color=_COLOR, linewidths=0)
            axes.set_title(fold(clean(label), _TITLE_WIDTH), fontsize=9)
            if outside := int((~inside).sum()):
                text = f"{100 * outside / len(points):.2g} % outside"
                axes.text(0.03, 0.03, text, transform=axes.transAxes, fontsize=6.5, color=CONTROL_COLOR)
        for axes in grid.flat:
            axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
            axes.tick_params(labelsize=6.5)
        for axes in list(grid.flat)[len(samples) :]:
            axes.remove()
        if title:
            figure.suptitle(clean(title), fontsize=10, fontweight="bold")
    save_png(figure, path)


def _draw_modes(axes: Axes, centers: NDArray[np.float64], radius: float) -> None:
    """Circles no smaller than can be seen: on the scale of the whole a mode may be a pixel wide."""
    from matplotlib.collections import EllipseCollection

    axes.scatter(centers[:, 0], centers[:, 1], s=42, facecolors="none", edgecolors=_MODES, linewidths=0.8)
    size = np.full(len(centers), 2 * radius)
    axes.add_collection(
        EllipseCollection(
            size,
            size,
            np.zeros(len(centers)),
            units="xy",
            offsets=centers[:, :2],
            transOffset=axes.transData,
            facecolors="none",
            edgecolors=_MODES,
            linewidths=0.5,
            zorder=3,
        )
    )


def _frame(
    clouds: list[NDArray[np.float32]], centers: NDArray[np.float64] | None
) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of all panels: a square around everything finite."""
    every = [cloud[:, :2].astype(np.float64) for cloud in clouds] + (
        [] if centers is None else [centers[:, :2]]
    )
    points = np.concatenate(every)
    points = points[np.isfinite(points).all(axis=1)]
    low, high = (points.min(axis=0), points.max(axis=0)) if len(points) else (np.zeros(2), np.ones(2))
    middle = (low + high) / 2
    half = max(float((high - low).max()) / 2, 1e-6) * (1 + _MARGIN)
    return (
        float(middle[0] - half),
        float(middle[0] + half),
        float(middle[1] - half),
        float(middle[1] + half),
    )
