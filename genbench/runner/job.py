"""The main job: from a suite to a run directory with records, tables and pictures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from genbench.core.environment import capture, code_version, environment_id
from genbench.core.errors import OutputError, Unfinished, warnings_to
from genbench.core.ids import content_hash
from genbench.core.interrupt import heed, noted
from genbench.core.record import Record, Status
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Featureless, Measure, Reference
from genbench.runner.attempt import Job, guard, run_cohort
from genbench.runner.control_rows import has_controls, measure_controls, untrained_of
from genbench.runner.earlier import Resumption, choose_directory, earlier_of, maker_here
from genbench.runner.gates import check_gates
from genbench.runner.halfway import forget_all
from genbench.runner.logfile import logging_to
from genbench.runner.measuring import (
    chosen_measures,
)
from genbench.runner.phases import MEASURING, Phases, write_phases
from genbench.runner.prepare import Loaded, load_datasets
from genbench.runner.progress import Quiet, Reporter
from genbench.runner.provenance import write_provenance
from genbench.runner.publish import publish, write_report
from genbench.runner.sample import build_model, picture_of, write_model_picture, write_overview
from genbench.runner.scribe import Scribe
from genbench.runner.target import goal_of
from genbench.store.claim import claimed, finish
from genbench.store.journal import Journal, read_records
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Cohort, ModelSpec, Trial, make_plan, model_specs
from genbench.suite.schema import Suite
from genbench.train.allocator import keep_large_blocks
from genbench.train.clock import now
from genbench.train.device import choose_device, choose_precision, device_name, why_precision
from genbench.train.program import keep_compiled_code

_log = logging.getLogger("genbench")


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run left behind.

    Attributes:
        directory: where everything is.
        failed: trials that diverged or failed; their numbers are missing, with reasons.
        interrupted: whether it was stopped before its end.
        done: trials that have an end of their own.
        planned: all trials that were asked for.
    """

    directory: RunDirectory
    failed: int
    interrupted: bool
    done: int = 0
    planned: int = 0

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self.directory.path

    @property
    def records(self) -> list[Record]:
        """Every record of the run."""
        return read_records(self.directory.records)


def run(
    suite: Suite,
    *,
    device: str = "auto",
    out: str | Path = "results",
    resume: str | Path | None = None,
    go_on: bool = False,
    reporter: Reporter | None = None,
    began: float | None = None,
) -> RunResult:
    """Train and measure everything a suite asks for.

    Every finished number is on disk before the next one is begun. A trial that diverges or fails costs
    its own numbers only. Ctrl-C, or SIGTERM, ends the run at the next moment at which nothing is lost, after
    writing which trials it cut short; a second one ends it at once.

    Args:
        suite: from ``load_suite``.
        device: ``auto``, ``cpu`` or ``cuda``.
        out: folder of all results; the run makes its own in ``out/<suite>/``.
        resume: an earlier run's directory, to go on in: trials that are done there are not repeated, those
            that were in training are continued, and if the run had come to its end, those that failed begin
            again.
        go_on: whether the newest run of this very suite in ``out`` is continued, if it did not come to its
            end and was begun by the same code on the same machine.
        reporter: told of progress; by default only warnings are printed.
        began: ``time.perf_counter()`` of when the command began, whose start-up then counts as time of the
            run; by default the run begins here.

    Raises:
        Unfinished: something could not be written while it was at work.
        GenbenchError: the suite, its data, the device or the output folder cannot be used. Nothing has been
            trained then.
    """
    reporter = reporter or Quiet(Console(stderr=True))
    with warnings_to(reporter.warn):
        keep_large_blocks()  # measuring makes large tensors too
        keep_compiled_code()
        chosen_device = choose_device(device)
        clock = partial(now, chosen_device)
        phases = Phases(clock, clock() if began is None else began)
        chosen = chosen_measures(suite.measures)
        goal = goal_of(suite, chosen)
        check_gates(suite, chosen)
        for spec in model_specs(suite):
            build_model(spec)  # a slip in the suite is told before anything is downloaded
        loaded = load_datasets(suite)
        precisions = {
            item.spec: choose_precision(suite.train.precision, chosen_device, item.data.info)
            for item in loaded
        }
        plan = make_plan(suite, precisions)
        environment = capture(device_name(chosen_device), torch.get_num_threads())
        maker = maker_here(environment)
        directory, told = choose_directory(suite, Path(out), Resumption(resume, go_on), plan, maker)
        with claimed(directory):
            earlier = earlier_of(directory, maker, controls=any(map(has_controls, chosen)))
            write_provenance(directory, suite, plan, environment)
            if suite.question:
                reporter.note(suite.question)
            for item in loaded:
                if item.banner:
                    reporter.warn(item.banner)
            reporter.note(f"results: {directory.path}")
            if told:
                reporter.note(told)
            if earlier.foreign:
                forget_all(directory)
                reporter.warn(
                    "this run was begun with other code or on another machine: its finished trials stand, "
                    "and what was in training begins anew, because the rest would not be of one training."
                )
            with Journal(directory.records) as journal, logging_to(directory.log):
                scribe = Scribe(
                    journal=journal,
                    run=directory.name,
                    suite=suite.name,
                    env=environment_id(environment),
                    code=code_version(),
                    protocol={"quick": suite.quick},
                    outcomes=dict(earlier.outcomes),
                    kept=earlier.kept,
                    missed=earlier.missed,
                )
                made_by = content_hash(maker)
                job = Job(
                    suite, chosen_device, chosen, directory, scribe, reporter, earlier, made_by, goal, phases
                )
                with noted():
                    interrupted = _work(job, loaded, plan)
    failed = sum(status is not Status.DONE for status in scribe.outcomes.values())
    done = sum(status is not Status.INTERRUPTED for status in scribe.outcomes.values())
    return RunResult(directory, failed, interrupted, done, sum(len(cohort.trials) for cohort in plan))


def _work(job: Job, loaded: Sequence[Loaded], plan: Sequence[Cohort]) -> bool:
    """All that is asked for, and what is made of its numbers; whether it was interrupted.

    Raises:
        Unfinished: something could not be written.
    """
    interrupted, directory, reporter = False, job.directory, job.reporter
    try:
        try:
            for item in loaded:
                _run_dataset(job, item, [cohort for cohort in plan if cohort.data == item.spec])
        except KeyboardInterrupt:
            interrupted = True
        finally:
            with suppress(KeyboardInterrupt):  # again: the reader of the output may have left too
                reporter.end()
        if interrupted:  # whoever stops a run does not wait for pictures of a part of it
            write_phases(job.phases, directory.timing, reporter)
            return True
        try:
            guard(job, "tables and plots", lambda: publish(directory, reporter))
            guard(job, "the time spent", lambda: write_phases(job.phases, directory.timing, reporter))
            guard(job, "the report", lambda: write_report(directory))
        except KeyboardInterrupt:
            return True
        forget_all(directory)
        finish(directory)
    except OutputError as error:
        done = sum(status is not Status.INTERRUPTED for status in job.scribe.outcomes.values())
        trials = sum(len(cohort.trials) for cohort in plan)
        raise Unfinished(
            f"{error} The run stopped there: {done} of {trials} trials are done, and every finished number "
            f"is kept in {directory.path}. The same command continues it."
        ) from error
    return False


def _run_dataset(job: Job, item: Loaded, plan: Sequence[Cohort]) -> None:
    """Control rows and all cohorts on one dataset."""
    if item.fallback:
        stamped = replace(job.scribe, protocol={**job.scribe.protocol, "fallback_for": item.asked})
        job = replace(job, scribe=stamped)
    dataset = item.data
    samples = min(job.suite.samples, len(dataset.train_examples))
    if samples < job.suite.samples:
        job.reporter.note(
            f"{dataset.info.name}: {samples:,} samples a lane instead of {job.suite.samples:,}, as many as "
            "there are training examples, so that the control row `real` has no repeated example."
        )
    job.reporter.note(
        f"{dataset.info.name}: {why_precision(job.suite.train.precision, job.device, dataset.info)}"
    )
    job.reporter.begin(f"features and control rows of {dataset.info.name}", 0)
    reference = Reference(dataset, job.device, untrained_of(plan, job.measures, dataset, job.device))
    if any(map(_wants_features, job.measures)) and not reference.extractor.pinned:
        job.reporter.note(
            f"{dataset.info.name} has no pinned features; {reference.extractor.id} was trained for it."
        )
    if dataset.info.name not in job.earlier.controls:
        with job.phases(MEASURING):
            measure_controls(job.measures, reference, samples, job.scribe, job.reporter)
    job.reporter.end()
    ends = {cohort.model.label: number for number, cohort in enumerate(plan)}
    worked_on: set[str] = set()
    for number, cohort in enumerate(plan):
        heed()
        if any(trial.id not in job.earlier.outcomes for trial in cohort.trials):
            with suppress(OSError):  # one of an earlier execution lacks what is trained now
                picture_of(job.directory, dataset.info.name, cohort.model.label).unlink()
            run_cohort(job, cohort, reference, samples)
            worked_on.add(cohort.model.label)
        else:
            job.reporter.note(f"{cohort.model.label} on {cohort.data.name}: already done")
        label = cohort.model.label
        picture = picture_of(job.directory, dataset.info.name, label)
        # once, whatever its seeds were divided into; a process that was killed may have left it out
        if ends[label] == number and (label in worked_on or not picture.exists()):
            draw = partial(_model_picture, job, plan, cohort.model, dataset)
            guard(job, f"the picture of {label}", draw)
    done = [trial for cohort in plan for trial in cohort.trials if _is_done(job, trial)]
    guard(job, "the picture of all models", lambda: write_overview(job.directory, done, dataset, job.device))


def _wants_features(measure: Measure) -> bool:
    return not (measure.per_cohort or (isinstance(measure, Featureless) and measure.featureless))


def _model_picture(job: Job, plan: Sequence[Cohort], model: ModelSpec, dataset: Dataset) -> None:
    """The picture of a model with every seed so far, whichever cohort it was in."""
    trials = [trial for cohort in plan if cohort.model == model for trial in cohort.trials]
    done = [trial for trial in trials if _is_done(job, trial)]
    write_model_picture(job.directory, done, dataset, job.device)


def _is_done(job: Job, trial: Trial) -> bool:
    return job.scribe.outcomes.get(trial.id) is Status.DONE
