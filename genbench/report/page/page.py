"""From runs to one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from genbench import __version__
from genbench.analyse.merge import Merged
from genbench.analyse.standing import current
from genbench.analyse.summary import Summary, summarise
from genbench.core.record import Record
from genbench.report.answer import Statement, answer
from genbench.report.notes import QUICK, fallback_of, is_quick
from genbench.report.page.controls import control_rows
from genbench.report.page.losses import Loss, losses_of
from genbench.report.page.origin import Origin, origin_of
from genbench.report.page.pictures import Picture, pictures_of
from genbench.report.page.protocol import protocol_of
from genbench.report.page.view import Anchors, FigureView, TableView, figure_view, table_view
from genbench.report.tables import Table, build_tables
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, slots=True)
class Section:
    """One dataset of one run, or of runs that were merged.

    Attributes:
        anchor: its place; ``pictures_anchor`` is that of its samples, empty where it has none.
        title: the dataset, with the run where there are several; ``mark`` says quick and fallback.
        statements: the answer.
        tables, figures, pictures: in the order of the page.
        protocol: pairs for people.
    """

    anchor: str
    pictures_anchor: str
    title: str
    mark: str
    statements: tuple[Statement, ...]
    tables: tuple[TableView, ...]
    figures: tuple[FigureView, ...]
    pictures: tuple[tuple[str, Picture], ...]
    protocol: tuple[tuple[str, str], ...]


def build_report(merged: Merged) -> str:
    """One page of these runs, which loads nothing from anywhere. The same input gives the same page."""
    anchors = Anchors()
    for place in ("answer", "contents", "losses", "controls", "protocol", "again", "main"):
        anchors(place)
    summaries = summarise(merged.records)
    standing = current(merged.records)
    tables = build_tables(merged.records)
    figures = _figures(merged)
    several = len({summary.run for summary in summaries}) > 1
    sections: list[Section] = []
    losses: list[tuple[str, Loss]] = []
    for summary in summaries:
        mine = [r for r in standing if (r.run, r.dataset) == (summary.run, summary.dataset)]
        losses += [(clean(summary.run), loss) for loss in losses_of(mine)]
        sections.append(_section(summary, mine, tables, figures, merged, anchors, several=several))
    origins = [origin_of(run) for run in merged.runs]
    return _rendered(
        {
            "version": __version__,
            "title": ", ".join(dict.fromkeys(clean(summary.suite) for summary in summaries)),
            "questions": [q for q in dict.fromkeys(origin.question for origin in origins) if q],
            "facts": _facts(summaries, origins),
            "sections": sections,
            "several": several,
            "losses": losses,
            "controls": control_rows(row.model for summary in summaries for row in summary.rows),
            "origins": origins,
        }
    )


def _section(
    summary: Summary,
    records: Sequence[Record],
    tables: Sequence[Table],
    figures: Mapping[tuple[str, str], Sequence[Any]],
    merged: Merged,
    anchors: Anchors,
    *,
    several: bool,
) -> Section:
    title = f"{clean(summary.dataset)}, {clean(summary.run)}" if several else clean(summary.dataset)
    where = (clean(summary.run), clean(summary.dataset))
    mine = [table for table in tables if (table.run, table.dataset) == where]
    anchor = anchors(title)
    marks = [QUICK] if is_quick(records) else []
    if wanted := fallback_of(records):
        marks.append(f"fallback for {wanted}")
    models = [row.model for row in summary.rows if not row.control]
    pictures = [
        (clean(run.directory.name) if run.directory else "", picture)
        for run in merged.runs
        if any((r.run, r.dataset) == (summary.run, summary.dataset) for r in run.records)
        for picture in pictures_of(run, summary.dataset, models)
    ]
    return Section(
        anchor=anchor,
        pictures_anchor=anchors(anchor, "samples") if pictures else "",
        title=title,
        mark="; ".join(marks),
        statements=answer(summary, records, mine),
        tables=tuple(table_view(table, anchors, anchor) for table in mine),
        figures=tuple(figure_view(plot, anchors, anchor) for plot in figures.get(where, ())),
        pictures=tuple(pictures),
        protocol=tuple(protocol_of(records)),
    )


def _figures(merged: Merged) -> dict[tuple[str, str], list[Any]]:
    from genbench.report.figures.catalogue import plots

    found: dict[tuple[str, str], list[Any]] = {}
    for plot in plots(merged):
        found.setdefault((clean(plot.run), clean(plot.dataset)), []).append(plot)
    return found


def _facts(summaries: Sequence[Summary], origins: Sequence[Origin]) -> list[str]:
    """What the page is of, in a few words."""
    models = {row.model for summary in summaries for row in summary.rows if not row.control}
    datasets = {summary.dataset for summary in summaries}
    asked = sum(row.counts.asked for summary in summaries for row in summary.rows)

    def count(number: int, word: str) -> str:
        return f"{number:,} {word}{'s' * (number != 1)}"

    facts = [count(len(models), "model"), count(len(datasets), "dataset"), count(asked, "training")]
    if len(origins) > 1:
        facts.append(count(len(origins), "run"))
    devices = [v for o in origins for e in o.environments for key, v in e.facts if key == "device"]
    return [*facts, *dict.fromkeys(devices)]


def _rendered(content: Mapping[str, Any]) -> str:
    from markupsafe import Markup

    style, script = _asset("style.css"), _asset("script.js")
    page = _environment().get_template("page.html.j2")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    # both are ours, and neither holds what would end its element
    safe = {"style": Markup(style), "script": Markup(script), "policy": policy}
    return page.render(**content, **safe)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a content security policy names an element's text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
