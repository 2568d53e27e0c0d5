"""From records to rows: the median over seeds with its interval, and how many seeds there were for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from genbench.analyse.effect import wilson
from genbench.analyse.estimates import Estimate, estimate_over_seeds
from genbench.analyse.sides import LOST
from genbench.analyse.standing import COST, FAILED_TRAINING, TARGET, current
from genbench.core.record import CONTROLS, MODE_SHARE, OUTCOME, Better, Record, Status


@dataclass(frozen=True, slots=True)
class Counts:
    """How the trials of one model ended. A trial that the records name without an end is ``unfinished``."""

    asked: int = 0
    done: int = 0
    failed: int = 0
    diverged: int = 0
    timeout: int = 0
    skipped: int = 0
    interrupted: int = 0
    unfinished: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric of one model: an estimate, or why there is none; both where some seeds lack a value."""

    estimate: Estimate | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One model, or one control, on one dataset.

    Attributes:
        model: the model's label, or the control's name.
        control: whether no model made it.
        counts: how its trials ended; all zero for a control.
        endings: one sentence for each way in which trials ended short, with its reason.
        cells: a cell for every metric of the summary.
    """

    model: str
    control: bool
    counts: Counts
    endings: tuple[str, ...]
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Metric:
    """What the records say of a metric: its dotted name, unit and direction."""

    name: str
    unit: str
    better: Better


@dataclass(frozen=True, slots=True)
class Summary:
    """One dataset of one run: models in the order of the suite, then the controls."""

    run: str
    suite: str
    dataset: str
    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]


def summarise(records: Sequence[Record]) -> tuple[Summary, ...]:
    """Summarise every dataset of every run, in the order of first appearance.

    Runs are never pooled: two runs of one suite give two summaries. Only final numbers count, and within a
    run a later record takes the place of an earlier one of the same number (see ``current``).
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in current(records):
        if not record.metric.startswith(MODE_SHARE):
            groups.setdefault((record.run, record.dataset), []).append(record)
    return tuple(_summary(group) for group in groups.values())


def _summary(records: list[Record]) -> Summary:
    metrics: dict[str, Metric] = {}
    for record in records:
        if record.metric != OUTCOME:
            metrics.setdefault(record.metric, Metric(record.metric, record.unit, record.better))
    models: dict[str, list[Record]] = {}
    for record in records:
        models.setdefault(record.model, []).append(record)
    ranked = sorted(models, key=lambda model: CONTROLS.index(model) if model in CONTROLS else -1)
    rows = tuple(_row(model, models[model], metrics) for model in ranked)
    first = records[0]
    return Summary(first.run, first.suite, first.dataset, tuple(metrics.values()), rows)


def _row(model: str, records: list[Record], metrics: Iterable[str]) -> Row:
    control = model in CONTROLS
    counts = Counts() if control else _count(records)
    endings = () if control else _endings(records, counts)
    by_metric: dict[str, list[Record]] = {}
    for record in records:
        by_metric.setdefault(record.metric, []).append(record)
    cells = {metric: _cell(by_metric.get(metric, []), counts, endings) for metric in metrics}
    return Row(model, control, counts, endings, cells)


def _cell(records: list[Record], counts: Counts, endings: tuple[str, ...]) -> Cell:
    if records and records[0].metric.startswith(TARGET):
        return _until_target(records, counts)
    if records and records[0].metric == FAILED_TRAINING:
        return _share_failed(records, counts, endings)
    return _over_seeds(records, counts, endings)


def _over_seeds(records: list[Record], counts: Counts, endings: tuple[str, ...]) -> Cell:
    """The median over seeds, or the measurement of a whole cohort."""
    valued = [r for r in records if r.value is not None and r.status is Status.DONE]
    reasons = list(_reasons(r for r in records if r.value is None or r.status is not Status.DONE))
    lanes = [r.value for r in valued if r.seed is not None and r.value is not None]
    if lanes:
        estimate = _shared(lanes) if records[0].metric.startswith(COST) else estimate_over_seeds(lanes)
        if estimate.n < counts.done and not reasons:
            reasons.append(f"only {estimate.n} of {counts.done} finished seeds have a value")
        return Cell(estimate, tuple(reasons))
    # A cohort that was trained in parts has one measurement a part; those of fewer lanes are of another size.
    widest = [r for r in valued if r.lanes == max(each.lanes for each in valued)]
    if len(widest) == 1:
        return Cell(_measurement(widest[0]), tuple(reasons))
    if widest:
        return Cell(estimate_over_seeds([r.value for r in widest if r.value is not None]), tuple(reasons))
    skipped = {r.reason for r in records if r.status is Status.SKIPPED}
    if len(skipped) == 1 and all(r.status is Status.SKIPPED for r in records):
        return Cell(None, tuple(skipped))  # the same for every seed: which ones need not be said
    return Cell(None, tuple(reasons) or endings or ("not measured",))


def _until_target(records: list[Record], counts: Counts) -> Cell:
    """What it took to reach the target, over all seeds that were trained to their end.

    A seed that ended, or was lost, without having been there counts as later than any that was: a median
    over those that got there would be the lower, the fewer they are. Where half or more did not, there is
    no median.
    """
    reached = [r.value for r in records if r.value is not None and r.status is Status.DONE]
    never = sum(r.value is None and r.status in (Status.SKIPPED, Status.DIVERGED) for r in records)
    seeds = len(reached) + never
    if not seeds:
        return Cell(None, tuple(_reasons(records)))
    reasons = [f"reached by {len(reached)} of {seeds} seeds"] if never else []
    reasons += _reasons(r for r in records if r.value is None or r.status is not Status.DONE)
    if seeds < counts.done and not reasons:
        reasons.append(f"only {seeds} of {counts.done} finished seeds have a value")
    if 2 * never >= seeds:
        return Cell(None, tuple(reasons))
    # Stands for infinity, with which nothing can be interpolated: whatever has a share in it is later too.
    beyond = 1e9 * max(1.0, *reached)
    estimate = estimate_over_seeds([*reached, *[beyond] * never])
    if estimate.high is not None and estimate.high > max(reached):
        estimate = replace(estimate, high=None)
    return Cell(estimate, tuple(reasons))


def _share_failed(records: list[Record], counts: Counts, endings: tuple[str, ...]) -> Cell:
    """The share of seeds whose training failed, with Wilson's interval, and how each did.

    A seed that was lost on the way (diverged, failed, out of time) has failed as well; one of which it is not
    known, because the measure itself failed, does not count.
    """
    known = [r for r in records if r.value is not None and r.status is Status.DONE]
    # what came to its end and failed is told as what did not: by how it ended, and then why
    told = [replace(r, status=Status.FAILED) for r in known if r.value]
    lost = [r for r in records if r.value is None and r.status in LOST and _ended_so(r, endings)]
    seeds, failed = len(known) + len(lost), len(told) + len(lost)
    others = [r for r in records if r not in known and r not in lost]
    reasons = [*_reasons(told), *_reasons(lost), *_reasons(others)]
    if not seeds:
        skipped = {r.reason for r in others}
        alike = len(skipped) == 1 and all(r.status is Status.SKIPPED for r in others)
        return Cell(None, tuple(skipped) if alike else tuple(reasons))
    if seeds < counts.done and not reasons:
        reasons.append(f"only {seeds} of {counts.done} finished seeds have a value")
    return Cell(Estimate(failed / seeds, *wilson(failed, seeds), seeds), tuple(reasons))


def _ended_so(record: Record, endings: Sequence[str]) -> bool:
    """Whether the trial ended for the reason that this number is missing: not where its measure failed."""
    return record.status is not Status.FAILED or any(record.reason in ending for ending in endings)


def _shared(lanes: Sequence[float]) -> Estimate:
    """What lanes cost has no interval over seeds: they share one clock, and make the same steps."""
    return Estimate(median(lanes), None, None, len(lanes), over="measurement")


def _measurement(record: Record) -> Estimate:
    value, error = record.value or 0.0, record.error
    if error is None:
        return Estimate(value, None, None, 1, over="measurement")
    return Estimate(value, value - error, value + error, 1, over="measurement")


def _count(records: list[Record]) -> Counts:
    asked = {record.seed for record in records if record.seed is not None}
    ended = {record.seed: record.status for record in records if record.metric == OUTCOME}
    asked |= {seed for seed in ended if seed is not None}
    tally = {str(status).lower(): list(ended.values()).count(status) for status in Status}
    return Counts(asked=len(asked), unfinished=len(asked - ended.keys()), **tally)


def _endings(records: list[Record], counts: Counts) -> tuple[str, ...]:
    short = (record for record in records if record.metric == OUTCOME and record.status is not Status.DONE)
    endings = list(_reasons(short))
    if counts.unfinished:
        endings.append(f"unfinished: the records of {counts.unfinished} of {counts.asked} seeds have no end")
    return tuple(endings)


def _reasons(records: Iterable[Record]) -> Iterable[str]:
    """Each distinct way and reason once, with the seeds it struck."""
    struck: dict[tuple[Status, str], list[int | None]] = {}
    for record in records:
        struck.setdefault((record.status, record.reason), []).append(record.seed)
    for (status, reason), seeds in struck.items():
        known = sorted(seed for seed in seeds if seed is not None)
        where = f" (seed{'s' * (len(known) > 1)} {_ranges(known)})" if known else ""
        how = "" if status is Status.DONE else str(status).lower()
        yield f"{how}{where}: {reason}".strip(" :") if how or where else reason


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending whole numbers in few words: ``0–4, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
