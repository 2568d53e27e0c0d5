"""Figures without a display: drawn by Agg objects, in seaborn's style, written whole or not at all."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genbench.report.figures.themed import GRID, INK, themed
from genbench.store.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["svg", "pdf", "png"]

SMALL, PLAIN = 7.0, 7.5
"""Sizes of letters in points: nothing is smaller than the first when a figure is as wide as a page's text."""

_DPI = 200
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save inside this: the settings end with it, and nobody else's are changed."""
    import matplotlib as mpl
    import seaborn as sns

    settings = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("paper"),
        "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that every machine draws the same
        "text.parse_math": False,  # a name with dollar signs is a name, not a formula
        "svg.hashsalt": "genbench",  # the same records make the same file
        "pdf.fonttype": 42,  # journals take no type 3 fonts
        "hatch.linewidth": 0.8,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        "axes.edgecolor": "#9a9a9a",
        "axes.linewidth": 0.7,
        "axes.labelpad": 2.5,
        "axes.titlepad": 4.0,
        "axes.titley": 1.0,  # else its place is looked for at every drawing
        "axes.titleweight": "bold",
        **dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize"), PLAIN + 0.5),
        **dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), PLAIN),
        **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 0.0),
        **dict.fromkeys(("xtick.major.pad", "ytick.major.pad"), 2.5),
    }
    with mpl.rc_context(settings), quiet():
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """No warning of letters that the font has not: a name in another script is still a name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        yield


def new_figure(width: float, height: float, *, constrained: bool = True) -> Figure:
    """An empty figure, sizes in inches, that no window and no global state knows of.

    Args:
        width: in inches.
        height: in inches.
        constrained: whether matplotlib finds room for everything; that costs as much as drawing it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained" if constrained else None)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, stem: Path, kinds: Sequence[Format]) -> list[Path]:
    """Write ``stem`` in each of these formats.

    Raises:
        OutputError: it cannot be written.
    """
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]
    for path, kind in zip(paths, kinds, strict=True):
        write_bytes(path, _rendered(figure, kind))
    return paths


def save_png(figure: Figure, path: Path) -> None:
    """Write ``path`` as PNG: for what has thousands of marks.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, _rendered(figure, "png"))


def as_svg(figure: Figure, title: str = "") -> str:
    """The figure as SVG for a page: small, text as text, colours that follow a dark screen, no paper.

    Args:
        figure: drawn inside ``style``.
        title: what it shows, for those who do not see it.
    """
    return themed(_rendered(figure, "svg", for_page=True).decode("utf-8"), title)


def _rendered(figure: Figure, kind: Format, *, for_page: bool = False) -> bytes:
    import matplotlib as mpl

    buffer = io.BytesIO()
    with style(), mpl.rc_context({"svg.fonttype": "none" if for_page else "path"}):
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=_METADATA[kind], transparent=for_page)
    return buffer.getvalue()
