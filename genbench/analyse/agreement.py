"""Whether numbers of two runs may stand in one column: as ``compare`` judges, and by their control rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from genbench.analyse.sides import Side, mismatch, stamps_of
from genbench.analyse.standing import COST, current
from genbench.core.record import CONTROLS, OUTCOME, Record, Status, group_of

_SHARE = 0.01
"""Control rows are the same samples in every run: arithmetic alone makes their scores differ by less."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What decides whether numbers of one run on one dataset stand beside those of another.

    Attributes:
        quick: whether the run was shortened.
        wanted: the dataset that was asked for, where this one had to do; empty if it is this one.
        open: whether a trial that was evaluated on the way has no end, so that its last number is not known.
        stamps: by metric, each protocol there is once, as a side without its numbers.
        controls: scores of every control row, by row and metric.
    """

    quick: bool
    wanted: str
    open: bool
    stamps: Mapping[str, tuple[Side, ...]]
    controls: Mapping[tuple[str, str], tuple[float, ...]]


def looks_of(records: Sequence[Record]) -> Looks:
    """Look at the records of one run on one dataset."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in current(records):
        if record.metric != OUTCOME:
            found.setdefault((record.model, record.metric), []).append(record)
    stamps: dict[str, list[Side]] = {}
    for (model, metric), mine in found.items():
        if (side := _without_numbers(mine, model)) not in stamps.setdefault(metric, []):
            stamps[metric].append(side)
    scores = {
        key: tuple(r.value for r in mine if r.value is not None)
        for key, mine in found.items()
        if key[0] in CONTROLS
    }
    return Looks(
        quick=any(record.protocol.get("quick") is True for record in records),
        wanted=next((str(r.protocol["fallback_for"]) for r in records if r.protocol.get("fallback_for")), ""),
        open=_is_open(records),
        stamps={metric: tuple(mine) for metric, mine in stamps.items()},
        controls={key: values for key, values in scores.items() if values},
    )


def _without_numbers(records: Sequence[Record], model: str) -> Side:
    """One metric of one model as ``sides`` has it, in place of its numbers only whether there are any.

    A control row has none: it was not trained, so that it is held only to what both sides state.
    """
    first = records[0]
    valued = [r for r in records if r.value is not None and r.status is Status.DONE]
    widest = max((r.lanes for r in valued if r.seed is None), default=0)
    valued = [r for r in valued if r.seed is not None or r.lanes == widest]
    numbers = {0: 0.0} if valued and model not in CONTROLS else {}
    stamps = stamps_of(valued or records)
    return Side(first.metric, first.unit, first.better, numbers, frozenset(), (), stamps)


def disagreement(one: Looks, other: Looks, group: str, names: tuple[str, str]) -> str:
    """Why the metrics of a group (``quality``) of two runs cannot stand in one table; empty if they can."""
    for looks, name in zip((one, other), names, strict=True):
        if looks.open:
            return f"{name} has trials that were cut short, or are still in training"
    if one.quick != other.quick:
        return f"{names[0] if one.quick else names[1]} was shortened by --quick"
    if one.wanted != other.wanted:
        return " and ".join(
            f"{name} has this dataset as a fallback for {looks.wanted}"
            for looks, name in zip((one, other), names, strict=True)
            if looks.wanted
        )
    for metric in (m for m in one.stamps if m in other.stamps and group_of(m) == group):
        for mine in one.stamps[metric]:
            for theirs in other.stamps[metric]:
                if told := mismatch(mine, theirs, names):
                    return told
    for (control, metric), here in one.controls.items():
        there = other.controls.get((control, metric), ())
        if group_of(metric) == group and there and not _alike(here, there):
            return (
                f"control row {control} has {metric} {median(here):.3g} and {median(there):.3g}, "
                "though it is the same samples"
            )
    return ""


def _is_open(records: Sequence[Record]) -> bool:
    steps: dict[str, set[int]] = {}
    evaluated: set[str] = set()
    for record in records:
        if record.seed is not None:
            steps.setdefault(record.trial, set()).add(record.step)
            if record.metric.startswith(COST):
                evaluated.add(record.trial)
    ended = {record.trial for record in records if record.metric == OUTCOME}
    evaluated |= {trial for trial, seen in steps.items() if len(seen) > 1}
    return bool(evaluated - ended)


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    apart = abs(median(one) - median(other))
    scatter = max(max(scores) - min(scores) for scores in (one, other))
    return apart <= max(scatter, _SHARE * max(abs(median(one)), abs(median(other))))
