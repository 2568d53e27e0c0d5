"""Figures without a display: drawn by Agg objects, in seaborn's style, written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.store.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 160


@contextmanager
def style() -> Iterator[None]:
    """Draw and save inside this: the settings end with it, and nobody else's are changed."""
    import matplotlib as mpl
    import seaborn as sns

    settings = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("paper", font_scale=1.05),
        "text.parse_math": False,  # a name with dollar signs is a name, not a formula
        "svg.hashsalt": "genbench",  # the same records make the same file
        "hatch.linewidth": 0.8,
        "grid.color": "#e3e3e3",
        "figure.constrained_layout.wspace": 0.05,
        "axes.titleweight": "bold",
    }
    with mpl.rc_context(settings):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, that no window and no global state knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem`` as PNG and as SVG.

    Raises:
        OutputError: it cannot be written.
    """
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg")]
    for path in paths:
        _write(figure, path, path.suffix[1:])
    return paths


def save_png(figure: Figure, path: Path) -> None:
    """Write ``path`` as PNG: for what has thousands of marks.

    Raises:
        OutputError: it cannot be written.
    """
    _write(figure, path, "png")


def _write(figure: Figure, path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with style():
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=metadata)
    write_bytes(path, buffer.getvalue())
