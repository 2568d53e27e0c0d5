"""What a run would do, without doing it: every check that needs no training and no download."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from genbench.core.errors import PluginError, told_by
from genbench.core.registry import models
from genbench.data.fetch import offline
from genbench.runner.executors import check_found_elsewhere, divide, processes_of
from genbench.runner.gates import check_gates, doubts
from genbench.runner.measuring import chosen_measures
from genbench.runner.prepare import locate, source_of
from genbench.runner.sample import build_model
from genbench.runner.target import goal_of
from genbench.suite.plan import DataSpec, make_plan
from genbench.suite.schema import DatasetEntry, Suite
from genbench.train.accounting import images_per_step
from genbench.train.device import choose_device, compiler_missing, device_name, fast_bfloat16


def preview(suite: Suite, device: str, executor: str = "inline") -> Iterator[str]:
    """The plan of a suite, line by line, after checking all of it.

    Args:
        suite: from ``load_suite``.
        device: ``auto``, ``cpu`` or ``cuda``.
        executor: ``inline``, ``processes`` or ``processes:N``.

    Raises:
        GenbenchError: an option is wrong, or the device cannot be used.
    """
    chosen, wanted = choose_device(device), processes_of(executor)
    # nothing is loaded here, so which precision `auto` takes for a dataset is not known yet
    specs = [DataSpec(entry.name, str(number)) for number, entry in enumerate(suite.dataset)]
    plan = make_plan(suite, dict.fromkeys(specs, suite.train.precision))
    measures = chosen_measures(suite.measures)
    goal = goal_of(suite, measures)
    check_gates(suite, measures)
    if wanted is not None:
        check_found_elsewhere(suite)
    trials = sum(len(cohort.trials) for cohort in plan)
    quick = "  QUICK: numbers not for comparison" if suite.quick else ""
    yield f"suite {suite.name}: {trials} trials in {len(plan)} cohorts{quick}"
    precision = _precision(suite.train.precision, chosen)
    yield f"device: {device_name(chosen)} ({chosen.type}), precision {precision}"
    division = divide(wanted, chosen, max(1, len(plan) // len(suite.dataset)))
    if division.processes:
        several = f"{division.processes} processes" if division.processes > 1 else "1 process"
        yield f"executor: {several} with {division.threads} thread{'s' * (division.threads > 1)} each"
    for number, entry in enumerate(suite.dataset):
        yield f"dataset {entry.name}: {locate(source_of(entry, number), entry.name) or _elsewhere(entry)}"
    for cohort in plan:
        model = build_model(cohort.model)
        try:
            per_step = images_per_step(model, suite.train.batch_size)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"model {cohort.model.name!r} ({models.origin(cohort.model.name)}) cannot name its players: "
                f"{told_by(error)}. Mend the model."
            ) from error
        yield (
            f"{cohort.model.label} on {cohort.data.name}: seeds {', '.join(map(str, cohort.seeds))}; "
            f"{suite.train.steps:,} steps, {per_step * suite.train.steps:,} examples a seed"
        )
    yield f"measures: {', '.join(suite.measures)} on {suite.samples:,} samples a seed"
    if every := suite.train.evaluate_every:
        then = "; training of a model ends where all its seeds are there" if goal and goal.stop else ""
        yield f"evaluated every {every:,} steps" + (f", target {goal}{then}" if goal else "")
    if suite.gate:
        yield f"gates: {len(suite.gate)}, alpha {suite.alpha:g} for all together"
        yield from (f"warning: {doubt}" for doubt in doubts(suite, measures))
    if suite.train.compile != "never" and (missing := compiler_missing(chosen)):
        yield f"note: {missing}; training would not be compiled"


def _precision(wanted: str, device: torch.device) -> str:
    if wanted == "auto" and fast_bfloat16(device):
        return "auto (bfloat16 for images, float32 for points)"
    return "float32" if wanted == "auto" else wanted


def _elsewhere(entry: DatasetEntry) -> str:
    """What would happen without the data on this machine."""
    if not offline():
        then = f"{entry.fallback} used" if entry.fallback else "the run stops"
        return f"not found on this machine: it would be downloaded where that can be, or else {then}"
    then = f"the run would use {entry.fallback}" if entry.fallback else "the run would stop"
    return f"not on this machine, and GENBENCH_OFFLINE forbids a download; {then}"
