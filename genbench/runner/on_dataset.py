"""All that a run does on one dataset: control rows, cohorts, pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial

from genbench.core.record import Status
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Featureless, Measure
from genbench.runner.attempt import Job, guard
from genbench.runner.control_rows import measure_controls
from genbench.runner.executors import Executor
from genbench.runner.ground import ground_of
from genbench.runner.phases import MEASURING
from genbench.runner.prepare import Loaded
from genbench.runner.sample import picture_of, write_model_picture, write_overview
from genbench.suite.plan import Cohort, ModelSpec, Trial
from genbench.train.device import why_precision


def run_dataset(job: Job, item: Loaded, number: int, plan: Sequence[Cohort], work: Executor) -> None:
    """Control rows and all cohorts on one dataset."""
    dataset, reporter = item.data, job.reporter
    name = dataset.info.name
    reporter.note(f"{name}: {why_precision(job.suite.train.precision, job.device, dataset.info)}")
    ground = ground_of(job, item, plan)
    job = ground.job
    if ground.samples < job.suite.samples:
        reporter.note(
            f"{name}: {ground.samples:,} samples a lane instead of {job.suite.samples:,}, as many as "
            "there are training examples, so that the control row `real` has no repeated example."
        )
    reporter.begin(f"features and control rows of {name}", 0)
    if any(map(_wants_features, job.measures)) and not ground.reference.extractor.pinned:
        reporter.note(f"{name} has no pinned features; {ground.reference.extractor.id} was trained for it.")
    if name not in job.earlier.controls:
        with job.phases(MEASURING):
            measure_controls(job.measures, ground.reference, ground.samples, job.scribe, reporter)
    reporter.end()
    left = [cohort for cohort in plan if _is_left(job, cohort)]
    to_come = Counter(cohort.model.label for cohort in left)
    for cohort in plan:
        if cohort not in left:
            reporter.note(f"{cohort.model.label} on {cohort.data.name}: already done")
        else:
            with suppress(OSError):  # one of an earlier execution lacks what is trained now
                picture_of(job.directory, name, cohort.model.label).unlink()
    models = {cohort.model.label: cohort.model for cohort in plan}
    for label, model in models.items():  # a process that was killed may have left it out
        if not to_come[label] and not picture_of(job.directory, name, label).exists():
            _guard_picture(job, plan, model, dataset)
    with closing(work(ground, number, left)) as done:
        for cohort in done:
            to_come[cohort.model.label] -= 1
            if not to_come[cohort.model.label]:  # once, whatever its seeds were divided into
                _guard_picture(job, plan, cohort.model, dataset)
    trials = [trial for cohort in plan for trial in cohort.trials if _is_done(job, trial)]
    guard(
        job, "the picture of all models", lambda: write_overview(job.directory, trials, dataset, job.device)
    )


def _is_left(job: Job, cohort: Cohort) -> bool:
    return any(trial.id not in job.earlier.outcomes for trial in cohort.trials)


def _wants_features(measure: Measure) -> bool:
    return not (measure.per_cohort or (isinstance(measure, Featureless) and measure.featureless))


def _guard_picture(job: Job, plan: Sequence[Cohort], model: ModelSpec, dataset: Dataset) -> None:
    """The picture of a model with every seed so far, whichever cohort it was in."""
    trials = [trial for cohort in plan if cohort.model == model for trial in cohort.trials]
    done = [trial for trial in trials if _is_done(job, trial)]
    draw = partial(write_model_picture, job.directory, done, dataset, job.device)
    guard(job, f"the picture of {model.label}", draw)


def _is_done(job: Job, trial: Trial) -> bool:
    return job.scribe.outcomes.get(trial.id) is Status.DONE
