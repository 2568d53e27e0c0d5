"""Runs as they were read: their records, and where the files of their trials lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from genbench.core.errors import RecordError
from genbench.core.record import Record
from genbench.store.journal import read_records
from genbench.store.planned import read_run
from genbench.store.rundir import RunDirectory, resolve_run


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """One run that was asked for.

    Attributes:
        asked: what the user called it.
        directory: its folder; ``None`` for a lone file of records.
        records: all of its records, never none.
    """

    asked: str
    directory: RunDirectory | None
    records: tuple[Record, ...]

    @property
    def path(self) -> Path | None:
        """The folder, if there is one."""
        return self.directory.path if self.directory else None


def load_run(run: str | Path, results: str | Path = "results") -> list[Record]:
    """Read the records of a run.

    Args:
        run: a run directory, a file of records, ``SUITE/latest``, or ``SUITE/RUN`` under ``results``.
        results: the folder of all runs.

    Raises:
        RecordError: there is no such run, or its records cannot be read.
    """
    found = resolve_run(run, results)
    return read_run(found) if isinstance(found, RunDirectory) else read_records(found)


def load_runs(
    runs: Sequence[str | Path], results: str | Path = "results", *, purpose: str = "show"
) -> tuple[LoadedRun, ...]:
    """Read several runs, in the order given.

    Args:
        runs: run directories, files of records, ``SUITE/latest``, or ``SUITE/RUN`` under ``results``.
        results: the folder of all runs.
        purpose: what nothing can be done to where no number was finished.

    Raises:
        RecordError: there is no such run, its records cannot be read, none was finished, or a run is given
            twice, be it as a copy.
    """
    loaded: list[LoadedRun] = []
    places: dict[Path, str] = {}
    for run in runs:
        found = resolve_run(run, results)
        directory = found if isinstance(found, RunDirectory) else None
        file = found.records if isinstance(found, RunDirectory) else found
        if earlier := places.get(file.resolve()):
            raise RecordError(f"{earlier} and {run} are the same run, {file.parent}. Name each run once.")
        places[file.resolve()] = str(run)
        records = read_run(directory) if directory else read_records(file)
        if not records:
            raise RecordError(f"{run}: no number was finished there, so there is nothing to {purpose}.")
        for other in loaded:
            if name := _held_by_both(other.records, records):
                raise RecordError(
                    f"{other.asked} and {run} hold the same run, {name!r}: one of them is a copy. "
                    "Name each run once."
                )
        loaded.append(LoadedRun(str(run), directory, tuple(records)))
    return tuple(loaded)


def _held_by_both(one: Iterable[Record], other: Iterable[Record]) -> str:
    """The run of which one holds every record that the other has; empty if there is none.

    A run's name alone is not enough: two machines may begin runs of one commit within the same second. But
    not all that they measure is the same, their times least of all.
    """
    mine, theirs = _by_run(one), _by_run(other)
    for name in mine.keys() & theirs.keys():
        lines, others = ({record.to_json() for record in runs[name]} for runs in (mine, theirs))
        if lines <= others or others <= lines:  # the copy of a run that went on has less
            return name
    return ""


def _by_run(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.run, []).append(record)
    return found


def distinct_names(asked: Sequence[str]) -> tuple[str, ...]:
    """The shortest name of each run that tells it from the others: the end of what the user called it.

    ``mnist/baseline`` and ``mnist/latest`` are ``baseline`` and ``latest``; with ``ci/baseline`` beside them,
    the first is ``mnist/baseline``.
    """
    paths = [_parts(text) for text in asked]
    depths = [1] * len(paths)
    names: list[str] = []
    for _ in range(max(map(len, paths), default=0)):
        names = ["/".join(path[-depth:]) for path, depth in zip(paths, depths, strict=True)]
        depths = [depth + (names.count(name) > 1) for name, depth in zip(names, depths, strict=True)]
    distinct: list[str] = []
    for name in names:
        told, number = name, 1
        while told in distinct:  # only of runs that were not read by name
            number += 1
            told = f"{name} ({number})"
        distinct.append(told)
    return tuple(distinct)


def _parts(asked: str) -> tuple[str, ...]:
    path = PurePath(asked)
    parts = tuple(part.strip("/") for part in path.parts if part.strip("/"))
    return parts[:-1] if path.name == "records.jsonl" and len(parts) > 1 else parts or (asked,)
