"""Long names on several lines, in tables and on axes."""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells

_PIECE = re.compile(r"[^_\-./: ]*[_\-./: ]?")


def fold(name: str, width: int) -> str:
    """Break a name into lines of at most ``width`` columns, after a joining sign where there is one."""
    lines = [""]
    for piece in filter(None, _PIECE.findall(name)):
        for chunk in chop_cells(piece, width):
            if cell_len(lines[-1] + chunk) > width:
                lines.append("")
            lines[-1] += chunk
    return "\n".join(lines)
