"""Several runs as one set of records: together where their protocols agree, apart where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genbench.core.record import Record
from genbench.store.loaded import LoadedRun
from genbench.store.rundir import TrialDirectory


@dataclass(frozen=True, slots=True)
class Merged:
    """Records of one or several runs, ready for tables, plots and pages.

    Attributes:
        records: what shares a ``run`` may stand in one table. Of a single run: its records as they are.
        trials: where the files of a trial lie, by the trial's id in ``records``; only trials that have a
            folder.
        runs: the runs as they were read.
    """

    records: tuple[Record, ...]
    trials: Mapping[str, TrialDirectory]
    runs: tuple[LoadedRun, ...]


def merged(runs: Sequence[LoadedRun]) -> Merged:
    """Put runs beside each other."""
    records = tuple(record for run in runs for record in run.records)
    trials: dict[str, TrialDirectory] = {}
    for run in runs:
        if run.directory is None:
            continue
        for name in dict.fromkeys(record.trial for record in run.records):
            directory = run.directory.trial(name)
            if directory.path.is_dir():
                trials[name] = directory
    return Merged(records, trials, tuple(runs))
