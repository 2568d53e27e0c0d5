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
_TAG = re.compile(r"<(?!image)[^>]*>")  # not that of a picture in itself, whose letters are its content
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_FONTS = re.compile(r"(font(?:-family)?: [^;\"]*?)'DejaVu Sans'[^;\"]*")
_NAME = re.compile(r' id="(?:text|line2d|patch|xtick|ytick|matplotlib\.axis)_\d+"')
_NO_TURN = re.compile(r' transform="rotate\(-?0 [^"]*\)"')


def themed(svg: str, title: str) -> str:
    """Rewrite what matplotlib wrote. What is inside of tags is made smaller; what stands between is text.

    Args:
        svg: a whole file, its text as text.
        title: read out where the picture is not seen.
    """
    svg = svg[svg.index("<svg") :].rstrip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = _TAG.sub(lambda tag: _smaller(tag[0]), svg)
    svg = re.sub(r">\s*\n\s*<", "><", svg)
    head = f"<title>{escape(title)}</title>{_style_sheet()}"
    return re.sub(r"<svg[^>]*>", lambda opening: opening[0] + head, svg, count=1)


def _smaller(tag: str) -> str:
    tag = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag)
    tag = _FONTS.sub(rf"\1{_FAMILIES}", tag)
    tag = _NO_TURN.sub("", _NAME.sub("", tag))
    for color, (name, _) in _THEME.items():
        tag = tag.replace(f": {color}", f": var(--{name})")
    return re.sub(r"\s*\n\s*", " ", tag)


def _style_sheet() -> str:
    bright = "".join(f"--{name}:{color};" for color, (name, _) in _THEME.items())
    dark = "".join(f"--{name}:{color};" for name, color in _THEME.values())
    return (
        f"<style>:root{{{bright}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"@media print{{:root{{{bright}}}}}</style>"
    )
