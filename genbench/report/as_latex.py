"""Tables in LaTeX, for papers; they need the package booktabs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from genbench.report.columns import Drawn, pack_evenly
from genbench.report.folding import fold
from genbench.report.latex_text import (
    escape,
    footnote_mark,
    footnotes,
    notes_to,
    number,
    row_lines,
    slug,
    small,
)
from genbench.report.numbers import MISSING, Shown, show
from genbench.report.tables import Table, TableRow, heading_lines, rank_sign

_ROOM = 86
"""Letters in a line of ``\\footnotesize`` that is 345 pt wide, as in articles; wider tables are split."""

_GAP = 2  # what separates two columns, in letters
_SMALLER = 0.82  # a letter of an interval below its number, in letters of the number
_NAME_MOST = 24  # a longer name is folded where the table is too wide


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as LaTeX: the lines of its heading and of its cells, and its width in letters."""

    heading: list[str]
    cells: list[list[str]]
    width: int


def render_latex(tables: Sequence[Table]) -> str:
    """Tables as LaTeX floats in booktabs' style, none wider than the text of an article."""
    labels: list[str] = []
    for table in tables:
        stem = "tab:" + "-".join(map(slug, (table.dataset, table.group)))
        known = sum(re.fullmatch(rf"{re.escape(stem)}(?:-\d+)?", label) is not None for label in labels)
        labels.append(f"{stem}-{known + 1}" if known else stem)
    floats = [_table(table, label) for table, label in zip(tables, labels, strict=True)]
    return "\n".join(["% needs \\usepackage{booktabs}", *floats])


def _table(table: Table, label: str) -> str:
    caption = table.caption[:1].upper() + table.caption[1:]
    lines = [
        r"\begin{table}",
        r"  \centering\footnotesize",
        r"  \setlength{\tabcolsep}{4pt}",
        rf"  \caption{{{escape(table.title)}. {escape(caption)}.}}",
        rf"  \label{{{label}}}",
    ]
    for place, part in enumerate(_parts(table)):
        if place:
            lines.append(r"  \par\medskip")
        lines += _part(table.rows, part)
    lines += footnotes(table.footnotes)
    lines.append(r"\end{table}")
    return "\n".join([*lines, *notes_to([label], table.notes), ""])


def _parts(table: Table) -> list[list[_Column]]:
    """The columns of each part, names first.

    One part if its intervals fit beside the numbers, if they must with folded names; else intervals stand
    below the numbers, in as few parts as that takes.
    """
    names = [_names(table.rows, most) for most in (None, _NAME_MOST)]
    for stacked in (False, True):
        columns = [_seeds(table.rows, stacked)] if table.seeded else []
        columns += [_numbers(table, index, stacked) for index in range(len(table.columns))]
        for name in names:
            if name.width + sum(_GAP + column.width for column in columns) <= _ROOM:
                return [[name, *columns]]
    sizes = [Drawn("", (), column.width) for column in columns]
    rest = iter(columns)
    parts = pack_evenly(sizes, _ROOM - names[1].width, _GAP)
    return [[names[1], *islice(rest, len(part))] for part in parts]


def _part(rows: Sequence[TableRow], columns: Sequence[_Column]) -> Iterator[str]:
    yield rf"  \begin{{tabular}}{{@{{}}l{'r' * (len(columns) - 1)}@{{}}}}"
    yield r"    \toprule"
    yield from row_lines([column.heading for column in columns], bottom=True)
    yield r"    \midrule"
    for index, row in enumerate(rows):
        cells = [column.cells[index] for column in columns]
        if row.kind == "control" and index > 0 and rows[index - 1].kind == "model":
            yield r"    \midrule"
        elif index > 0 and any(len(column.cells[at]) > 1 for column in columns for at in (index - 1, index)):
            yield r"    \addlinespace[2pt]"
        yield from row_lines(cells)
    yield from (r"    \bottomrule", r"  \end{tabular}")


def _names(rows: Sequence[TableRow], most: int | None) -> _Column:
    plain = [
        [line.strip() for line in (fold(row.name, most) if most else row.name).split("\n")] for row in rows
    ]
    cells = [
        [rf"\textit{{{escape(line)}}}" if row.kind == "control" else escape(line) for line in lines]
        for row, lines in zip(rows, plain, strict=True)
    ]
    return _Column(["Model"], cells, max(len(line) for lines in [["Model"], *plain] for line in lines))


def _seeds(rows: Sequence[TableRow], stacked: bool) -> _Column:
    plain = [row.seeds.split(", ") if stacked else [row.seeds] for row in rows]
    cells = [[escape(line) for line in lines] for lines in plain]
    for row, lines in zip(rows, cells, strict=True):
        lines[-1] += footnote_mark(row.seeds_mark)
    width = max(
        len(line) + bool(row.seeds_mark) for row, lines in zip(rows, plain, strict=True) for line in lines
    )
    return _Column(["Seeds"], cells, max(len("Seeds"), width))


def _numbers(table: Table, index: int, stacked: bool) -> _Column:
    column = table.columns[index]
    cells, width = [], 0
    for row in table.rows:
        cell = row.cells[index]
        shown = show(cell.estimate, column.prefix) if cell.estimate else Shown(MISSING, "")
        rank = rank_sign(cell.rank)
        value = number(shown.value) + footnote_mark(cell.mark) + (f" {escape(rank)}" if rank else "")
        if cell.rank == 1:
            value = (r"\textbf{\boldmath " if "$" in value else r"\textbf{") + value + "}"
        length = len(shown.value) + bool(cell.mark) + (1 + len(rank) if rank else 0)
        if shown.interval and stacked:
            cells.append([value, small(shown.interval)])
            length = max(length, math.ceil(_SMALLER * len(shown.interval)))
        else:
            cells.append([f"{value} {number(shown.interval)}".rstrip()])
            length += 1 + len(shown.interval) if shown.interval else 0
        width = max(width, length)
    heading = heading_lines(column, width)
    return _Column([*map(escape, heading)], cells, max(width, *map(len, heading)))
