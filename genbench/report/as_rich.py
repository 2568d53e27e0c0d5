"""Tables for the terminal, fitted to its width: columns move to another part, numbers never wrap."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from genbench.report.folding import fold
from genbench.report.numbers import MISSING, show
from genbench.report.tables import Table, TableCell, TableColumn, TableRow, mark_sign

_GAP = 3  # what rich puts between two columns: padding, separator, padding
_NAME_MOST = 24  # where columns do not fit, a longer name is folded
_NAME_LEAST = 16
_NAME_SHARE = 4  # ... or one that takes more than this part of the width


def render_rich(tables: Sequence[Table], width: int, *, color: bool = False) -> str:
    """Tables as text for a terminal of ``width`` columns; wider only where one number alone needs more."""
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
    for table in tables:
        console.print(_layout(table, width), crop=False, no_wrap=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A column with its texts ready: heading and cells, lines separated by line ends."""

    heading: str
    cells: tuple[str, ...]
    width: int


def _layout(table: Table, width: int) -> RenderableType:
    title = Text(table.title, style="bold")
    blocks: list[RenderableType] = [title, Text(table.caption, style="dim"), Text()]
    for part in _parts(table, width):
        blocks += [_part(table.rows, part), Text()]
    notes = [f"{mark_sign(number)} {reason}" for number, reason in enumerate(table.footnotes, start=1)]
    blocks += [Text(note, overflow="fold", style="dim") for note in (*notes, *table.notes)]
    return Group(*blocks, Text())


def _parts(table: Table, width: int) -> list[list[_Drawn]]:
    """The columns of each part, names first: one part if the width allows, folding names if it must."""
    most = max(_NAME_LEAST, min(_NAME_MOST, width // _NAME_SHARE))
    names = [row.name for row in table.rows]
    full = _draw("model", tuple(names))
    folded = _draw("model", tuple(fold(name, most) for name in names))
    seeds = tuple(f"{row.seeds}{mark_sign(row.seeds_mark)}" for row in table.rows)
    one_line = [_draw("seeds", seeds)] if table.seeded else []
    one_line += [_column(table, index, " ") for index in range(len(table.columns))]
    for model in (full, folded):
        if model.width + sum(_GAP + column.width for column in one_line) <= width:
            return [[model, *one_line]]
    columns = [_draw("seeds", tuple(text.replace(", ", "\n") for text in seeds))] if table.seeded else []
    columns += [_column(table, index, "\n") for index in range(len(table.columns))]
    room = width - folded.width
    parts = _pack(columns, room)
    while len(narrower := _pack(columns, room - 1)) == len(parts) and room > 0:
        parts, room = narrower, room - 1  # parts of even widths: no lone column at the end
    if len(parts) == 1:
        roomy = full.width + sum(_GAP + column.width for column in columns) <= width
        return [[full if roomy else folded, *columns]]
    return [[folded, *part] for part in parts]


def _pack(columns: Sequence[_Drawn], room: int) -> list[list[_Drawn]]:
    """As few parts as hold all columns in order."""
    parts: list[list[_Drawn]] = []
    left = 0
    for column in columns:
        if not parts or column.width + _GAP > left:
            parts.append([])
            left = room
        parts[-1].append(column)
        left -= column.width + _GAP
    return parts


def _part(rows: Sequence[TableRow], columns: Sequence[_Drawn]) -> RichTable:
    grid = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold"
    )
    for index, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if index else "left"
        grid.add_column(Text(column.heading), justify=justify, no_wrap=True, min_width=column.width)
    for index, row in enumerate(rows):
        if row.kind == "control" and index > 0 and rows[index - 1].kind == "model":
            grid.add_section()
        style = "italic" if row.kind == "control" else ""
        grid.add_row(*(Text(column.cells[index], style=style) for column in columns))
    return grid


def _column(table: Table, index: int, between: str) -> _Drawn:
    cells = tuple(_cell_text(row.cells[index], table.columns[index].prefix, between) for row in table.rows)
    column = table.columns[index]
    room = max((_width(cell) for cell in cells), default=0)
    return _draw(_heading(column, room), cells)


def _cell_text(cell: TableCell, prefix: str, between: str) -> str:
    mark = mark_sign(cell.mark)
    if cell.estimate is None:
        return MISSING + mark
    shown = show(cell.estimate, prefix)
    return f"{shown.value}{mark}{between}{shown.interval}".rstrip() if shown.interval else shown.value + mark


def _heading(column: TableColumn, room: int) -> str:
    """The label broken at its spaces where the numbers below are narrower; the unit on a line of its own."""
    words = f"{column.label}\u00a0{column.arrow}" if column.arrow else column.label
    longest = max(map(cell_len, words.split(" ")))
    lines = textwrap.wrap(words, max(room, longest), break_long_words=False, break_on_hyphens=False)
    return "\n".join([*lines, *([column.unit] if column.unit else [])]).replace("\u00a0", " ")


def _draw(heading: str, cells: tuple[str, ...]) -> _Drawn:
    return _Drawn(heading, cells, max(_width(text) for text in (heading, *cells)))


def _width(text: str) -> int:
    return max((cell_len(line) for line in text.split("\n")), default=0)
