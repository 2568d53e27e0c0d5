"""The main job: from a suite to a run directory with records, tables and pictures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import torch
from rich.console import Console

from genbench.core.environment import capture, code_version, environment_id
from genbench.core.errors import OutputError, warnings_to
from genbench.core.record import Record, Status
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Evidence, Final, Measure, Reference
from genbench.measures.stability_course import course_of
from genbench.runner.cohort import TrainedCohort, train_cohort
from genbench.runner.control_rows import measure_controls, untrained_of
from genbench.runner.fitting import parts_that_fit, split_on_oom
from genbench.runner.gates import check_gates
from genbench.runner.logfile import logging_to
from genbench.runner.measuring import (
    chosen_measures,
    close_cohort,
    evaluate,
    measure_cohort,
)
from genbench.runner.phases import MEASURING, PICTURES, Phases, write_phases
from genbench.runner.prepare import Loaded, load_datasets
from genbench.runner.progress import Quiet, Reporter
from genbench.runner.provenance import Earlier, open_directory, write_provenance
from genbench.runner.publish import publish, write_report
from genbench.runner.sample import build_model, write_model_picture, write_overview
from genbench.runner.scribe import Scribe
from genbench.runner.snapshot import Snapshot
from genbench.runner.target import Goal, Track, goal_of
from genbench.runner.timing import write_timing
from genbench.store.course import write_course
from genbench.store.journal import Journal, read_records
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Cohort, ModelSpec, Trial, make_plan, model_specs
from genbench.suite.schema import Suite
from genbench.train.allocator import keep_large_blocks
from genbench.train.clock import now
from genbench.train.device import COMPUTE, choose_device, choose_precision, device_name, why_precision
from genbench.train.program import keep_compiled_code
from genbench.train.settings import Settings
from genbench.train.trace import spacing

_log = logging.getLogger("genbench")


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run left behind.

    Attributes:
        directory: where everything is.
        failed: trials that diverged or failed; their numbers are missing, with reasons.
        interrupted: whether it was stopped before its end.
    """

    directory: RunDirectory
    failed: int
    interrupted: bool

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self.directory.path

    @property
    def records(self) -> list[Record]:
        """Every record of the run."""
        return read_records(self.directory.records)


@dataclass(frozen=True)
class _Job:
    """What stays the same throughout a run."""

    suite: Suite
    device: torch.device
    measures: Sequence[Measure]
    directory: RunDirectory
    scribe: Scribe
    reporter: Reporter
    earlier: Earlier
    goal: Goal | None
    phases: Phases


def run(
    suite: Suite,
    *,
    device: str = "auto",
    out: str | Path = "results",
    resume: str | Path | None = None,
    reporter: Reporter | None = None,
    began: float | None = None,
) -> RunResult:
    """Train and measure everything a suite asks for.

    Every finished number is on disk before the next one is begun. A trial that diverges or fails costs
    its own numbers only. Ctrl-C ends the run after writing which trials it cut short.

    Args:
        suite: from ``load_suite``.
        device: ``auto``, ``cpu`` or ``cuda``.
        out: folder of all results; the run makes its own in ``out/<suite>/``.
        resume: an earlier run's directory, to go on in: trials that are done there are not repeated.
        reporter: told of progress; by default only warnings are printed.
        began: ``time.perf_counter()`` of when the command began, whose start-up then counts as time of the
            run; by default the run begins here.

    Raises:
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
        directory, earlier = open_directory(suite, Path(out), resume, plan)
        write_provenance(directory, suite, plan, environment)
        if suite.question:
            reporter.note(suite.question)
        for item in loaded:
            if item.banner:
                reporter.warn(item.banner)
        reporter.note(f"results: {directory.path}")
        with Journal(directory.records) as journal, logging_to(directory.log):
            scribe = Scribe(
                journal=journal,
                run=directory.name,
                suite=suite.name,
                env=environment_id(environment),
                code=code_version(),
                protocol={"quick": suite.quick},
                outcomes=dict(earlier.outcomes),
            )
            job = _Job(suite, chosen_device, chosen, directory, scribe, reporter, earlier, goal, phases)
            interrupted = False
            try:
                for item in loaded:
                    _run_dataset(job, item, [cohort for cohort in plan if cohort.data == item.spec])
            except KeyboardInterrupt:
                interrupted = True
            finally:
                with suppress(KeyboardInterrupt):  # again: the reader of the output may have left too
                    reporter.end()
            try:
                _guard(job, "tables and plots", lambda: publish(directory, reporter))
                _guard(job, "the time spent", lambda: write_phases(phases, directory.timing, reporter))
                _guard(job, "the report", lambda: write_report(directory))
            except KeyboardInterrupt:
                interrupted = True
    failed = sum(status is not Status.DONE for status in scribe.outcomes.values())
    return RunResult(directory, failed, interrupted)


def _run_dataset(job: _Job, item: Loaded, plan: Sequence[Cohort]) -> None:
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
    if any(not measure.per_cohort for measure in job.measures) and not reference.extractor.pinned:
        job.reporter.note(
            f"{dataset.info.name} has no pinned features; {reference.extractor.id} was trained for it."
        )
    if dataset.info.name not in job.earlier.controls:
        with job.phases(MEASURING):
            measure_controls(job.measures, reference, samples, job.scribe, job.reporter)
    job.reporter.end()
    for cohort in plan:
        left = tuple(trial for trial in cohort.trials if trial.id not in job.earlier.outcomes)
        if left:
            _run_cohort(job, Cohort(left), reference, samples)
            _guard(
                job,
                f"the picture of {cohort.model.label}",
                partial(_model_picture, job, plan, cohort.model, dataset),
            )
        else:
            job.reporter.note(f"{cohort.model.label} on {cohort.data.name}: already done")
    done = [trial for cohort in plan for trial in cohort.trials if _is_done(job, trial)]
    _guard(job, "the picture of all models", lambda: write_overview(job.directory, done, dataset, job.device))


def _model_picture(job: _Job, plan: Sequence[Cohort], model: ModelSpec, dataset: Dataset) -> None:
    """The picture of a model with every seed so far, whichever cohort it was in."""
    trials = [trial for cohort in plan if cohort.model == model for trial in cohort.trials]
    done = [trial for trial in trials if _is_done(job, trial)]
    write_model_picture(job.directory, done, dataset, job.device)


def _is_done(job: _Job, trial: Trial) -> bool:
    return job.scribe.outcomes.get(trial.id) is Status.DONE


def _run_cohort(job: _Job, cohort: Cohort, reference: Reference, samples: int) -> None:
    """Train and measure one cohort; what goes wrong costs this cohort only."""
    train, dataset, reporter = job.suite.train, reference.dataset, job.reporter
    final = [measure for measure in job.measures if isinstance(measure, Final)]
    settings = Settings(
        steps=train.steps,
        batch_size=train.batch_size,
        device=job.device,
        compute=COMPUTE[cohort.trials[0].budget.precision],
        compile=train.compile,
        save_every=train.save_every,
        evaluate_every=train.evaluate_every,
        trace_every=spacing(train.steps) if any(measure.traced for measure in final) else 0,
    )
    name = cohort.title
    reached: dict[str, int] = {}
    tracks: dict[str, Track] = {}
    close = partial(close_cohort, job.measures, job.goal, cohort, reached, job.scribe)

    def look(snapshot: Snapshot) -> bool:
        track = tracks[snapshot.cohort.id]
        return evaluate(job.measures, snapshot, reference, job.scribe, reporter, track)

    def work(part: Cohort) -> TrainedCohort:
        tracks[part.id] = Track(job.goal)
        reporter.begin(part.title, train.steps)
        try:
            return train_cohort(
                part,
                data=dataset.info,
                examples=torch.from_numpy(dataset.train_examples).to(job.device),
                test_examples=torch.from_numpy(dataset.test_examples).to(job.device),
                settings=settings,
                samples=samples,
                directory=job.directory,
                reporter=reporter,
                reached=reached,
                evaluate=look,
                phases=job.phases,
                gauged=any(measure.per_cohort for measure in job.measures),
                opened=bool(final),
            )
        finally:
            reporter.end()

    try:
        asked = train.lanes != "auto"
        parts = parts_that_fit(cohort, dataset.info, settings, samples, reporter, asked=asked)
        for trained in chain.from_iterable(split_on_oom(part, work, reporter) for part in parts):
            reporter.begin(f"measuring {trained.cohort.title}", 0)
            began = now(job.device)
            track = tracks[trained.cohort.id]
            with job.phases(MEASURING):
                measure_cohort(
                    job.measures, trained, reference, job.scribe, reporter, track, partial(_keep_course, job)
                )
            first = job.directory.make_trial(trained.cohort.trials[0].id)
            looks = [*trained.evaluations, (trained.training.state.step, now(job.device) - began)]
            write_timing(trained.training, trained.chunks, trained.timing, looks, first.timing)
            reporter.end()
    except OutputError:
        raise  # nothing more can be written
    except KeyboardInterrupt:
        close(Status.INTERRUPTED, "stopped by the user")
        raise
    except Exception as error:
        reporter.end()
        reason = f"{type(error).__name__}: {error}"
        _log.exception("%s failed", name)
        reporter.warn(f"{name} failed: {reason}. The others go on; {job.directory.log} has the details.")
        close(Status.FAILED, reason)


def _keep_course(job: _Job, trial: Trial, evidence: Evidence) -> None:
    """Write the course behind the numbers of stability beside the trial's losses."""

    def write() -> None:
        if (course := course_of(evidence)) is not None:
            write_course(job.directory.make_trial(trial.id).stability, course)

    _guard(job, f"the course of {trial.model.label}, seed {trial.seed}", write)


def _guard(job: _Job, what: str, write: Callable[[], None]) -> None:
    """Make what is not a number: where that fails, the numbers stand and the run goes on."""
    try:
        with job.phases(PICTURES):
            write()
    except OutputError:
        raise
    except Exception as error:
        _log.exception("%s failed", what)
        job.reporter.warn(f"{what} failed: {type(error).__name__}: {error}. No number is lost by this.")
