"""``genbench check`` of a measure: what its numbers say of samples that everybody knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genbench.core.errors import PluginError
from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Final, Measure, Reference
from genbench.runner.check.blame import raised, source_of
from genbench.runner.check.bystanders import nobodys_random_numbers
from genbench.runner.check.dataset import told
from genbench.runner.check.finding import Fault, Finding, NotRun, Outcome, failed, skipped
from genbench.runner.check.taken import CPU, SAMPLES, Taken, digits, points
from genbench.train.clock import peak_memory

LONGEST_S = 30.0
"""Seconds that so many samples may take without their features; ten thousand take 20 times as long."""

MOST_MIB = 2048
"""Memory that so many samples may take."""

TOLERANCE = 1e-4
"""Relative difference that the order of float32 sums may make."""


def check_measure(name: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Check one registered measure on handwritten digits and on points; nothing is trained.

    Args:
        name: in the registry.
        options: none; a measure has no table in a suite.
    """
    kind = measures.get(name)
    if options:
        yield failed("options", "a measure has none: suites only name it", "Leave `--set` out.")
    file = source_of(kind)
    try:
        measure: Measure = kind()
    except Exception as error:
        yield failed("columns", f"making it raises {raised(error, file)}", "It is made without arguments.")
        return
    columns = told("columns", lambda: _columns(name, measure))
    yield columns
    why = ""
    if columns.outcome is Outcome.FAILED:
        why = "it means nothing before 'columns' holds"
    elif measure.per_cohort or isinstance(measure, Final):
        why = "it needs a trained model: a suite with `--quick` tries it"
    if why:
        yield skipped("data", why)
        return
    every = [Taken(measure, Reference(data(), CPU), file) for data in (digits, points)]
    problems = {taken.kind: problem for taken in every if (problem := _problem(taken))}
    fit = [taken for taken in every if taken.kind not in problems]
    yield _data(fit, problems)
    for check, run in CHECKS.items():
        if fit:
            yield told(check, partial(_on_each, run, fit))
        else:
            yield skipped(check, "it means nothing before 'data' holds")


def _columns(name: str, measure: Measure) -> str:
    if not measure.columns:
        raise Fault("it has no columns", "Declare each of its numbers as a `Column`.")
    for column in measure.columns:
        if not re.fullmatch(r"[A-Za-z]\w*\.[A-Za-z]\w*", column.metric, re.ASCII):
            raise Fault(f"{column.metric!r} is no name of two parts", "Call it such as 'mine.sharpness'.")
        if not column.meaning:
            raise Fault(
                f"{column.metric} does not say what it means; `genbench list metrics` shows it",
                "Give it a `meaning` of one line, or the function a docstring.",
            )
        if column.low is not None and column.high is not None and column.low > column.high:
            raise Fault(f"{column.metric} has an empty range", "Exchange `low` and `high`.")
    own = [column.metric for column in measure.columns]
    for other in measures.names():
        if other != name and (taken := sorted({*own} & {c.metric for c in _columns_of(other)})):
            raise Fault(
                f"{taken[0]} is a number of the measure {other!r} too ({measures.origin(other)})",
                f"Call it something else than {measures.origin(name)} does, in a family of your own.",
            )
    arrows = {Better.HIGHER: ", higher is better", Better.LOWER: ", lower is better", Better.NEITHER: ""}
    return "; ".join(f"{column.metric}{arrows[column.better]}" for column in measure.columns)


def _columns_of(name: str) -> tuple[Column, ...]:
    try:
        return measures.get(name).columns  # type: ignore[attr-defined, no-any-return]
    except (PluginError, AttributeError):  # another one is broken, which its own check tells
        return ()


def _problem(taken: Taken) -> str:
    """Why it has no number for real data of this kind; empty where it has one."""
    try:
        readings = taken.of(taken.real_samples)
    except Exception as error:
        return f"raises {raised(error, taken.file)}"
    if any(reading.value is not None for reading in readings):
        return ""
    return f"has a dash: {readings[0].reason}" if readings else "has no number"


def _data(fit: Sequence[Taken], problems: Mapping[str, str]) -> Finding:
    words = "; ".join(f"on {kind} it {problem}" for kind, problem in problems.items())
    if not fit:
        return failed("data", words, "Real data of one kind at least must have a number.")
    broken = any(problem.startswith("raises") for problem in problems.values())
    takes = " and ".join(taken.kind for taken in fit)
    more = ' (raise ValueError("needs images") where that is meant: a dash, and no failure)' if broken else ""
    return Finding("data", Outcome.PASSED, f"takes {takes}{'; ' if words else ''}{words}{more}")


def _on_each(run: Callable[[Taken], str], fit: Sequence[Taken]) -> str:
    words = []
    for taken in fit:
        try:
            words.append(run(taken))
        except (Fault, NotRun):
            raise
        except Exception as error:
            raise Fault(
                f"on {taken.kind} it raises {raised(error, taken.file)}",
                "Return a number, or raise ValueError with the reason why there is none.",
            ) from error
    return words[0] if len(set(words)) == 1 else "; ".join(
        f"{taken.kind}: {text}" for taken, text in zip(fit, words, strict=True)
    )  # fmt: skip


def _real(taken: Taken) -> str:
    return _listed(taken.real)


def _same_again(taken: Taken) -> str:
    again = taken.control("real")
    for metric, value in taken.real.items():
        if again.get(metric) != value:
            raise Fault(
                f"{metric} of the same {taken.kind} is {value:g} and then {again.get(metric)}",
                "Draw with `torch.Generator().manual_seed(0)` if you must draw at all.",
            )
    return "the same number"


def _order(taken: Taken) -> str:
    order = torch.randperm(len(taken.real_samples), generator=torch.Generator().manual_seed(0))
    straight, shuffled = taken.values(taken.real_samples), taken.values(taken.real_samples[order])
    for metric, value in straight.items():
        other = shuffled.get(metric)
        if other is None or abs(other - value) > TOLERANCE * max(abs(value), abs(other), TOLERANCE):
            raise Fault(
                f"{metric} of the same {taken.kind} in another order is {other} and not {value:g}",
                "Samples are a set: no number may depend on which is first.",
            )
    return "the order of samples does not matter"


def _depends(taken: Taken) -> str:
    others = {name: taken.control(name) for name in ("noise", "collapsed", "memorized")}
    for metric, value in taken.real.items():
        if all(numbers.get(metric) == value for numbers in others.values()):
            raise Fault(
                f"{metric} is {value:g} for real {taken.kind}, for noise, for one class and for copies alike",
                "See that the number is computed from `samples`.",
            )
    better = [
        f"noise is better in {column.metric} than real {taken.kind}"
        for column in taken.measure.columns
        if _beats(column, others["noise"].get(column.metric), taken.real.get(column.metric))
    ]
    return "; ".join([f"noise: {_listed(others['noise'])}", *better])


def _beats(column: Column, one: float | None, other: float | None) -> bool:
    if one is None or other is None or column.better is Better.NEITHER:
        return False
    return one > other if column.better is Better.HIGHER else one < other


def _degenerate_sets(taken: Taken) -> dict[str, Tensor]:
    real = taken.real_samples
    return {
        "samples that are zero": torch.zeros_like(real),
        "one sample, repeated": real[:1].expand_as(real).clone(),
        "samples of one class": control_samples("collapsed", taken.reference.dataset, SAMPLES, 0).samples,
        "two samples": real[:2],
        "a single sample": real[:1],
    }


def _degenerate(taken: Taken) -> str:
    dashes = 0
    for what, samples in _degenerate_sets(taken).items():
        try:
            readings = taken.of(samples)
        except Exception as error:
            raise Fault(
                f"for {what} ({taken.kind}) it raises {raised(error, taken.file)}",
                "A model that collapsed makes such: return a number, or raise ValueError with the reason.",
            ) from error
        for reading in readings:
            if reading.value is not None and not np.isfinite(reading.value):
                raise Fault(
                    f"{reading.column.metric} is {reading.value} for {what}", "Give None and a reason."
                )
            if reading.value is None and not reading.reason:
                raise Fault(f"{reading.column.metric} has no number for {what} and no reason", "Say why.")
            dashes += reading.value is None and not _never(taken, reading.column.metric)
    return "a number each" if not dashes else "a number, or a dash with a reason"


def _never(taken: Taken, metric: str) -> bool:
    return metric not in taken.real


def _range(taken: Taken) -> str:
    columns = {column.metric: column for column in taken.measure.columns}
    seen: dict[str, list[float]] = {}
    sets = [taken.values(samples) for samples in _degenerate_sets(taken).values()]
    for numbers in (taken.real, taken.control("noise"), taken.control("memorized"), *sets):
        for metric, value in numbers.items():
            if metric not in columns:
                raise Fault(f"it gives {metric}, which is none of its columns", "Declare it.")
            seen.setdefault(metric, []).append(value)
    for metric, values in seen.items():
        low, high = columns[metric].low, columns[metric].high
        if (low is not None and min(values) < low) or (high is not None and max(values) > high):
            raise Fault(
                f"{metric} runs from {min(values):g} to {max(values):g}, outside of its range",
                "Declare `low` and `high` as they are, or leave them out.",
            )
    return ", ".join(f"{metric} {min(values):.3g} to {max(values):.3g}" for metric, values in seen.items())


def _leaves_inputs(taken: Taken) -> str:
    samples, before = taken.real_samples.clone(), taken.reference.dataset.hash
    list(taken.measure(Evidence(taken.reference, samples)))
    if not torch.equal(samples, taken.real_samples):
        raise Fault("it changes the samples, which the next measure sees", "Work on `samples.clone()`.")
    if taken.reference.dataset.hash != before:
        raise Fault("it changes the real data", "Work on a copy of it.")
    return "samples and real data stay as they are"


def _random_numbers(taken: Taken) -> str:
    _ = taken.real  # whatever is imported on the way is so by now
    with nobodys_random_numbers("it", "Draw with `torch.Generator().manual_seed(0)`, if at all."):
        taken.of(taken.real_samples)
    return "none of those that all share"


def _cost(taken: Taken) -> str:
    _ = taken.real  # features of the real side are made once
    evidence = Evidence(taken.reference, taken.real_samples)
    _ = evidence.features
    before, began = peak_memory(CPU), perf_counter()
    list(taken.measure(evidence))
    took, after = perf_counter() - began, peak_memory(CPU)
    if took > LONGEST_S:
        raise Fault(f"{SAMPLES} {taken.kind} take {took:.0f} s", "A run takes it of every lane and control.")
    grown = (after - before) / 2**20 if before is not None and after is not None else 0.0
    if grown > MOST_MIB:
        raise Fault(f"{SAMPLES} {taken.kind} take {grown:,.0f} MiB more", "Go through the samples in parts.")
    return f"{took:.2g} s for {SAMPLES} {taken.kind}"


CHECKS: Mapping[str, Callable[[Taken], str]] = {
    "real data": _real,
    "same again": _same_again,
    "order": _order,
    "tells apart": _depends,
    "degenerate": _degenerate,
    "range": _range,
    "inputs": _leaves_inputs,
    "random numbers": _random_numbers,
    "cost": _cost,
}
"""Of a measure of samples, on each kind of data that it has numbers for."""


def _listed(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{metric} {value:.3g}" for metric, value in numbers.items())
