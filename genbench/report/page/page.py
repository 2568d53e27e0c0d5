"""From runs to one HTML file."""

from __future__ import annotations

from collections.abc import Sequence

from genbench import __version__
from genbench.analyse.merge import Merged
from genbench.core.record import CONTROLS
from genbench.report.answer import Statement
from genbench.report.page.controls import control_rows
from genbench.report.page.origin import Origin, origin_of
from genbench.report.page.sections import Section, sections_of
from genbench.report.page.template import rendered
from genbench.report.page.view import Anchors
from genbench.report.untrusted import clean


def build_report(merged: Merged) -> str:
    """One page of these runs, which loads nothing from anywhere. The same input gives the same page."""
    anchors = Anchors()
    for place in _PLACES:
        anchors(place)
    sections = sections_of(merged, anchors)
    origins = [origin_of(run) for run in merged.runs]
    return rendered(
        "page.html.j2",
        {
            "version": __version__,
            "title": ", ".join(dict.fromkeys(clean(section.summary.suite) for section in sections)),
            "questions": [q for q in dict.fromkeys(origin.question for origin in origins) if q],
            "facts": _facts(merged, origins),
            "apart": merged.apart,
            "sections": sections,
            "everywhere": _everywhere(sections),
            "several": len({section.run for section in sections}) > 1,
            "losses": [(section.run, loss) for section in sections for loss in section.losses],
            "controls": control_rows(row.model for section in sections for row in section.summary.rows),
            "origins": origins,
        },
    )


_PLACES = tuple(
    f"{place}{end}"
    for place in ("main", "answer", "contents", "losses", "controls", "protocol", "again")
    for end in ("", "-title")
)
"""Anchors of the template itself."""


def _facts(merged: Merged, origins: Sequence[Origin]) -> list[str]:
    """What the page is of, in a few words."""
    records = [r for r in merged.records if r.model not in CONTROLS]
    models, datasets = {r.model for r in records}, {r.dataset for r in records}
    # one that stands in several tables of merged runs is one; a lone file may hold it in several runs
    alone = len(merged.runs) == 1
    trainings = {(r.run if alone else "", r.trial) for r in records if r.seed is not None}

    def count(number: int, word: str) -> str:
        return f"{number:,} {word}{'s' * (number != 1)}"

    facts = [count(len(models), "model"), count(len(datasets), "dataset"), count(len(trainings), "training")]
    if len(origins) > 1:
        facts.append(count(len(origins), "run"))
    devices = [v for o in origins for e in o.environments for key, v in e.facts if key == "device"]
    return [*facts, *dict.fromkeys(devices)]


def _everywhere(sections: Sequence[Section]) -> list[Statement]:
    """What is said of every one of several datasets in the same words; it is said once."""
    if len(sections) < 2:
        return []
    return [s for s in sections[0].statements if all(s in section.statements for section in sections)]
