"""A comparison for the terminal: a row in one line where there is room, else in several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from rich import box
from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from genbench.analyse.row import Verdict
from genbench.report.columns import Drawn, align_right, draw, pack_evenly, print_all
from genbench.report.comparison import Compared, ComparedModel, ComparedRow, ComparedSide
from genbench.report.comparison_words import with_seeds
from genbench.report.folding import fold
from genbench.report.tables import mark_sign

Layout = Literal["one line", "two lines", "stacked"]
"""Intervals beside the numbers; below them; or beside them, and the new side's numbers below the base's."""

_LAYOUTS: tuple[Layout, ...] = ("one line", "two lines", "stacked")
_GAP = 2
_LABEL_MOST = 14  # a longer label is folded where a row has several lines
_UNIT_MOST = 24
_NAME_MOST = 16  # ... and so is the name of a model above its numbers
_PAIR_MOST = 26

STYLES = {
    Verdict.BETTER: "green",
    Verdict.FIXED: "green",
    Verdict.WORSE: "red",
    Verdict.FAILED: "red",
    Verdict.SAME: "dim",
    Verdict.UNSURE: "yellow",
}


def render_comparison_rich(compared: Compared, width: int, *, color: bool = False) -> str:
    """A comparison as text for a terminal of ``width`` columns; wider only where one number needs more."""
    return print_all(_layout(compared, width), width, color=color)


def _layout(compared: Compared, width: int) -> Iterator[RenderableType]:
    for table in compared.tables:
        yield Text(table.title, style="bold")
        yield Text(compared.caption, style="dim")
        yield Text()
        yield from _models(table.models, width)
        marks = enumerate(table.footnotes, start=1)
        yield from (_small(f"{mark_sign(mark)} {text}") for mark, text in marks)
        if table.footnotes:
            yield Text()
    yield from map(_small, compared.notes)
    if compared.summary:
        yield Text()
        yield from (Text(sentence, overflow="fold") for sentence in compared.summary)


def _small(text: str) -> Text:
    return Text(text, overflow="fold", style="dim")


def _models(models: Sequence[ComparedModel], width: int) -> Iterator[RenderableType]:
    """All models in the roomiest layout that fits them all, in the same columns if these fit too.

    Where no layout fits, each is in parts that repeat the labels.
    """
    drawn: list[list[Drawn]] = []
    for layout in _LAYOUTS:
        drawn = [_columns(model, layout) for model in models]
        if all(_total(columns) <= width for columns in drawn):
            break
    alike = _alike(drawn)
    fit = all(_total(columns) <= width for columns in alike)
    for model, (label, *others) in zip(models, alike if fit else drawn, strict=True):
        for part in pack_evenly(others, width - label.width, _GAP):
            yield from _groups(model, [label, *part])
            yield Text()


def _total(columns: Sequence[Drawn]) -> int:
    return sum(column.width + _GAP for column in columns) - _GAP


def _alike(drawn: Sequence[list[Drawn]]) -> list[list[Drawn]]:
    """Columns of the same place as wide as the widest of them, where all models have the same columns."""
    if len({len(columns) for columns in drawn}) > 1:
        return list(drawn)
    widths = [max(column.width for column in place) for place in zip(*drawn, strict=True)]
    return [[replace(c, width=w) for c, w in zip(columns, widths, strict=True)] for columns in drawn]


def _groups(model: ComparedModel, columns: Sequence[Drawn]) -> Iterator[RenderableType]:
    """The headings, then the rows of each group below its title."""
    yield _grid(columns, headed=True)
    first = 0
    for number, group in enumerate(model.groups):
        if number:
            yield Text()
        if group.title:
            yield Text(group.title, style="italic")
        last = first + len(group.rows)
        yield _grid(columns, headed=False, rows=range(first, last))
        first = last


def _columns(model: ComparedModel, layout: Layout) -> list[Drawn]:
    rows = [row for group in model.groups for row in group.rows]
    one = layout == "one line"
    between = " " if one else "\n"
    name = model.heading if one else fold(model.heading, _LABEL_MOST)
    columns = [draw(name, [_label(row, one=one) for row in rows])]
    columns += _sides(model, rows, layout)
    if any(row.difference.value for row in rows):
        shifts = [_joined(row.difference.value, row.difference.interval, between) for row in rows]
        columns.append(draw("difference", shifts))
    tested = any(row.p for row in rows)
    stacked = layout == "stacked"
    if tested and not stacked:
        columns.append(draw("p", [row.p for row in rows]))
    return [*columns, draw("verdict", [_verdict(row, between, p_below=stacked) for row in rows])]


def _sides(model: ComparedModel, rows: Sequence[ComparedRow], layout: Layout) -> list[Drawn]:
    both = ((model.base, model.base_seeds), (model.new, model.new_seeds))
    if layout == "stacked":
        names = [fold(with_seeds(name, seeds), _PAIR_MOST) for name, seeds in both]
        between = "\nover\n" if any("\n" in name for name in names) else "\n"  # where does the second begin?
        pairs = [f"{_side(row.base, ' ')}\n{_side(row.new, ' ')}" for row in rows]
        return [draw(between.join(names), pairs)]
    one = layout == "one line"
    between = " " if one else "\n"
    headings = [with_seeds(name if one else fold(name, _NAME_MOST), seeds, "\n") for name, seeds in both]
    return [
        draw(headings[0], [_side(row.base, between) for row in rows]),
        draw(headings[1], [_side(row.new, between) for row in rows]),
    ]


def _label(row: ComparedRow, *, one: bool) -> str:
    label = f"{row.label}\u00a0{row.arrow}" if row.arrow else row.label  # an arrow stays with its word
    if one:
        label = f"{label} ({row.unit})" if row.unit else label
    else:
        label = "\n".join(filter(None, [fold(label, _LABEL_MOST), fold(row.unit, _UNIT_MOST)]))
    return label.replace("\u00a0", " ")


def _side(side: ComparedSide, between: str) -> str:
    value = f"{side.number.value} ({side.seeds})" if side.seeds else side.number.value
    return _joined(value, side.number.interval, between)


def _joined(value: str, interval: str, between: str) -> str:
    return f"{value}{between}{interval}" if interval else value


def _verdict(row: ComparedRow, between: str, *, p_below: bool) -> Text:
    text = Text(str(row.verdict), style=STYLES.get(row.verdict, ""))
    text.append(mark_sign(row.mark), style="default")
    if p_below and row.p:
        text.append(f"\np {row.p}", style="default")
    if row.needed:
        text.append(f"{between}{row.needed}", style="default")
    return text


def _grid(columns: Sequence[Drawn], *, headed: bool, rows: Sequence[int] = ()) -> RichTable:
    grid = RichTable(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_header=headed,
        pad_edge=False,
        padding=(0, _GAP - 1, 0, 0),
        header_style="bold",
    )
    for place, column in enumerate(columns):
        heading = Text(column.heading)
        if _is_number(columns, place):
            heading = align_right(heading, column.width)
        grid.add_column(heading, no_wrap=True, min_width=column.width)
    for row in rows:
        grid.add_row(*(_cell(columns, place, row) for place in range(len(columns))))
    return grid


def _cell(columns: Sequence[Drawn], place: int, index: int) -> Text:
    cell = columns[place].cells[index]
    return align_right(cell, columns[place].width) if _is_number(columns, place) else cell


def _is_number(columns: Sequence[Drawn], place: int) -> bool:
    return place > 0 and columns[place].heading != "verdict"
