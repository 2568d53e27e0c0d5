"""The records of a run in the order of its suite, in whatever order they were found out."""

from __future__ import annotations

import json
from collections.abc import Sequence

from genbench.core.bounded import MIB, read_text
from genbench.core.record import Record
from genbench.store.journal import read_records
from genbench.store.rundir import RunDirectory


def read_run(directory: RunDirectory) -> list[Record]:
    """Read every record of a run: of each data set the control rows, then its models as the suite has them.

    Records of one model stay in the order of writing. Models that are trained side by side come to their
    ends in any order, and tables have their rows as they first see them. Where the run does not say how it
    was planned, the order of writing is left.

    Raises:
        RecordError: as ``read_records``.
    """
    records = read_records(directory.records)
    places = _places(directory)
    controls = {dataset: place for (dataset, _), place in reversed(places.items())}  # before its first model
    last = len(places)

    def place(record: Record) -> tuple[int, bool]:
        model = places.get((record.dataset, record.model))
        return (model, True) if model is not None else (controls.get(record.dataset, last), False)

    return sorted(records, key=place)


def _places(directory: RunDirectory) -> dict[tuple[str, str], int]:
    """Place of each (data set, model) in the plan; nothing where that cannot be told."""
    try:
        cohorts: Sequence[dict[str, str]] = json.loads(read_text(directory.resolved, 16 * MIB))["cohort"]
        rows = dict.fromkeys((str(cohort["dataset"]), str(cohort["label"])) for cohort in cohorts)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return {row: place for place, row in enumerate(rows)}
