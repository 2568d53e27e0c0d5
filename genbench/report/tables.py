"""Tables as data: what every format shows alike. One table a dataset and group of metrics."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

from genbench.analyse.estimates import Estimate
from genbench.analyse.standing import current
from genbench.analyse.summary import Counts, Row, Summary, summarise
from genbench.core.record import OF_SAMPLES, Better, Record, group_of
from genbench.report.folding import fold
from genbench.report.headings import ARROWS, GROUPS, label_of, rank_of
from genbench.report.notes import (
    QUICK,
    control_note,
    fallback_of,
    is_quick,
    protocol_notes,
    reading_notes,
    spread_notes,
    target_note,
)
from genbench.report.numbers import prefix_of
from genbench.report.ranking import Ranks, pareto_note, rank_note, ranks_of
from genbench.report.untrusted import clean

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A metric: its dotted name, short label, unit (may be empty) and direction.

    ``prefix`` is what all numbers of the column are shown with (``k``, ``M``, ...).
    """

    metric: str
    label: str
    unit: str
    better: Better
    prefix: str = ""

    @property
    def arrow(self) -> str:
        """↑ or ↓ towards the better, empty for neither."""
        return ARROWS[self.better]


@dataclass(frozen=True, slots=True)
class TableCell:
    """An estimate, or the reason why there is none, or both.

    ``mark`` numbers the footnote, 0 for none. ``rank`` is the model's in this column, 1 the best; ``None``
    where the column tells no two models apart.
    """

    estimate: Estimate | None
    reason: str = ""
    mark: int = 0
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class TableRow:
    """One model or control. ``seeds`` is ``5`` or ``4/5, 1 diverged``, and empty for a control."""

    name: str
    kind: Literal["model", "control"]
    seeds: str
    seeds_mark: int
    cells: tuple[TableCell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that any renderer can show. All text is free of control characters, but not escaped.

    Attributes:
        title: dataset and group; says so where the run was quick or the dataset a fallback.
        caption: suite, run, code and environment.
        run, suite, dataset, group: what it is about, for machines.
        columns: metrics, in their usual order.
        rows: models in the order of the suite, then controls.
        footnotes: reasons, the first has the mark 1.
        notes: how to read the cells, and the protocol behind them.
    """

    title: str
    caption: str
    run: str
    suite: str
    dataset: str
    group: str
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    footnotes: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def seeded(self) -> bool:
        """Whether any row was trained from seeds, so that a column of them says something."""
        return any(row.seeds for row in self.rows)


def build_tables(records: Sequence[Record]) -> tuple[Table, ...]:
    """Make all tables of these records: runs and datasets as they appear, groups in a fixed order."""
    standing = current(records)
    tables = []
    for summary in summarise(records):
        mine = [r for r in standing if (r.run, r.dataset) == (summary.run, summary.dataset)]
        ranks = ranks_of(mine)
        found = dict.fromkeys(group_of(metric.name) for metric in summary.metrics)
        order = [*(group for group in GROUPS if group in found), *(g for g in found if g not in GROUPS)]
        tables += [_table(summary, group, mine, ranks) for group in order]
    return tuple(tables)


def mark_sign(mark: int) -> str:
    """The footnote's number as a superscript; empty for 0."""
    return str(mark).translate(_SUPERSCRIPT) if mark else ""


_WORD = 24  # a longer word of a heading, or unit, is broken: only names that are not known here have any


def heading_lines(column: TableColumn, room: int) -> list[str]:
    """The label broken at its spaces where the numbers below are narrower; the unit on a line of its own."""
    words = f"{column.label}\u00a0{column.arrow}" if column.arrow else column.label
    words = " ".join(fold(word, _WORD).replace("\n", " ") for word in words.split(" "))
    width = max(room, *map(cell_len, words.split(" ")))
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        lines[-1:] = [longer] if cell_len(longer) <= width else [lines[-1], word]
    unit = fold(column.unit, max(width, _WORD)).split("\n") if column.unit else []
    return [line.replace("\u00a0", " ") for line in (*lines, *unit)]


def rank_sign(rank: int | None) -> str:
    """A rank as ``#1``; empty for none."""
    return f"#{rank}" if rank else ""


def _table(summary: Summary, group: str, records: Sequence[Record], ranks: Ranks) -> Table:
    metrics = sorted((m for m in summary.metrics if group_of(m.name) == group), key=lambda m: rank_of(m.name))
    columns = tuple(
        TableColumn(
            metric.name,
            label_of(metric.name),
            clean(metric.unit),
            metric.better,
            prefix_of(row.cells[metric.name].estimate for row in summary.rows),
        )
        for metric in metrics
    )
    footnotes = _Footnotes()
    names = [metric.name for metric in metrics]
    behind = [record for record in records if group_of(record.metric) == group]
    shown = _shown(summary.rows, names, {record.model for record in behind})
    rows = tuple(_table_row(row, columns, ranks, footnotes) for row in shown)
    controls = [row.name for row in rows if row.kind == "control"]
    by_kind = {
        kind: [cell.estimate for row in rows if row.kind == kind for cell in row.cells]
        for kind in ("model", "control")
    }
    title = f"{clean(summary.dataset)}: {GROUPS.get(group) or clean(group)}"
    if wanted := fallback_of(records):
        title += f" (fallback for {wanted})"
    if is_quick(records):
        title += f" ({QUICK})"
    origin = dict.fromkeys(f"genbench {clean(r.code)}, environment {clean(r.env)}" for r in behind)
    return Table(
        title=title,
        caption=f"suite {clean(summary.suite)}, run {clean(summary.run)}; {'; '.join(origin)}",
        run=clean(summary.run),
        suite=clean(summary.suite),
        dataset=clean(summary.dataset),
        group=clean(group),
        columns=columns,
        rows=rows,
        footnotes=tuple(footnotes.reasons),
        notes=(
            *reading_notes(by_kind["model"], by_kind["control"]),
            *rank_note(ranks, names),
            *pareto_note(summary, group, records, ranks),
            *target_note(names),
            *spread_notes(behind),
            *control_note(controls),
            *protocol_notes(behind, controls),
        ),
    )


def _shown(rows: Sequence[Row], metrics: Sequence[str], present: Collection[str]) -> list[Row]:
    """The rows of a group's table.

    Controls have no speed, say: those of samples stand only where one of them has a number, but then all of
    them do. Any other control stands where it was measured, and models do where any of them was.
    """
    trained = any(row.model in present for row in rows if not row.control)
    sampled = any(row.cells[name].estimate for row in rows if row.model in OF_SAMPLES for name in metrics)

    def stands(row: Row) -> bool:
        if not row.control:
            return trained
        return sampled if row.model in OF_SAMPLES else row.model in present

    return [row for row in rows if stands(row)]


class _Footnotes:
    """Numbers reasons as they come up; equal reasons share a number."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def mark(self, reasons: Sequence[str]) -> int:
        text = clean("; ".join(reasons))
        if not text:
            return 0
        if text not in self.reasons:
            self.reasons.append(text)
        return self.reasons.index(text) + 1


def _table_row(row: Row, columns: Sequence[TableColumn], ranks: Ranks, footnotes: _Footnotes) -> TableRow:
    seeds_mark = footnotes.mark(row.endings)
    cells = []
    for column in columns:
        cell = row.cells[column.metric]
        # What the seeds' own footnote says of a lost seed is not said again in every cell of the row.
        repeated = cell.estimate is not None and set(cell.reasons) <= set(row.endings)
        reasons = () if repeated else cell.reasons
        rank = ranks.get(column.metric, {}).get(row.model)
        cells.append(TableCell(cell.estimate, clean("; ".join(reasons)), footnotes.mark(reasons), rank))
    kind: Literal["model", "control"] = "control" if row.control else "model"
    return TableRow(
        clean(row.model), kind, "" if row.control else _seeds(row.counts), seeds_mark, tuple(cells)
    )


def _seeds(counts: Counts) -> str:
    if not counts.asked:
        return ""  # samples that nobody here has trained a model for
    if counts.done == counts.asked:
        return str(counts.asked)
    ways = ("failed", "diverged", "timeout", "skipped", "interrupted", "unfinished")
    short = [f"{number} {way}" for way in ways if (number := getattr(counts, way))]
    return ", ".join([f"{counts.done}/{counts.asked}", *short])
