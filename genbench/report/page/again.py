"""The command that makes a run again: as its ``resolved.json`` says, else as far as its files tell."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genbench.report.untrusted import clean

_MOST = 12  # changes; more than that come from another file, not from a command line
_RUN = "genbench run suite.toml"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, and whether it is the one that was given: else it is guessed from what differs."""

    text: str
    known: bool


def command_of(given: Mapping[str, Any], resolved: Mapping[str, Any]) -> Command:
    """``genbench run suite.toml`` with the ``--set``, ``--model``, ``--seeds`` and ``--quick`` it was given.

    Args:
        given: the suite as it was given; empty if that is not known.
        resolved: what became of it; empty if that is not known.
    """
    said = _as_said(resolved.get("given"))
    return Command(_guessed(given, resolved), known=False) if said is None else Command(said, known=True)


def _as_said(given: Any) -> str | None:
    """What the runner wrote down; runs of earlier versions have nothing of the kind."""
    if not isinstance(given, dict):
        return None
    changes, labels, seeds = _texts(given.get("set")), _texts(given.get("model")), given.get("seeds")
    if changes is None or labels is None:
        return None
    return " ".join(
        [
            _RUN,
            *(["--quick"] if given.get("quick") is True else []),
            *(f"--set {shlex.quote(clean(change))}" for change in changes),
            *(f"--model {shlex.quote(clean(label))}" for label in labels),
            *([f"--seeds {seeds}"] if isinstance(seeds, int) and not isinstance(seeds, bool) else []),
        ]
    )


def _texts(value: Any) -> list[str] | None:
    """A list of texts; ``None`` where it is anything else."""
    return value if isinstance(value, list) and all(isinstance(text, str) for text in value) else None


def _guessed(given: Mapping[str, Any], resolved: Mapping[str, Any]) -> str:
    quick = resolved.get("quick") is True and given.get("quick") is not True
    changes = [] if quick else list(_changes(given, resolved))  # --quick changes sizes by itself
    parts = [_RUN, *(["--quick"] if quick else [])]
    if len(changes) <= _MOST:
        parts += [f"--set {shlex.quote(clean(change))}" for change in changes]
        parts += [f"--model {shlex.quote(clean(label))}" for label in _chosen(given, resolved)]
    return " ".join(parts)


def _changes(given: Mapping[str, Any], resolved: Mapping[str, Any]) -> Iterator[str]:
    """``key=value`` of every value that the file does not have like that."""
    for key in ("name", "seeds", "samples", "measures", "alpha"):
        if key in given and key in resolved and given[key] != resolved[key]:
            yield f"{key}={_written(resolved[key])}"
    yield from _differences("train", given.get("train"), resolved.get("train"))
    cohorts = resolved.get("cohort")
    decided = {
        cohort.get("label"): cohort.get("options")
        for cohort in (cohorts if isinstance(cohorts, list) else [])
        if isinstance(cohort, dict) and isinstance(cohort.get("label"), str)
    }
    for label, table in _models(given).items():
        mine = {key: value for key, value in table.items() if key not in ("name", "label")}
        yield from _differences(f"model.{label}", mine, decided.get(label))


def _differences(path: str, given: Any, decided: Any) -> Iterator[str]:
    """Only what both have: what a file leaves open was decided by defaults."""
    if not isinstance(given, dict) or not isinstance(decided, dict):
        return
    for key, value in given.items():
        if key not in decided:
            continue
        if isinstance(value, dict):
            yield from _differences(f"{path}.{key}", value, decided[key])
        elif value != decided[key]:
            yield f"{path}.{key}={_written(decided[key])}"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _chosen(given: Mapping[str, Any], resolved: Mapping[str, Any]) -> list[str]:
    """The models that were run, where these are not all of the file."""
    cohorts = resolved.get("cohort")
    if not isinstance(cohorts, list):
        return []
    ran = [cohort.get("label") for cohort in cohorts if isinstance(cohort, dict)]
    known = _models(given)
    chosen = [label for label in known if label in ran]
    return chosen if len(chosen) < len(known) else []


def _models(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    tables = given.get("model")
    return {
        str(table.get("label", table.get("name"))): table
        for table in (tables if isinstance(tables, list) else [])
        if isinstance(table, dict)
    }
