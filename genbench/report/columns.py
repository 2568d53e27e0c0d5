"""Columns of text for a terminal: fitted to its width by moving to another part, numbers never wrapped."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Drawn:
    """A column with its texts ready: heading and cells, lines separated by line ends."""

    heading: str
    cells: tuple[Text, ...]
    width: int


def draw(heading: str, cells: Iterable[Text | str]) -> Drawn:
    """A column as wide as its widest line."""
    texts = tuple(Text(cell) if isinstance(cell, str) else cell for cell in cells)
    return Drawn(heading, texts, max(widest(text) for text in (heading, *(cell.plain for cell in texts))))


def widest(text: str) -> int:
    """Columns that the longest line takes."""
    return max((cell_len(line) for line in text.split("\n")), default=0)


def pack(columns: Sequence[Drawn], room: int, gap: int) -> list[list[Drawn]]:
    """As few parts as hold all columns in order, each at most ``room`` wide with ``gap`` before a column."""
    parts: list[list[Drawn]] = []
    left = 0
    for column in columns:
        if not parts or column.width + gap > left:
            parts.append([])
            left = room
        parts[-1].append(column)
        left -= column.width + gap
    return parts


def pack_evenly(columns: Sequence[Drawn], room: int, gap: int) -> list[list[Drawn]]:
    """The same in parts of even widths: no lone column at the end."""
    parts = pack(columns, room, gap)
    while len(narrower := pack(columns, room - 1, gap)) == len(parts) and room > 0:
        parts, room = narrower, room - 1
    return parts


def align_right(text: Text, width: int) -> Text:
    """Each line moved to the right edge of ``width`` columns, blanks at its end included.

    Rich would drop these, and with them the place that a number without a mark behind it has in its column.
    """
    lines = text.split("\n", allow_blank=True)
    for line in lines:
        line.pad_left(width - line.cell_len)
    return Text("\n").join(lines)


def print_all(blocks: Iterable[RenderableType], width: int, *, color: bool) -> str:
    """What a terminal of this width would show, without blanks at the ends of lines."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for block in blocks:
        console.print(block, crop=False, no_wrap=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
