"""Which of a trial's records count: the final ones for tables, all of them for the course of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from genbench.core.record import CONTROLS, MODE_SHARE, OUTCOME, Record, Status

COST = "cost."
"""Begins the metrics of what a trial had cost until a step; the runner writes them at every evaluation."""

TARGET = "target."
"""Begins the metrics of what it took a trial to reach the suite's target; written at its end."""

FAILED_TRAINING = "stability.failed"
"""The metric that is 1 for a seed whose training came to its end and yet failed; of a model it is a share."""

_MEASURED = (Status.DONE, Status.FAILED)
"""Endings of trials that were measured; of those that failed, some number is missing."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One model at one step of its training.

    Attributes:
        step: finished training steps.
        values: a metric's value of each seed that has one there, in its unit.
        cost: median over these seeds of what each had cost until then, by metric (``cost.seconds``, ...).
    """

    step: int
    values: tuple[float, ...]
    cost: Mapping[str, float]


def current(records: Sequence[Record]) -> list[Record]:
    """The final numbers: of each trial those of the step at which it ended.

    What was taken on the way is left out, and so is what was written before a resumed run began the trial
    again: the last record of each number stands. A trial without an end is taken at its largest step. Where
    the records show that it was evaluated on the way, nobody can tell whether that step is its last: its
    numbers are missing then. What a trial lacks is written as missing at its end, but for the histogram over
    modes: of a trial that was stopped or diverged there is none.
    """
    records = last_attempts(records)
    ends, unfinished = _ends(records)
    largest: dict[tuple[str, str], int] = {}
    for record in records:
        trial = (record.run, record.trial)
        largest[trial] = max(record.step, largest.get(trial, 0))
    stopped = {(r.run, r.trial) for r in records if r.metric == OUTCOME and r.status not in _MEASURED}
    last: dict[tuple[object, ...], Record] = {}
    # a cohort that was interrupted may have been continued in parts, whose numbers are theirs
    measured = {_of(r) for r in records if r.seed is None and r.status is not Status.INTERRUPTED}
    for record in records:
        trial = (record.run, record.trial)
        if trial in stopped and record.metric.startswith(MODE_SHARE):
            continue
        if record.seed is None:  # of a whole cohort, which has no numbers on the way
            if record.status is not Status.INTERRUPTED or _of(record) not in measured:
                last[(*_of(record), record.trial)] = record
        elif record.step == ends.get(trial, largest[trial]):
            final = _without_an_end(record) if trial in unfinished else record
            last[record.run, record.dataset, record.model, record.metric, record.seed] = final
    return list(last.values())


def _of(record: Record) -> tuple[str, str, str, str]:
    return record.run, record.dataset, record.model, record.metric


def courses(records: Sequence[Record], metric: str) -> dict[str, tuple[Spot, ...]]:
    """How a metric went while each model was trained, at every step at which some seed has a value.

    A resumed run repeats what was not finished: the last record of each number at each step stands, and none
    beyond the step at which the trial ended, nor of an attempt that had an end before it was begun again.

    Args:
        records: of one run and one dataset.
        metric: dotted name.

    Returns:
        By model, in the order of the records; ascending steps.
    """
    records = last_attempts(records)
    ends, _ = _ends(records)
    found: dict[tuple[str, int], dict[str, dict[int, float]]] = {}  # (model, step) -> metric -> seed -> value
    for record in records:
        if record.seed is None or record.model in CONTROLS:
            continue
        if record.step > ends.get((record.run, record.trial), record.step):
            continue
        by_seed = found.setdefault((record.model, record.step), {}).setdefault(record.metric, {})
        by_seed.pop(record.seed, None)
        if record.value is not None and record.status is Status.DONE:
            by_seed[record.seed] = record.value
    spots: dict[str, list[Spot]] = {}
    for (model, step), by_metric in found.items():
        if values := by_metric.get(metric):
            cost = dict(_medians(by_metric, set(values)))
            spots.setdefault(model, []).append(Spot(step, tuple(values.values()), cost))
    return {model: tuple(sorted(mine, key=lambda spot: spot.step)) for model, mine in spots.items()}


def last_attempts(records: Sequence[Record]) -> list[Record]:
    """The records without those of attempts that were begun again.

    An outcome is the last record of a trial. Where another follows, the run was resumed: a trial that was
    interrupted was continued, and only what it lacked when it was interrupted no longer counts; any other
    trial was begun again, and nothing before counts. An interrupt right after an end, whose outcome was
    written when the signal came, says nothing.
    """
    began: dict[tuple[str, str], int] = {}
    continued: dict[tuple[str, str], int] = {}
    over: dict[tuple[str, str], Status] = {}
    void: set[int] = set()
    for place, record in enumerate(records):
        trial = (record.run, record.trial)
        ended = over.get(trial, Status.INTERRUPTED) is not Status.INTERRUPTED
        if ended and record.status is Status.INTERRUPTED:
            void.add(place)
            continue
        if trial in over:
            (continued if over.pop(trial) is Status.INTERRUPTED else began)[trial] = place
        if record.metric == OUTCOME:
            over[trial] = record.status
    kept = []
    for place, record in enumerate(records):
        trial = (record.run, record.trial)
        if record.status is Status.INTERRUPTED and place < continued.get(trial, 0):
            continue
        if place >= began.get(trial, 0) and place not in void:
            kept.append(record)
    return kept


def _ends(records: Sequence[Record]) -> tuple[dict[tuple[str, str], int], set[tuple[str, str]]]:
    """The step at which each trial ended, by run and trial; and those that were evaluated but have no end."""
    ends = {(r.run, r.trial): r.step for r in records if r.metric == OUTCOME}
    evaluated = {(r.run, r.trial) for r in records if r.metric.startswith(COST)}
    return ends, evaluated - ends.keys()


def _without_an_end(record: Record) -> Record:
    reason = f"cut short, or still in training, after the evaluation at step {record.step:,}"
    return replace(record, value=None, error=None, status=Status.INTERRUPTED, reason=reason)


def _medians(by_metric: Mapping[str, Mapping[int, float]], seeds: set[int]) -> Iterator[tuple[str, float]]:
    for metric, by_seed in by_metric.items():
        spent = [value for seed, value in by_seed.items() if seed in seeds]
        if metric.startswith(COST) and spent:
            yield metric, median(spent)
