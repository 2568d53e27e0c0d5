"""A comparison as data: what every format for people shows alike. One table a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genbench.analyse.compare import Comparison, Rules, no_rules
from genbench.analyse.effect import Shift
from genbench.analyse.estimates import Estimate
from genbench.analyse.row import FAILED_SHARE, Row, Verdict
from genbench.analyse.sides import Side
from genbench.core.record import Better, group_of
from genbench.report.compared_side import estimate_of, failures, seeds_of
from genbench.report.comparison_notes import notes_of
from genbench.report.comparison_summary import summary_of
from genbench.report.comparison_words import group_title, groups_in_order, label_of_row
from genbench.report.headings import ARROWS, rank_of
from genbench.report.numbers import MISSING, Shown, prefix_of, show, show_p, show_shift
from genbench.report.untrusted import clean


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One side of a row as text; ``seeds`` only where they are not those of most rows."""

    number: Shown
    seeds: str = ""


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One metric as text.

    Attributes:
        label, unit, arrow: what it is, in which unit, and which way is good.
        base, new: both sides.
        difference: new minus base; empty where there is none.
        p: after Holm's correction; empty without a test.
        verdict: one of ``Verdict``.
        needed: seeds that would settle an ``UNSURE`` row, ``≈ 14 seeds``; else empty.
        mark: number of the footnote that says why; 0 for none.
    """

    label: str
    unit: str
    arrow: str
    base: ComparedSide
    new: ComparedSide
    difference: Shown
    p: str
    verdict: Verdict
    needed: str
    mark: int


@dataclass(frozen=True, slots=True)
class ComparedGroup:
    """The metrics of one group, in the order of the tables of a run."""

    title: str
    rows: tuple[ComparedRow, ...]


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """One model on both sides, or one model beside another.

    Attributes:
        heading: of the column of metrics: the model, if it is the same on both sides.
        base, new: headings of both sides: ``base`` and ``new``, or the names of two models.
        base_seeds, new_seeds: how many seeds most rows have, ``6`` or ``5/6``; empty where none has any.
        groups: the rows.
    """

    heading: str
    base: str
    new: str
    base_seeds: str
    new_seeds: str
    groups: tuple[ComparedGroup, ...]


@dataclass(frozen=True, slots=True)
class ComparedTable:
    """All models of one dataset. The first footnote has the mark 1."""

    dataset: str
    title: str
    models: tuple[ComparedModel, ...]
    footnotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison as any renderer can show it. All text is free of control characters, but not escaped.

    Attributes:
        caption: suites and runs.
        tables: one a dataset.
        summary: a sentence a model or two.
        notes: how to read the rows.
    """

    caption: str
    tables: tuple[ComparedTable, ...]
    summary: tuple[str, ...]
    notes: tuple[str, ...]


def build_comparison(comparison: Comparison, rules: Rules = no_rules) -> Compared:
    """Make all tables of a comparison.

    Args:
        comparison: from ``compare_runs`` or ``compare_models``.
        rules: that it was made with, for what is said of margins.
    """
    datasets = dict.fromkeys(row.dataset for row in comparison.rows)
    return Compared(
        caption=_caption(comparison),
        tables=tuple(_table(comparison, dataset) for dataset in datasets),
        summary=tuple(summary_of(comparison)),
        notes=tuple(notes_of(comparison, rules)),
    )


def _caption(comparison: Comparison) -> str:
    suites = ", ".join(map(clean, comparison.suites))
    base, new = (" + ".join(map(clean, runs)) for runs in (comparison.base, comparison.new))
    runs = f"run {base}" if comparison.within else f"base {base}, new {new}"
    return f"suite {suites}; {runs}"


def _table(comparison: Comparison, dataset: str) -> ComparedTable:
    mine = [row for row in comparison.rows if row.dataset == dataset]
    pairs = dict.fromkeys((row.base_model, row.new_model) for row in mine)
    footnotes: list[str] = []
    models = [
        _model(comparison, [r for r in mine if (r.base_model, r.new_model) == pair], footnotes)
        for pair in pairs
    ]
    if comparison.within:
        against = ", ".join(clean(new) for _, new in pairs)
        title = f"{clean(dataset)}: {against} compared with {clean(mine[0].base_model)}"
    else:
        title = f"{clean(dataset)}: new compared with base"
    return ComparedTable(clean(dataset), title, tuple(models), tuple(footnotes))


def _model(comparison: Comparison, rows: Sequence[Row], footnotes: list[str]) -> ComparedModel:
    first = rows[0]
    seeded = [row for row in rows if row.metric != FAILED_SHARE]
    seeds = _most(seeds_of(row.base) for row in seeded), _most(seeds_of(row.new) for row in seeded)
    groups = []
    for group in groups_in_order(rows):
        here = sorted((r for r in rows if group_of(r.metric) == group), key=lambda r: rank_of(r.metric))
        groups.append(ComparedGroup(group_title(group), tuple(_row(r, seeds, footnotes) for r in here)))
    base, new = ("base", "new") if not comparison.within else (first.base_model, first.new_model)
    heading = "" if comparison.within else clean(first.new_model)
    return ComparedModel(heading, clean(base), clean(new), seeds[0], seeds[1], tuple(groups))


def _most(counts: Iterable[str]) -> str:
    """The commonest count of seeds; the first of several."""
    found = [count for count in counts if count]
    return max(found, key=found.count) if found else ""


def _row(row: Row, usual: tuple[str, str], footnotes: list[str]) -> ComparedRow:
    estimates = (estimate_of(row.base), estimate_of(row.new))
    prefix = prefix_of(estimates)
    base, new = (
        _compared_side(side, estimate, prefix, seeds)
        for side, estimate, seeds in zip((row.base, row.new), estimates, usual, strict=True)
    )
    return ComparedRow(
        label=label_of_row(row),
        unit=clean(row.unit),
        arrow="" if row.better is Better.NEITHER else ARROWS[row.better],
        base=base,
        new=new,
        difference=_difference(row, prefix),
        p="" if row.adjusted is None else show_p(row.adjusted),
        verdict=row.verdict,
        needed=f"≈ {row.seeds} seeds" if row.seeds else "",
        mark=_mark(clean(row.why), footnotes),
    )


def _compared_side(side: Side | None, estimate: Estimate | None, prefix: str, usual: str) -> ComparedSide:
    if side is not None and side.metric == FAILED_SHARE and estimate:
        return ComparedSide(Shown("{} of {}".format(*failures(side)), ""))
    if estimate is None:
        return ComparedSide(Shown(MISSING, ""), _unusual(seeds_of(side), usual))
    return ComparedSide(show(estimate, prefix), _unusual(seeds_of(side), usual))


def _unusual(seeds: str, usual: str) -> str:
    return "" if seeds == usual else seeds


def _difference(row: Row, prefix: str) -> Shown:
    found = row.difference
    if found is None:
        return Shown("", "")
    if row.test == "measured" and found.low == found.high:  # one number a side, whose own spread is unknown
        found = Shift(found.estimate, None, None)
    return show_shift(found, prefix)


def _mark(text: str, footnotes: list[str]) -> int:
    if not text:
        return 0
    if text not in footnotes:
        footnotes.append(text)
    return footnotes.index(text) + 1
