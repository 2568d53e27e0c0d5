"""The datasets of a page: each with its answer, tables, figures, samples and protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from genbench.analyse.merge import Merged
from genbench.analyse.standing import current
from genbench.analyse.summary import Summary, summarise
from genbench.core.record import CONTROLS, Record, group_of
from genbench.report.answer import LOST_SEEDS, Statement, answer
from genbench.report.headings import GROUPS
from genbench.report.notes import QUICK, fallback_of, is_quick
from genbench.report.page.losses import Loss, losses_of
from genbench.report.page.pictures import Picture, pictures_of
from genbench.report.page.protocol import protocol_of
from genbench.report.page.view import Anchors, FigureView, TableView, figure_view, table_view
from genbench.report.tables import build_tables
from genbench.report.untrusted import clean
from genbench.store.loaded import distinct_names


@dataclass(frozen=True, slots=True)
class Section:
    """One dataset of one run, or of runs that were merged.

    Attributes:
        anchor: its place; ``pictures_anchor`` is that of its samples, empty where it has none.
        run: its name.
        title: the dataset, with the run where there are several; ``mark`` says quick and fallback.
        origins: suite, run, code and environment of the tables.
        summary: what its rows are.
        statements: the answer.
        tables, figures: in the order of the page.
        pictures: each with the folder of its run.
        protocol: pairs for people.
        losses: trainings that did not come to their end.
    """

    anchor: str
    pictures_anchor: str
    run: str
    title: str
    mark: str
    origins: tuple[str, ...]
    summary: Summary
    statements: tuple[Statement, ...]
    tables: tuple[TableView, ...]
    figures: tuple[FigureView, ...]
    pictures: tuple[tuple[str, Picture], ...]
    protocol: tuple[tuple[str, str], ...]
    losses: tuple[Loss, ...]


def sections_of(merged: Merged, anchors: Anchors) -> tuple[Section, ...]:
    """All of them, in the order of the records."""
    summaries = summarise(merged.records)
    standing, tables = current(merged.records), build_tables(merged.records)
    trained = {_where(s.run, s.dataset): _trained(s, standing) for s in summaries}
    titles = _titles(summaries, merged, trained)
    places = {where: anchors(title) for where, title in titles.items()}
    figures = _figures(merged, anchors, places)
    seen: set[tuple[int, str]] = set()
    told: set[str] = set()
    sections = []
    for summary in summaries:
        where = _where(summary.run, summary.dataset)
        mine = [r for r in standing if (r.run, r.dataset) == (summary.run, summary.dataset)]
        my_tables = [table for table in tables if (table.run, table.dataset) == where]
        pictures = tuple(_pictures(summary, merged, seen))
        anchor = places[where]
        again = bool(trained[where]) and trained[where] <= told  # an earlier section has told how they ended
        told |= trained[where]
        statements = answer(summary, mine, my_tables)
        sections.append(
            Section(
                anchor=anchor,
                pictures_anchor=anchors(anchor, "samples") if pictures else "",
                run=where[0],
                title=titles[where],
                mark=_mark(mine),
                origins=tuple(dict.fromkeys(table.caption for table in my_tables)),
                summary=summary,
                statements=tuple(s for s in statements if not (again and s.about == LOST_SEEDS)),
                tables=tuple(table_view(table, anchors, anchor) for table in my_tables),
                figures=tuple(figures.get(where, ())),
                pictures=pictures,
                protocol=tuple(protocol_of(mine)),
                losses=() if again else tuple(losses_of(mine)),
            )
        )
    return tuple(sections)


def _trained(summary: Summary, records: Sequence[Record]) -> frozenset[str]:
    """Trials of models."""
    return frozenset(
        r.trial
        for r in records
        if (r.run, r.dataset) == (summary.run, summary.dataset)
        and r.seed is not None
        and r.model not in CONTROLS
    )


def _titles(
    summaries: Sequence[Summary], merged: Merged, trained: Mapping[tuple[str, str], frozenset[str]]
) -> dict[tuple[str, str], str]:
    """The dataset; the runs where there are several; what is told of them where other sections tell more."""
    several = len({summary.run for summary in summaries}) > 1
    titles = {}
    for summary in summaries:
        where = _where(summary.run, summary.dataset)
        title = summary.dataset
        if several:
            title += f" (run{'s' * (len(_parts(summary.run)) > 1)} {_short(summary.run, merged)})"
        if any(trained[where] & mine for other, mine in trained.items() if other != where):
            groups = dict.fromkeys(group_of(metric.name) for metric in summary.metrics)
            title += f": {', '.join(GROUPS.get(group, group) for group in groups)}"
        titles[where] = clean(title)
    return titles


def _where(run: str, dataset: str) -> tuple[str, str]:
    return clean(run), clean(dataset)


def _parts(run: str) -> list[tuple[str, str]]:
    """The runs that stand together under this name: the id of each, and what its user calls it, if said."""
    parts = [part.partition(" (") for part in run.split(" + ")]
    return [(name, short.removesuffix(")")) for name, _, short in parts]


def _short(run: str, merged: Merged) -> str:
    """The name of a section's runs for a heading; in full it stands below."""
    names = distinct_names([one.asked for one in merged.runs])
    ids = [{record.run for record in one.records} for one in merged.runs]
    shorts = {mine.pop(): name for mine, name in zip(ids, names, strict=True) if len(mine) == 1}
    return " + ".join(short or shorts.get(name, name) for name, short in _parts(run))


def _figures(
    merged: Merged, anchors: Anchors, places: Mapping[tuple[str, str], str]
) -> dict[tuple[str, str], list[FigureView]]:
    from genbench.report.figures.catalogue import plots

    found: dict[tuple[str, str], list[FigureView]] = {}
    files: set[str] = set()
    for plot in plots(merged):  # one at a time: each holds much memory until it is written
        where = _where(plot.run, plot.dataset)
        run = plot.run if len({run for run, _ in places}) > 1 else ""
        found.setdefault(where, []).append(figure_view(plot, anchors, places[where], files, run))
    return found


def _mark(records: Sequence[Record]) -> str:
    marks = [QUICK] if is_quick(records) else []
    if wanted := fallback_of(records):
        marks.append(f"fallback for {wanted}")
    return "; ".join(marks)


def _pictures(summary: Summary, merged: Merged, seen: set[tuple[int, str]]) -> Iterator[tuple[str, Picture]]:
    """Those of every run that has a part in the section, unless an earlier section has them."""
    parts = {name for name, _ in _parts(summary.run)}
    for place, run in enumerate(merged.runs):
        mine = [r for r in run.records if r.dataset == summary.dataset]
        if (place, summary.dataset) in seen or not parts & {record.run for record in mine}:
            continue
        seen.add((place, summary.dataset))
        models = dict.fromkeys(record.model for record in mine if record.model not in CONTROLS)
        for picture in pictures_of(run, summary.dataset, list(models)):
            yield clean(run.directory.name if run.directory else run.asked), picture
