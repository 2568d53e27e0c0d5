"""Losses of trainings that lie beside the records and cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from genbench.core.errors import RecordError
from genbench.report.untrusted import clean
from genbench.store.curves import read_curves
from genbench.store.loaded import LoadedRun


def damaged_losses(run: LoadedRun) -> Iterator[str]:
    """A sentence for each training whose losses the figures leave out."""
    if run.directory is None:
        return
    trained = {r.trial: (r.model, r.seed) for r in run.records if r.seed is not None}
    for trial, (model, seed) in trained.items():
        try:
            read_curves(run.directory.trial(trial).curves)
        except RecordError:
            yield f"curves.jsonl of {clean(model)}, seed {seed}, is damaged: its losses are not drawn."
