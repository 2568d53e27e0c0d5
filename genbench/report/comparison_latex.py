"""A comparison in LaTeX, for papers: a float a dataset; it needs the package booktabs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genbench.analyse.row import Verdict
from genbench.report.comparison import Compared, ComparedModel, ComparedRow, ComparedSide, ComparedTable
from genbench.report.comparison_words import with_seeds
from genbench.report.latex_text import escape, footnote_mark, number

_SURE = (Verdict.BETTER, Verdict.WORSE, Verdict.FAILED, Verdict.FIXED)
_COLUMNS = 6


def render_comparison_latex(compared: Compared) -> str:
    """Every float has the notes: it may end up on a page of its own."""
    lines = ["% needs \\usepackage{booktabs}"]
    for table in compared.tables:
        lines += [*_table(compared, table), ""]
    return "\n".join([*lines, ""])


def _table(compared: Compared, table: ComparedTable) -> Iterator[str]:
    yield r"\begin{table}"
    yield r"  \centering"
    yield rf"  \caption{{{escape(table.title)}. {escape(compared.caption)}.}}"
    yield rf"  \begin{{tabular}}{{l{'r' * (_COLUMNS - 2)}l}}"
    yield r"    \toprule"
    for place, model in enumerate(table.models):
        if place:
            yield r"    \midrule"
        yield from _model(model)
    yield from (r"    \bottomrule", r"  \end{tabular}", r"  \par\smallskip\footnotesize\raggedright")
    for mark, text in enumerate(table.footnotes, start=1):
        yield f"  {footnote_mark(mark)} {escape(text)}" + r"\par"
    yield from (f"  {escape(text)}" + r"\par" for text in (*compared.summary, *compared.notes))
    yield r"\end{table}"


def _model(model: ComparedModel) -> Iterator[str]:
    both = ((model.base, model.base_seeds), (model.new, model.new_seeds))
    sides = [escape(with_seeds(name, seeds)) for name, seeds in both]
    yield _line([escape(model.heading), *sides, "Difference", "$p$", "Verdict"])
    yield r"    \midrule"
    for group in model.groups:
        if group.title:
            yield rf"    \multicolumn{{{_COLUMNS}}}{{l}}{{\textit{{{escape(group.title)}}}}} \\"
        yield from (_line(_row(row)) for row in group.rows)


def _row(row: ComparedRow) -> list[str]:
    label = " ".join(filter(None, (row.label, row.arrow, f"({row.unit})" if row.unit else "")))
    verdict = rf"\textbf{{{row.verdict}}}" if row.verdict in _SURE else str(row.verdict)
    verdict += footnote_mark(row.mark) + (f" {escape(row.needed)}" if row.needed else "")
    difference = number(str(row.difference))
    return [escape(label), _side(row.base), _side(row.new), difference, escape(row.p), verdict]


def _side(side: ComparedSide) -> str:
    value = f"{side.number.value} ({side.seeds})" if side.seeds else side.number.value
    return number(f"{value} {side.number.interval}".rstrip())


def _line(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"
