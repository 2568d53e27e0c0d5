"""A comparison in LaTeX, for papers: a float a dataset; it needs the package booktabs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from genbench.analyse.row import Verdict
from genbench.report.comparison import Compared, ComparedModel, ComparedRow, ComparedSide, ComparedTable
from genbench.report.comparison_words import with_seeds
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
from genbench.report.numbers import Shown

_SURE = (Verdict.BETTER, Verdict.WORSE, Verdict.FAILED, Verdict.FIXED)
_COLUMNS = 5
_NAME_MOST = 18  # letters of a name or a label on one line, so that all columns fit an article's 345 pt
_ROWS_MOST = 18  # of a float, which has to fit on a page


def render_comparison_latex(compared: Compared) -> str:
    """Floats for each dataset, none larger than a page of an article; the notes are after the last."""
    lines = ["% needs \\usepackage{booktabs}"]
    labels: list[str] = []
    for table in compared.tables:
        pages = list(_pages(table))
        for place, models in enumerate(pages, start=1):
            labels.append(f"tab:{slug(table.title)}-{len(labels) + 1}")
            part = f" ({place} of {len(pages)})" if len(pages) > 1 else ""
            lines += [*_table(compared, replace(table, models=models), labels[-1], part), ""]
    lines += notes_to(labels, (*compared.summary, *compared.notes))
    return "\n".join([*lines, ""])


def _pages(table: ComparedTable) -> Iterator[tuple[ComparedModel, ...]]:
    """The groups of each float: as many as a page holds."""
    page: list[ComparedModel] = []
    rows = 0
    for model in table.models:
        for group in model.groups:
            if page and rows + len(group.rows) > _ROWS_MOST:
                yield tuple(page)
                page, rows = [], 0
            rows += len(group.rows)
            if page and replace(page[-1], groups=()) == replace(model, groups=()):
                page[-1] = replace(model, groups=(*page[-1].groups, group))
            else:
                page.append(replace(model, groups=(group,)))
    yield tuple(page)


def _table(compared: Compared, table: ComparedTable, label: str, part: str) -> Iterator[str]:
    caption = compared.caption[:1].upper() + compared.caption[1:]
    yield r"\begin{table}"
    yield r"  \centering\footnotesize"
    yield r"  \setlength{\tabcolsep}{3pt}"
    yield rf"  \caption{{{escape(table.title + part)}. {escape(caption)}.}}"
    yield rf"  \label{{{label}}}"
    yield rf"  \begin{{tabular}}{{@{{}}l{'r' * (_COLUMNS - 2)}l@{{}}}}"
    yield r"    \toprule"
    for place, model in enumerate(table.models):
        if place:
            yield r"    \midrule"
        yield from _model(model)
    yield from (r"    \bottomrule", r"  \end{tabular}")
    yield from footnotes(
        table.footnotes, {row.mark for m in table.models for group in m.groups for row in group.rows}
    )
    yield r"\end{table}"


def _model(model: ComparedModel) -> Iterator[str]:
    both = ((model.base, model.base_seeds), (model.new, model.new_seeds))
    sides = [_folded(with_seeds(name, seeds)) for name, seeds in both]
    yield from row_lines([_folded(model.heading), *sides, ["Difference"], ["Verdict"]], bottom=True)
    yield r"    \midrule"
    for group in model.groups:
        if group.title:
            yield rf"    \multicolumn{{{_COLUMNS}}}{{@{{}}l}}{{\textit{{{escape(group.title)}}}}} \\"
        for row in group.rows:
            yield from row_lines(_row(row))
            yield r"    \addlinespace[1pt]"


def _row(row: ComparedRow) -> list[list[str]]:
    *above, last = _folded(row.label)
    label = [*above, f"{last} {escape(row.arrow)}".rstrip()]
    verdict = rf"\textbf{{{row.verdict}}}" if row.verdict in _SURE else str(row.verdict)
    below = ", ".join(filter(None, (f"p {row.p}" if row.p else "", row.needed)))
    return [
        [*label, *([escape(f"({row.unit})")] if row.unit else [])],
        _side(row.base),
        _side(row.new),
        _stacked(row.difference),
        [verdict + footnote_mark(row.mark), *([small(below)] if below else [])],
    ]


def _side(side: ComparedSide) -> list[str]:
    value, *below = _stacked(side.number)
    return [f"{value} ({escape(side.seeds)})" if side.seeds else value, *below]


def _stacked(shown: Shown) -> list[str]:
    return [number(shown.value), *([small(shown.interval)] if shown.interval else [])]


def _folded(name: str) -> list[str]:
    return [escape(line.strip()) for line in fold(name, _NAME_MOST).split("\n")]
