"""Small records of one dataset, and the scope that figures draw."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genbench.analyse.merge import Merged
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.figures.plot import Scope
from genbench.report.figures.scopes import scopes_of
from genbench.store.rundir import TrialDirectory

HIGHER = ("precision", "recall", "density", "coverage", "covered", "high_quality", "entropy", "elbo", "per_s")
UNITS = {"covered": "classes", "kl": "nats", "seconds": "s", "per_s": "images/s", "steps": "s"}


def record(metric: str, value: float | None, **change: Any) -> Record:
    """One record of seed 0 of ``gan``; which direction is good follows from the metric's last word."""
    higher = metric.endswith(HIGHER)
    neither = metric.startswith(("mode_share.", "memorization.")) or metric in (OUTCOME, "cost.images")
    content: dict[str, Any] = {
        "run": "run", "suite": "s", "model": "gan", "dataset": "data", "seed": 0, "step": 2000,
        "metric": metric, "value": value, "error": None,
        "unit": next((unit for end, unit in UNITS.items() if metric.endswith(end)), ""),
        "better": Better.NEITHER if neither else Better.HIGHER if higher else Better.LOWER, "n": 100,
        "lanes": 3, "status": Status.DONE if value is not None else Status.FAILED,
        "reason": "" if value is not None else "for a reason", "versions": {}, "protocol": {}, "env": "e",
        "code": "c", "at": "now",
    }  # fmt: skip
    content["trial"] = f"{change.get('model', 'gan')}-{change.get('seed', 0)}".encode().hex()
    return Record(**{**content, **change})


def trained(
    model: str, numbers: Mapping[str, Sequence[float | None]], lost: Sequence[int] = (), **change: Any
) -> list[Record]:
    """A number a seed of each metric, then the seeds' ends; those that were lost diverged."""
    seeds = range(max([len(values) for values in numbers.values()] + [seed + 1 for seed in lost]))
    records = [
        record(metric, values[seed], model=model, seed=seed, **change)
        for seed in seeds
        for metric, values in numbers.items()
        if seed < len(values) and seed not in lost
    ]
    for seed in seeds:
        how = {"status": Status.DIVERGED, "reason": "not finite"} if seed in lost else {}
        records.append(record(OUTCOME, 2000.0, model=model, seed=seed, **how, **change))
    return records


def control(name: str, numbers: Mapping[str, Sequence[float]], **change: Any) -> list[Record]:
    """A control row with several draws."""
    return [
        record(metric, value, model=name, seed=draw, step=0, lanes=1, trial=f"{name}{draw}", **change)
        for metric, values in numbers.items()
        for draw, value in enumerate(values)
    ]


def cohort(model: str, numbers: Mapping[str, tuple[float, float | None]], **change: Any) -> list[Record]:
    """Measurements of all lanes together, with the half-width of their intervals."""
    return [
        record(metric, value, error=error, model=model, seed=None, **change)
        for metric, (value, error) in numbers.items()
    ]


def scope_of(records: Sequence[Record], folders: Mapping[str, Path] | None = None) -> Scope:
    """The one scope of records of one run and dataset."""
    trials = {trial: TrialDirectory(path) for trial, path in (folders or {}).items()}
    (scope,) = scopes_of(Merged(tuple(records), trials, ()))
    return scope
