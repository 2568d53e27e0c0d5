"""Tables in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from genbench.report.headings import heading_of
from genbench.report.numbers import MISSING, Shown, show
from genbench.report.tables import Table, TableCell, TableColumn, TableRow, mark_sign, rank_sign

# Signs of Markdown, of the HTML inside it and of GitHub's own (mentions, links made of bare addresses);
# the pipe would end a cell.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~$@&]|:(?=//)|(?<=www)\.")


def render_markdown(tables: Sequence[Table]) -> str:
    """Tables as Markdown, each under a heading of its own."""
    return "\n".join(_table(table) for table in tables)


def _table(table: Table) -> str:
    seeds = ["seeds"] if table.seeded else []
    heads = ["model", *seeds, *map(_heading, table.columns)]
    lines = [f"### {escape(table.title)}", "", escape(table.caption), "", _line(heads)]
    lines.append(_line(["---", *("---:" for _ in heads[1:])]))
    lines += [_line(_row(table, row)) for row in table.rows]
    lines.append("")
    lines += [f"- {mark_sign(mark)} {escape(text)}" for mark, text in enumerate(table.footnotes, start=1)]
    lines += [f"- {escape(note)}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(column: TableColumn) -> str:
    return escape(heading_of(column.metric, column.unit, column.better))


def _row(table: Table, row: TableRow) -> list[str]:
    name = f"*{escape(row.name)}* (control)" if row.kind == "control" else escape(row.name)
    seeds = [escape(row.seeds) + mark_sign(row.seeds_mark)] if table.seeded else []
    return [name, *seeds, *map(_cell, table.columns, row.cells)]


def _cell(column: TableColumn, cell: TableCell) -> str:
    shown = show(cell.estimate, column.prefix) if cell.estimate else Shown(MISSING, "")
    value = shown.value + mark_sign(cell.mark)
    if cell.rank:
        value += f" {escape(rank_sign(cell.rank))}"
    if cell.rank == 1:
        value = f"**{value}**"
    return f"{value} {escape(shown.interval)}".rstrip()


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in a cell of a table as well."""
    return _SPECIAL.sub(r"\\\g<0>", text)
