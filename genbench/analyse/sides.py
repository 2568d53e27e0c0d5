"""One side of a comparison: what one run, or several runs pooled, have of every model and metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from genbench.analyse.standing import COST, FAILED_TRAINING, TARGET, current
from genbench.core.errors import RecordError
from genbench.core.record import CONTROLS, MODE_SHARE, OUTCOME, Better, Record, Status

LOST = frozenset({Status.DIVERGED, Status.FAILED, Status.TIMEOUT})
"""Endings that count as worse than any number; one that was merely stopped says nothing of the model."""

_SAID_ELSEWHERE = {"quick", "fallback_for"}  # refused, and told in the title

Stamps = Mapping[str, frozenset[str]]
"""What must be equal for two numbers to be compared: keys of protocol and versions, with all their values."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement of a run for all lanes, with the half-width of its own interval if it has one."""

    value: float
    error: float | None


@dataclass(frozen=True, slots=True)
class Side:
    """One metric of one model on one dataset.

    Attributes:
        metric, unit, better: as in the records.
        values: the number of each seed that has one.
        lost: seeds that ended without one, because they diverged, failed, ran out of time, or never reached
            the suite's target: worse than every number.
        measured: instead of ``values`` where lanes share one clock: a measurement a run.
        stamps: protocol and versions.
        reason: why there is no number, where there is none.
        broken: whether that is because training or measuring went wrong.
    """

    metric: str
    unit: str
    better: Better
    values: Mapping[int, float]
    lost: frozenset[int]
    measured: tuple[Measured, ...]
    stamps: Stamps = field(default_factory=dict)
    reason: str = ""
    broken: bool = False

    @property
    def seeds(self) -> frozenset[int]:
        """Seeds that count: with a number, or lost."""
        return self.lost | self.values.keys()

    @property
    def empty(self) -> bool:
        """Whether there is neither a number nor a seed that was lost."""
        return not (self.values or self.lost or self.measured)

    def ordered(self) -> list[float]:
        """The numbers by ascending seed, infinitely bad for seeds that were lost."""
        worst = float("-inf") if self.better is Better.HIGHER else float("inf")
        return [self.values.get(seed, worst) for seed in sorted(self.seeds)]


@dataclass(frozen=True, slots=True)
class ModelSide:
    """One model on one dataset.

    Attributes:
        ended: how the trial of each seed ended; ``INTERRUPTED`` also for one whose records have no end.
        steps: numbers of training steps after which seeds were done.
        metrics: by dotted name.
    """

    ended: Mapping[int, Status] = field(default_factory=dict)
    steps: frozenset[int] = frozenset()
    metrics: Mapping[str, Side] = field(default_factory=dict)

    @property
    def failed(self) -> frozenset[int]:
        """Seeds that diverged, failed or ran out of time."""
        return frozenset(seed for seed, status in self.ended.items() if status in LOST)

    @property
    def unfinished(self) -> frozenset[int]:
        """Seeds that were stopped, skipped, or are still in training."""
        return (
            frozenset(self.ended) - self.failed - {s for s, how in self.ended.items() if how is Status.DONE}
        )


def sides(records: Sequence[Record]) -> dict[tuple[str, str], ModelSide]:
    """All models of one side by (dataset, model), in the order of the records.

    Control rows and histograms over modes are left out. Runs are pooled: seeds of one model that were trained
    in several runs stand side by side. A trial that several runs hold counts once (its measurements of time
    each count, they are repetitions).

    Raises:
        RecordError: two runs hold different trials of one model with the same seed.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in current(records):
        if record.model not in CONTROLS and not record.metric.startswith(MODE_SHARE):
            groups.setdefault((record.dataset, record.model), []).append(record)
    return {key: _model_side(group) for key, group in groups.items()}


def _model_side(records: Sequence[Record]) -> ModelSide:
    chosen = _chosen_runs(records)
    kept = [r for r in records if r.seed is None or chosen[r.seed] == r.run or r.metric.startswith(COST)]
    ended = dict.fromkeys(sorted(chosen), Status.INTERRUPTED)
    ended |= {r.seed: r.status for r in kept if r.metric == OUTCOME and r.seed is not None}
    by_metric: dict[str, list[Record]] = {}
    for record in kept:
        if record.metric != OUTCOME:
            by_metric.setdefault(record.metric, []).append(record)
    steps = frozenset(r.step for r in kept if r.metric == OUTCOME and r.status is Status.DONE)
    side = ModelSide(ended)
    stopped = {r.seed for r in kept if r.metric == OUTCOME} & side.unfinished
    return ModelSide(ended, steps, {name: _side(mine, side, stopped) for name, mine in by_metric.items()})


def _chosen_runs(records: Sequence[Record]) -> dict[int, str]:
    """Of each seed the run whose trial counts: the first in which it came to an end, else the first."""
    trials: dict[int, dict[str, str]] = {}  # seed -> run -> trial
    finished: set[tuple[int, str]] = set()
    for record in records:
        if record.seed is None:
            continue
        trials.setdefault(record.seed, {})[record.run] = record.trial
        if record.metric == OUTCOME and record.status in LOST | {Status.DONE}:
            finished.add((record.seed, record.run))
    for seed, by_run in trials.items():
        if len(set(by_run.values())) > 1:
            runs, model = " and ".join(by_run), records[0].model
            raise RecordError(
                f"runs {runs} hold different trials of {model} with seed {seed}, so they cannot be pooled as "
                "one side. Compare them with each other, or pool runs of the same suite with other seeds."
            )
    return {
        seed: next((run for run in by_run if (seed, run) in finished), next(iter(by_run)))
        for seed, by_run in trials.items()
    }


def _side(records: Sequence[Record], whole: ModelSide, stopped: set[int | None]) -> Side:
    first, failed = records[0], whole.failed
    lasting = first.metric.startswith(TARGET)  # there, to have skipped is never to have got there
    found = [r for r in records if r.value is not None and r.status is Status.DONE]
    values: dict[int, float] = {}
    lost: set[int] = set()
    measured: tuple[Measured, ...] = ()
    if first.metric.startswith(COST):
        measured = tuple(_cost_of_runs(found))
    elif any(r.seed is None for r in records):
        # a cohort that was trained in parts: those of fewer lanes are of another size
        widest = max((r.lanes for r in found), default=0)
        found = [r for r in found if r.lanes == widest and r.seed is None]
        measured = tuple(_one_a_run(found))
    else:
        ended = [r for r in found if r.seed not in stopped]  # it may have been half done
        values = {r.seed: r.value for r in ended if r.seed is not None and r.value is not None}
        for r in records:
            short = r.status in LOST or (lasting and r.value is None and r.status is Status.SKIPPED)
            if r.seed is not None and (short or r.seed in failed):
                lost.add(r.seed)
        skipped = {r.seed for r in records if r.value is None and r.status is Status.SKIPPED}
        skipped -= whole.unfinished
        if values or lasting:
            # infinite, or not to be computed, though other seeds of the model have it: as bad as can be
            lost = (lost | failed | {seed for seed in skipped if seed is not None}) - values.keys()
        elif skipped:
            lost = set()  # a model that can have no such number has not lost it
        elif lost:
            lost |= failed
        if first.metric == FAILED_TRAINING:  # a seed that was lost has failed, no worse than others that did
            values |= dict.fromkeys(lost - skipped, 1.0)
            lost = set()
    reasons = dict.fromkeys(r.reason for r in records if r.reason)
    return Side(
        metric=first.metric,
        unit=first.unit,
        better=first.better,
        values=dict(sorted(values.items())),
        lost=frozenset(lost),
        measured=measured,
        stamps=stamps_of(found or records),
        reason="" if found else "; ".join(reasons),
        broken=not found and any(r.status in LOST for r in records),
    )


def _one_a_run(records: Sequence[Record]) -> Iterator[Measured]:
    """Parts of one cohort were measured one after another on one machine: one measurement, not several."""
    by_run: dict[str, list[Record]] = {}
    for record in records:
        by_run.setdefault(record.run, []).append(record)
    for parts in by_run.values():
        middle = median(part.value or 0.0 for part in parts)
        apart = max(abs((part.value or 0.0) - middle) for part in parts)
        errors = [part.error for part in parts if part.error is not None]
        yield Measured(middle, max(errors) + apart if len(errors) == len(parts) else None)


def _cost_of_runs(records: Sequence[Record]) -> Iterator[Measured]:
    """What lanes cost is shared by those of a cohort: one measurement a run."""
    by_run: dict[str, list[float]] = {}
    for record in records:
        if record.value is not None:
            by_run.setdefault(record.run, []).append(record.value)
    return (Measured(median(values), None) for values in by_run.values())


def stamps_of(records: Sequence[Record]) -> Stamps:
    """What these records say of their protocol and versions, but for what is said elsewhere."""
    seen: dict[str, set[str]] = {}
    for record in records:
        for key, value in record.protocol.items():
            if key not in _SAID_ELSEWHERE:
                seen.setdefault(key.replace("_", " "), set()).add(_plain(value))
        for key, version in record.versions.items():
            if key != "model":  # another version of the model is what may be compared
                seen.setdefault(f"{key} version", set()).add(version)
    return {key: frozenset(values) for key, values in seen.items()}


def _plain(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def mismatch(base: Side, new: Side, names: tuple[str, str] = ("base", "new")) -> str:
    """What differs in the protocols behind two sides, or within one of them; empty if nothing does."""
    # what could not be taken has only those stamps that are known beforehand
    whole = all(side.values or side.measured for side in (base, new))
    told = []
    for name, one in zip(names, (base, new), strict=True):
        told += [
            f"{key} differs within {name} ({', '.join(sorted(values))})"
            for key, values in one.stamps.items()
            if len(values) > 1
        ]
    for key in dict.fromkeys([*base.stamps, *new.stamps]):
        old, now = base.stamps.get(key, frozenset()), new.stamps.get(key, frozenset())
        if not whole and not (old and now):
            continue
        if old != now and max(len(old), len(now)) == 1:
            told.append(f"{key} {_listed(old)} and {_listed(now)}")
    if (base.unit, base.better) != (new.unit, new.better):
        told.append(
            f"unit or direction ({base.unit or 'none'} {base.better}, {new.unit or 'none'} {new.better})"
        )
    return ", ".join(told)


def _listed(values: frozenset[str]) -> str:
    return ", ".join(sorted(values)) or "not stated"
