"""An SVG of matplotlib made fit for a page: smaller, with a title, and legible on a dark screen."""

from __future__ import annotations

import re
from html import escape

INK, PAPER, GRID, GREY = "#262626", "#fffffe", "#e3e3e3", "#5a5a5a"
"""Of text, of what is hollow, of the grid, and of controls. Nothing else may have these very colours."""

_THEME = {
    INK: ("ink", "#dedede"),
    PAPER: ("paper", "#16181b"),
    GRID: ("grid", "#3a3d42"),
    GREY: ("grey", "#a8a8a8"),
}
_FAMILIES = "'DejaVu Sans', Verdana, sans-serif"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_FONTS = re.compile(r"(font(?:-family)?: [^;\"]*?)'DejaVu Sans'[^;\"]*")
_IMAGE = re.compile(r'(xlink:href="data:[^"]*")')


def themed(svg: str, title: str) -> str:
    """Rewrite what matplotlib wrote.

    Args:
        svg: a whole file, its text as text.
        title: read out where the picture is not seen.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    pieces = _IMAGE.split(svg)  # every second one is a picture in itself, of which nothing may change
    svg = "".join(piece if place % 2 else _smaller(piece) for place, piece in enumerate(pieces))
    head = f"<title>{escape(title)}</title>{_style_sheet()}"
    return re.sub(r"<svg[^>]*>", lambda opening: opening[0] + head, svg, count=1)


def _smaller(svg: str) -> str:
    svg = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), svg)
    svg = _FONTS.sub(rf"\1{_FAMILIES}", svg)
    svg = re.sub(r' id="(?:text|line2d|patch|xtick|ytick|matplotlib\.axis)_\d+"', "", svg)
    svg = re.sub(r' transform="rotate\(-?0 [^"]*\)"', "", svg)
    for color, (name, _) in _THEME.items():
        svg = svg.replace(f": {color}", f": var(--{name})")
    return re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><")


def _style_sheet() -> str:
    bright = "".join(f"--{name}:{color};" for color, (name, _) in _THEME.items())
    dark = "".join(f"--{name}:{color};" for name, color in _THEME.values())
    return (
        f"<style>:root{{{bright}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"@media print{{:root{{{bright}}}}}</style>"
    )
