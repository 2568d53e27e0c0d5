"""Trainings that did not come to their end, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genbench.core.record import CONTROLS, OUTCOME, Record, Status
from genbench.report.untrusted import clean


@dataclass(frozen=True, slots=True)
class Loss:
    """One seed of one model: how far it came, how it ended and why."""

    dataset: str
    model: str
    seed: str
    step: str
    how: str
    reason: str


def losses_of(records: Sequence[Record]) -> Iterator[Loss]:
    """Those of the final records of one dataset, in their order; the unfinished last."""
    ended = set()
    begun: dict[tuple[str, int], Record] = {}
    for record in records:
        if record.seed is None or record.model in CONTROLS:
            continue
        if record.metric != OUTCOME:
            begun.setdefault((record.model, record.seed), record)
            continue
        ended.add((record.model, record.seed))
        if record.status is not Status.DONE:
            yield _loss(record, f"{record.step:,}", str(record.status).lower(), record.reason)
    for key, record in begun.items():
        if key not in ended:
            yield _loss(record, "–", "unfinished", "its records have no end")


def _loss(record: Record, step: str, how: str, reason: str) -> Loss:
    return Loss(clean(record.dataset), clean(record.model), str(record.seed), step, how, clean(reason))
