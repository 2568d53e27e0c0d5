"""Tables in LaTeX, for papers; they need the package booktabs."""

from __future__ import annotations

from collections.abc import Sequence

from genbench.report.headings import heading_of
from genbench.report.numbers import Shown, show
from genbench.report.tables import Table, TableCell, TableColumn, TableRow, rank_sign

_ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "_": r"\_",
        "%": r"\%",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        "`": "'",
        "[": "{[}",  # a bracket after \\ would be read as its argument
        "]": "{]}",
        "±": r"$\pm$",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "–": "--",
        "−": "$-$",
        "×": r"$\times$",
        "∞": r"$\infty$",
        "≈": r"$\approx$",
    }
)


def render_latex(tables: Sequence[Table]) -> str:
    """Tables as LaTeX floats in booktabs' style."""
    return "\n".join(["% needs \\usepackage{booktabs}", *(_table(table) for table in tables)])


def _table(table: Table) -> str:
    width = len(table.columns)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape(table.title)}. {escape(table.caption)}.}}",
        rf"  \begin{{tabular}}{{l{'r' * (width + table.seeded)}}}",
        r"    \toprule",
        _line(["Model", *(["Seeds"] if table.seeded else []), *map(_heading, table.columns)]),
        r"    \midrule",
    ]
    for index, row in enumerate(table.rows):
        if row.kind == "control" and index > 0 and table.rows[index - 1].kind == "model":
            lines.append(r"    \midrule")
        lines.append(_line(_row(table, row)))
    lines += [r"    \bottomrule", r"  \end{tabular}", r"  \par\smallskip\footnotesize\raggedright"]
    lines += [
        f"  {footnote_mark(mark)} {escape(text)}" + r"\par"
        for mark, text in enumerate(table.footnotes, start=1)
    ]
    lines += [f"  {escape(note)}" + r"\par" for note in table.notes]
    return "\n".join([*lines, r"\end{table}", ""])


def _line(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _heading(column: TableColumn) -> str:
    return escape(heading_of(column.metric, column.unit, column.better))


def _row(table: Table, row: TableRow) -> list[str]:
    name = rf"\textit{{{escape(row.name)}}}" if row.kind == "control" else escape(row.name)
    seeds = [escape(row.seeds) + footnote_mark(row.seeds_mark)] if table.seeded else []
    return [name, *seeds, *map(_cell, table.columns, row.cells)]


def _cell(column: TableColumn, cell: TableCell) -> str:
    shown = show(cell.estimate, column.prefix) if cell.estimate else Shown("--", "")
    value = shown.value + footnote_mark(cell.mark)
    if cell.rank:
        value += f" {escape(rank_sign(cell.rank))}"
    if cell.rank == 1:
        value = rf"\textbf{{{value}}}"
    return f"{value} {escape(shown.interval)}".rstrip()


def footnote_mark(mark: int) -> str:
    """The number of a footnote, raised; nothing for 0."""
    return rf"\textsuperscript{{{mark}}}" if mark else ""


def escape(text: str) -> str:
    """Text that LaTeX sets as it is."""
    return text.translate(_ESCAPED)
