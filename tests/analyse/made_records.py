"""Records as a run writes them, made up for tests of comparisons."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genbench.core.record import OUTCOME, Better, Record, Status

BARE: dict[str, Any] = {"quick": False, "precision": "float32", "batch_size": 64}
"""What every record of a trial is stamped with, those of numbers that could not be taken too."""


@dataclass(frozen=True)
class Column:
    """What a metric is, and what its numbers (but not the lack of them) are stamped with."""

    better: Better = Better.LOWER
    unit: str = ""
    version: str = "1"
    versions: Mapping[str, str] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)


_SAMPLES = {"n_real": 1000, "n_fake": 500, "reference": "test", "extractor": "cnn"}
_HASHES = {"features": "f00", "data": "da7a"}
_CLOCK = {"lanes": 4, "device": "box"}

COLUMNS = {
    "quality.fid": Column(protocol=_SAMPLES, versions=_HASHES),
    "quality.recall": Column(Better.HIGHER, protocol={**_SAMPLES, "k": 5}, versions=_HASHES),
    "quality.spread": Column(Better.NEITHER, protocol=_SAMPLES, versions=_HASHES),
    "modes.covered": Column(Better.HIGHER, "classes", protocol=_SAMPLES, versions=_HASHES),
    "target.steps": Column(unit="steps", protocol={"target": "quality.fid ≤ 5"}),
    "cost.seconds": Column(unit="s", protocol=_CLOCK),
    "throughput.images_per_s": Column(Better.HIGHER, "images/s", protocol=_CLOCK),
    "throughput.utilization": Column(Better.HIGHER, protocol={"lanes": 4}),
}

LOST = (Status.DIVERGED, Status.FAILED, Status.TIMEOUT)


def record(metric: str, value: float | None, **change: Any) -> Record:
    """One record; of a number that is not there only what is known before it is taken is stamped."""
    column = change.pop("column", None) or COLUMNS.get(metric) or Column()
    status = change.pop("status", Status.DONE if value is not None else Status.SKIPPED)
    bare = value is None and status is not Status.SKIPPED
    about = change.get("dataset", "digits"), change.get("model", "gan"), str(change.get("seed", 0))
    content: dict[str, Any] = {
        "run": "base", "suite": "s", "trial": " ".join(about),
        "model": "gan", "dataset": "digits", "seed": 0, "step": 100, "metric": metric, "value": value,
        "error": None, "unit": column.unit, "better": column.better, "n": 1, "lanes": 4, "status": status,
        "reason": "" if value is not None else f"{status} for a reason".lower(),
        "versions": {"metric": column.version, "model": "1", **({} if bare else column.versions)},
        "protocol": {**BARE, **({} if bare else column.protocol)}, "env": "e", "code": "c", "at": "now",
    }  # fmt: skip
    return Record(**{**content, **change})


def outcome(status: Status = Status.DONE, **change: Any) -> Record:
    """The last record of a trial."""
    reason = "" if status is Status.DONE else f"{status} for a reason".lower()
    return record(
        OUTCOME, 100.0, status=status, reason=reason, column=Column(Better.NEITHER, "steps"), **change
    )


def trial(
    values: Mapping[str, float | None],
    status: Status = Status.DONE,
    *,
    columns: Mapping[str, Column] = COLUMNS,
    ended: bool = True,
    **change: Any,
) -> list[Record]:
    """One trial: its numbers, or, unless it is DONE, the lack of them; then its end."""
    numbers = [
        record(name, value, column=columns.get(name), **change)
        if status is Status.DONE
        else record(name, None, column=columns.get(name), status=status, **change)
        for name, value in values.items()
    ]
    return [*numbers, outcome(status, **change)] if ended else numbers


def trained(
    numbers: Mapping[str, Sequence[float | None]],
    *,
    endings: Mapping[int, Status] | None = None,
    seeds: Sequence[int] | None = None,
    cohort: Mapping[str, Iterable[tuple[float, float | None]]] | None = None,
    **change: Any,
) -> list[Record]:
    """One model in one run: a number a seed of each metric, in the order of the seeds.

    Args:
        numbers: by metric.
        endings: of seeds that did not end well.
        seeds: 0, 1, ... if not given.
        cohort: by metric, measurements of all lanes together, each with the half-width of its interval.
        change: fields of all records.
    """
    count = max((len(values) for values in numbers.values()), default=0)
    chosen = range(count) if seeds is None else seeds
    records = []
    for place, seed in enumerate(chosen):
        mine = {name: values[place] for name, values in numbers.items() if place < len(values)}
        records += trial(mine, (endings or {}).get(seed, Status.DONE), seed=seed, **change)
    for name, measurements in (cohort or {}).items():
        change.pop("columns", None)
        records += [
            record(name, value, error=error, **{**change, "seed": None, "trial": f"cohort {part}"})
            for part, (value, error) in enumerate(measurements)
        ]
    return records


def changed(records: Iterable[Record], **change: Any) -> list[Record]:
    """The same records with other fields."""
    return [replace(each, **change) for each in records]


def stamped(records: Iterable[Record], metrics: Collection[str] = (), **protocol: Any) -> list[Record]:
    """The same records with something else in the protocol of these metrics, of all if none is named."""
    return [
        replace(each, protocol={**each.protocol, **protocol})
        if not metrics or each.metric in metrics
        else each
        for each in records
    ]
