"""Figures without a display: drawn by Agg objects, in seaborn's style, written whole or not at all."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genbench.store.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["svg", "pdf", "png"]

INK, PAPER, GRID, GREY = "#262626", "#ffffff", "#e3e3e3", "#5a5a5a"
"""Of text and axes, of what is hollow, of the grid, and of controls. A page turns them for dark screens."""

_DPI = 160
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
}
_THEME = {
    INK: ("ink", "#dedede"),
    PAPER: ("paper", "#16181b"),
    GRID: ("grid", "#3a3d42"),
    GREY: ("grey", "#a8a8a8"),
}
_FAMILIES = "'DejaVu Sans', Verdana, sans-serif"


@contextmanager
def style() -> Iterator[None]:
    """Draw and save inside this: the settings end with it, and nobody else's are changed."""
    import matplotlib as mpl
    import seaborn as sns

    settings = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("paper"),
        "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so every machine draws the same
        "text.parse_math": False,  # a name with dollar signs is a name, not a formula
        "svg.hashsalt": "genbench",  # the same records make the same file
        "pdf.fonttype": 42,  # journals take no type 3 fonts
        "hatch.linewidth": 0.8,
        "grid.color": GRID,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "figure.constrained_layout.wspace": 0.05,
        "axes.titleweight": "bold",
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a name in another script is still a name
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, that no window and no global state knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
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
    text = _rendered(figure, "svg", text_as_text=True).decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), text)
    text = re.sub(r"(font(?:-family)?: [^;\"]*?)'DejaVu Sans'[^;\"]*", rf"\1{_FAMILIES}", text)
    for color, (name, _) in _THEME.items():
        text = text.replace(f": {color}", f": var(--{name})")
    head = f"<title>{escape(title)}</title>" if title else ""
    return re.sub(r">\s*\n\s*", ">", re.sub(r"(<svg[^>]*>)", rf"\1{head}{_sheet()}", text, count=1))


def _sheet() -> str:
    bright = "".join(f"--{name}:{color};" for color, (name, _) in _THEME.items())
    dark = "".join(f"--{name}:{color};" for name, color in _THEME.values())
    return (
        f"<style>:root{{{bright}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"@media print{{:root{{{bright}}}}}</style>"
    )


def _rendered(figure: Figure, kind: Format, *, text_as_text: bool = False) -> bytes:
    import matplotlib as mpl

    buffer = io.BytesIO()
    with style(), mpl.rc_context({"svg.fonttype": "none" if text_as_text else "path"}):
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=_METADATA[kind], transparent=text_as_text)
    return buffer.getvalue()
