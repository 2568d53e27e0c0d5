"""What a run would do, without doing it: every check that needs no training and no download."""

from __future__ import annotations

from collections.abc import Iterator

from genbench.runner.prepare import source_of
from genbench.runner.sample import build_model
from genbench.suite.plan import DataSpec, make_plan
from genbench.suite.schema import Suite
from genbench.train.accounting import images_per_step
from genbench.train.device import choose_device, choose_precision, compiler_missing, device_name


def preview(suite: Suite, device: str) -> Iterator[str]:
    """The plan of a suite, line by line, after checking all of it.

    Args:
        suite: from ``load_suite``.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        GenbenchError: an option is wrong, or the device cannot be used.
    """
    chosen = choose_device(device)
    precision = choose_precision(suite.train.precision, chosen)
    specs = [DataSpec(entry.name, "") for entry in suite.dataset]
    plan = make_plan(suite, specs, precision)
    trials = sum(len(cohort.trials) for cohort in plan)
    quick = "  QUICK: numbers not for comparison" if suite.quick else ""
    yield f"suite {suite.name}: {trials} trials in {len(plan)} cohorts{quick}"
    yield f"device: {device_name(chosen)} ({chosen.type}), precision {precision}"
    for number, entry in enumerate(suite.dataset):
        place = source_of(entry, number).locate()
        fallback = f", or else {entry.fallback}" if entry.fallback else ""
        yield f"dataset {entry.name}: {place or 'not on this machine; it would be downloaded' + fallback}"
    for cohort in plan:
        model = build_model(cohort.model)
        per_step = images_per_step(model, suite.train.batch_size)
        yield (
            f"{cohort.model.label} on {cohort.data.name}: seeds {', '.join(map(str, cohort.seeds))}; "
            f"{suite.train.steps:,} steps, {per_step * suite.train.steps:,} images a seed"
        )
    yield f"measures: {', '.join(suite.measures)} on {suite.samples:,} samples a seed"
    if suite.train.compile != "never" and (missing := compiler_missing(chosen)):
        yield f"note: {missing}; training would not be compiled"
