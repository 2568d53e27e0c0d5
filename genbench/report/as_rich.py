"""Tables for the terminal, fitted to its width: columns move to another part, numbers never wrap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from genbench.report.columns import Drawn, align_right, draw, pack_evenly, print_all, widest
from genbench.report.folding import fold
from genbench.report.numbers import MISSING, show
from genbench.report.tables import Table, TableCell, TableRow, heading_lines, mark_sign, rank_sign

_GAP = 3  # what rich puts between two columns: padding, separator, padding
_NAME_MOST = 24  # where columns do not fit, a longer name is folded
_NAME_LEAST = 16
_NAME_SHARE = 4  # ... or one that takes more than this part of the width


def render_rich(tables: Sequence[Table], width: int, *, color: bool = False) -> str:
    """Tables as text for a terminal of ``width`` columns; wider only where one number alone needs more."""
    return print_all((block for table in tables for block in _layout(table, width)), width, color=color)


def _layout(table: Table, width: int) -> Iterator[RenderableType]:
    yield from (Text(table.title, style="bold"), Text(table.caption, style="dim"), Text())
    for part in _parts(table, width):
        yield from (_part(table.rows, part), Text())
    notes = [f"{mark_sign(number)} {reason}" for number, reason in enumerate(table.footnotes, start=1)]
    yield from (Text(note, overflow="fold", style="dim") for note in (*notes, *table.notes))
    yield Text()


def _parts(table: Table, width: int) -> list[list[Drawn]]:
    """The columns of each part, names first: one part if the width allows, folding names if it must."""
    most = max(_NAME_LEAST, min(_NAME_MOST, width // _NAME_SHARE))
    names = [row.name for row in table.rows]
    full = draw("model", names)
    folded = draw("model", [fold(name, most) for name in names])
    seeds = [f"{row.seeds}{mark_sign(row.seeds_mark)}" for row in table.rows]
    one_line = [draw("seeds", seeds)] if table.seeded else []
    one_line += [_column(table, index, " ") for index in range(len(table.columns))]
    for model in (full, folded):
        if model.width + sum(_GAP + column.width for column in one_line) <= width:
            return [[model, *one_line]]
    columns = [draw("seeds", [text.replace(", ", "\n") for text in seeds])] if table.seeded else []
    columns += [_column(table, index, "\n") for index in range(len(table.columns))]
    parts = pack_evenly(columns, width - folded.width, _GAP)
    if len(parts) == 1:
        roomy = full.width + sum(_GAP + column.width for column in columns) <= width
        return [[full if roomy else folded, *columns]]
    return [[folded, *part] for part in parts]


def _part(rows: Sequence[TableRow], columns: Sequence[Drawn]) -> RichTable:
    grid = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold"
    )
    name, *others = columns
    grid.add_column(Text(name.heading), no_wrap=True, min_width=name.width)
    for column in others:
        heading = align_right(Text(column.heading), column.width)
        grid.add_column(heading, no_wrap=True, min_width=column.width)
    for index, row in enumerate(rows):
        if row.kind == "control" and index > 0 and rows[index - 1].kind == "model":
            grid.add_section()
        cells = [name.cells[index], *(align_right(each.cells[index], each.width) for each in others)]
        grid.add_row(*cells, style="italic" if row.kind == "control" else "")
    return grid


def _column(table: Table, index: int, between: str) -> Drawn:
    column = table.columns[index]
    ranks = [rank_sign(row.cells[index].rank) for row in table.rows]
    room = max(map(len, ranks), default=0)
    cells = [
        _cell_text(row.cells[index], column.prefix, between, rank.ljust(room))
        for row, rank in zip(table.rows, ranks, strict=True)
    ]
    room = max((widest(cell.plain) for cell in cells), default=0)
    return draw("\n".join(heading_lines(column, room)), cells)


def _cell_text(cell: TableCell, prefix: str, between: str, rank: str) -> Text:
    """The number, its rank and its interval; ``rank`` is as wide as the longest of the column."""
    value, interval = MISSING, ""
    if cell.estimate is not None:
        shown = show(cell.estimate, prefix)
        value, interval = shown.value, shown.interval
    style = "bold" if cell.rank == 1 else ""
    value += mark_sign(cell.mark)
    gap = " " if rank else ""
    if not interval or between == "\n":
        return Text.assemble((value + gap + rank, style), between if interval else "", interval)
    return Text.assemble((value, style), between, interval, gap, (rank, style))
