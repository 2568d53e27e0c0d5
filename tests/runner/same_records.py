"""Whether two runs say the same: every number but times, every parameter, every curve and every picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from safetensors import safe_open

from genbench.core.record import Record
from genbench.store.journal import read_records

PROVENANCE = frozenset({"run", "env", "code", "at"})
"""Fields of a record that say where and when it was made, and not what was found."""

COUNTED = frozenset({"throughput.parameters", "throughput.flops_per_image"})
"""Columns of throughput that no clock is read for."""

OF_TIMES = frozenset({"value", "error", "n", "status", "reason"})
"""Fields that may differ where the metric is a time (or memory, or energy): all others must agree."""

BESIDE = frozenset({"processes"})
"""Of the protocol of times only: how many processes trained side by side."""

Key = tuple[str, str, str, int | None, int, str]


def is_time(metric: str) -> bool:
    """Whether a clock, a meter or a gauge of memory decides the value of this metric."""
    measured = metric.startswith("throughput.") and metric not in COUNTED
    return measured or metric in {"cost.seconds", "target.seconds"}


def differences(run_a: Path, run_b: Path) -> list[str]:
    """What two run directories do not have in common to the bit, a line each; empty where they agree.

    Records are matched by trial, model, dataset, seed, step and metric. Of one that was written twice, as
    resumed runs may, the last one stands. Times are compared in everything but their numbers. Beside the
    records: parameters, moments and headers of checkpoints, ``curves.jsonl``, ``stability.jsonl``, and the
    pictures in ``grids/``.
    """
    return [*_of_records(run_a, run_b), *_of_files(run_a, run_b)]


def by_key(run: Path) -> dict[Key, Record]:
    """The records of a run by what they are of."""
    records = read_records(run / "records.jsonl")
    return {(r.trial, r.model, r.dataset, r.seed, r.step, r.metric): r for r in records}


def tensors_of(checkpoint: Path) -> dict[str, Any]:
    """The tensors of a checkpoint by name, as NumPy arrays."""
    with safe_open(checkpoint, framework="np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict


def _of_records(run_a: Path, run_b: Path) -> Iterator[str]:
    a, b = by_key(run_a), by_key(run_b)
    for side, other, where in ((a, b, run_a), (b, a, run_b)):
        yield from (f"only in {where.name}: {_told(key)}" for key in side if key not in other)
    for key in a:
        if key not in b:
            continue
        left = PROVENANCE | OF_TIMES if is_time(a[key].metric) else PROVENANCE
        for name in (field.name for field in fields(Record) if field.name not in left):
            one, two = getattr(a[key], name), getattr(b[key], name)
            if name == "protocol" and is_time(a[key].metric):
                one, two = ({k: v for k, v in of.items() if k not in BESIDE} for of in (one, two))
            if one != two or repr(one) != repr(two):  # -0.0 == 0.0, 1 == 1.0
                yield f"{_told(key)}: {name} is {one!r} and {two!r}"


def _told(key: Key) -> str:
    trial, model, dataset, seed, step, metric = key
    return f"{metric} of {model} on {dataset}, seed {seed}, step {step} ({trial})"


def _of_files(run_a: Path, run_b: Path) -> Iterator[str]:
    for pattern in ("trials/*/*.safetensors", "trials/*/curves.jsonl", "trials/*/stability.jsonl", "grids/*"):
        a, b = ({path.relative_to(run): path for path in run.glob(pattern)} for run in (run_a, run_b))
        for name in sorted(a.keys() | b.keys()):
            if name not in a or name not in b:
                yield f"only in {(run_b if name in b else run_a).name}: {name}"
            elif name.suffix == ".safetensors":
                yield from (f"{name}: {what}" for what in _of_checkpoints(a[name], b[name]))
            elif a[name].read_bytes() != b[name].read_bytes():
                yield f"{name} differs"


def _of_checkpoints(a: Path, b: Path) -> Iterator[str]:
    if _header(a) != _header(b):
        yield f"the header is {_header(a)} and {_header(b)}"
    one, two = tensors_of(a), tensors_of(b)
    for name in sorted(one.keys() | two.keys()):
        if name not in one or name not in two:
            yield f"{name} is in one only"
        elif (one[name].dtype, one[name].shape) != (two[name].dtype, two[name].shape):
            yield f"{name} is {one[name].dtype}{one[name].shape} and {two[name].dtype}{two[name].shape}"
        elif one[name].tobytes() != two[name].tobytes():
            yield f"{name} differs by {abs(one[name] - two[name]).max():.3g} at most"


def _header(checkpoint: Path) -> Mapping[str, Any]:
    """What a checkpoint says of itself, but for the code that wrote it."""
    with safe_open(checkpoint, framework="np") as file:
        content = json.loads(file.metadata()["genbench"])
    return {name: value for name, value in content.items() if name not in PROVENANCE}
