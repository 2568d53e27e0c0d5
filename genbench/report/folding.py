"""Long names on several lines, in tables and on axes."""

from __future__ import annotations

import re

from rich.cells import cell_len

_PIECE = re.compile(r"[^_\-./: ]*[_\-./: ]?")


def fold(name: str, width: int) -> str:
    """Break a name into lines of at most ``width`` columns, after a joining sign where there is one."""
    lines = [""]
    for piece in filter(None, _PIECE.findall(name)):
        long = cell_len(piece) > width
        if long and lines[-1]:
            lines.append("")
        # letter by letter, not by rich's chop_cells, which drops a mark that has no letter before it
        for part in piece if long else [piece]:
            if cell_len(lines[-1] + part) > width:
                lines.append("")
            lines[-1] += part
    return "\n".join(lines)
