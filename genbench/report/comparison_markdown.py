"""A comparison in GitHub's Markdown: for a pull request, or the summary of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genbench.analyse.row import Verdict
from genbench.report.as_markdown import escape
from genbench.report.comparison import Compared, ComparedModel, ComparedRow, ComparedSide
from genbench.report.comparison_words import with_seeds
from genbench.report.tables import mark_sign

_SURE = (Verdict.BETTER, Verdict.WORSE, Verdict.FAILED, Verdict.FIXED)


def render_comparison_markdown(compared: Compared) -> str:
    """The summary first, then a table a model, then the notes."""
    return "\n".join([*_lines(compared), ""])


def _lines(compared: Compared) -> Iterator[str]:
    yield from (escape(compared.caption), "")
    for sentence in compared.summary:
        yield from (escape(sentence), "")
    for table in compared.tables:
        yield from (f"### {escape(table.title)}", "")
        for model in table.models:
            yield from _table(model)
            yield ""
        yield from (
            f"- {mark_sign(mark)} {escape(text)}" for mark, text in enumerate(table.footnotes, start=1)
        )
        if table.footnotes:
            yield ""
    yield from (f"- {escape(note)}" for note in compared.notes)


def _table(model: ComparedModel) -> Iterator[str]:
    yield _line([escape(model.heading), *_sides(model), "difference", "p", "verdict"])
    yield _line(["---", *["---:"] * 4, "---"])
    for group in model.groups:
        if group.title:
            yield _line([f"*{escape(group.title)}*", *[""] * 5])
        yield from (_line(_row(row)) for row in group.rows)


def _sides(model: ComparedModel) -> list[str]:
    both = ((model.base, model.base_seeds), (model.new, model.new_seeds))
    return [escape(with_seeds(name, seeds)) for name, seeds in both]


def _row(row: ComparedRow) -> list[str]:
    label = " ".join(filter(None, (row.label, row.arrow, f"({row.unit})" if row.unit else "")))
    verdict = f"**{row.verdict}**" if row.verdict in _SURE else str(row.verdict)
    verdict += mark_sign(row.mark) + (f" {row.needed}" if row.needed else "")
    return [
        escape(label),
        _side(row.base),
        _side(row.new),
        escape(str(row.difference)),
        escape(row.p),
        verdict,
    ]


def _side(side: ComparedSide) -> str:
    value = f"{side.number.value} ({side.seeds})" if side.seeds else side.number.value
    return escape(f"{value} {side.number.interval}".rstrip())


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
