"""From runs to one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from genbench import __version__
from genbench.analyse.merge import Merged
from genbench.core.record import CONTROLS
from genbench.report.answer import Statement
from genbench.report.page.controls import control_rows
from genbench.report.page.origin import Origin, origin_of
from genbench.report.page.sections import Section, sections_of
from genbench.report.page.view import Anchors
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from jinja2 import Environment


def build_report(merged: Merged) -> str:
    """One page of these runs, which loads nothing from anywhere. The same input gives the same page."""
    anchors = Anchors()
    for place in _PLACES:
        anchors(place)
    sections = sections_of(merged, anchors)
    origins = [origin_of(run) for run in merged.runs]
    return _rendered(
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
        }
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
