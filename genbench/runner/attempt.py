"""One cohort of a run: begun or continued, measured, and what goes wrong in it contained."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import torch

from genbench.core.errors import OutputError, told_by
from genbench.core.interrupt import heed, is_asked
from genbench.core.record import Status
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Evidence, Final, Measure, Reference
from genbench.measures.stability_course import course_of
from genbench.runner.cohort import TrainedCohort, train_cohort
from genbench.runner.earlier import Earlier
from genbench.runner.fitting import parts_that_fit, split_on_oom
from genbench.runner.halfway import Halfway, Looks, forget, forget_done, keep, load_halfway, parts_halfway
from genbench.runner.measuring import close_cohort, evaluate, measure_cohort
from genbench.runner.phases import MEASURING, PICTURES, Phases
from genbench.runner.progress import Reporter
from genbench.runner.scribe import Scribe
from genbench.runner.snapshot import Snapshot
from genbench.runner.target import Goal, Track
from genbench.runner.timing import write_timing
from genbench.store.course import write_course
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Cohort, Trial
from genbench.suite.schema import Suite
from genbench.train.clock import now
from genbench.train.device import COMPUTE, usual_arithmetic
from genbench.train.settings import Settings
from genbench.train.trace import TraceSoFar, spacing
from genbench.train.training import Training, past_of

_log = logging.getLogger("genbench")


@dataclass(frozen=True)
class Job:
    """What stays the same throughout a run.

    Attributes:
        suite: what is asked for.
        device: where to train.
        measures: that the suite names.
        directory: of the run.
        scribe: writes its records.
        reporter: told of progress.
        earlier: what was there already.
        made_by: what code trains on what machine.
        goal: the suite's target.
        phases: told how the time is spent.
        processes: that train side by side.
    """

    suite: Suite
    device: torch.device
    measures: Sequence[Measure]
    directory: RunDirectory
    scribe: Scribe
    reporter: Reporter
    earlier: Earlier
    made_by: str
    goal: Goal | None
    phases: Phases
    processes: int = 1


def run_cohort(job: Job, cohort: Cohort, reference: Reference, samples: int) -> None:
    """Train and measure what is left of one cohort; what goes wrong costs this cohort only."""
    train, dataset, reporter = job.suite.train, reference.dataset, job.reporter
    settings = _settings(job, cohort)

    def is_left(trial: Trial) -> bool:
        return trial.id not in job.earlier.outcomes

    left = Cohort(tuple(filter(is_left, cohort.trials)))
    reached: dict[str, int] = {}
    tracks: dict[str, Track] = {}
    beside: dict[str, int] = {}  # clocks that others disturbed stay disturbed
    close = partial(close_cohort, job.measures, job.goal, cohort, reached, job.scribe)

    def look(snapshot: Snapshot) -> bool:
        track = tracks[snapshot.cohort.id]
        return evaluate(job.measures, snapshot, reference, job.scribe, reporter, track)

    def write_down(part: Cohort, training: Training, trace: TraceSoFar | None, looks: Looks) -> None:
        so_far = Halfway(past_of(training), trace, looks, tracks[part.id], beside[part.id])
        trials = {part.id, *(trial.id for trial in part.trials)}
        keep(job.directory, part, job.made_by, so_far, records=job.scribe.count(trials))

    def work(part: Cohort) -> TrainedCohort:
        forget(job.directory, [trial.id for trial in part.trials], but=part)  # of other parts with these
        halfway = load_halfway(
            job.directory, part, job.made_by, job.goal, job.device, records=job.earlier.records_of(part)
        )
        tracks[part.id] = halfway.track if halfway else Track(job.goal)
        beside[part.id] = max(job.processes, halfway.processes if halfway else 1)
        if halfway:
            reporter.note(f"{part.title}: continued from step {halfway.past.state.step:,}")
        reporter.begin(part.title, train.steps)
        usual_arithmetic()  # a plugin may have changed it on its way
        try:
            return train_cohort(
                part,
                data=dataset.info,
                examples=torch.from_numpy(dataset.train_examples).to(job.device),
                test_examples=torch.from_numpy(dataset.test_examples).to(job.device),
                settings=replace(settings, processes=beside[part.id]),
                samples=samples,
                directory=job.directory,
                reporter=reporter,
                reached=reached,
                evaluate=look,
                keep=partial(write_down, part),
                halfway=halfway,
                phases=job.phases,
                gauged=any(measure.per_cohort for measure in job.measures),
                opened=any(isinstance(measure, Final) for measure in job.measures),
            )
        finally:
            reporter.end()

    try:
        for trained in chain.from_iterable(
            split_on_oom(part, work, reporter, left=is_left)
            for part in _parts(job, cohort, left, settings, samples, dataset)
        ):
            _measure(job, trained, reference, tracks[trained.cohort.id])
    except OutputError:
        raise  # nothing more can be written
    except KeyboardInterrupt:
        close(Status.INTERRUPTED, "stopped by the user")
        raise
    except (Exception, SystemExit) as error:  # a plugin may call sys.exit
        reporter.end()
        if is_asked():  # a second signal went through a library that did not expect it
            close(Status.INTERRUPTED, "stopped by the user")
            raise KeyboardInterrupt from error
        reason = told_by(error)
        _log.exception("%s failed", left.title)
        reporter.warn(
            f"{left.title} failed: {reason}. The others go on; {job.directory.log} has the details."
        )
        close(Status.FAILED, reason)
        forget(job.directory, [trial.id for trial in left.trials])


def _measure(job: Job, trained: TrainedCohort, reference: Reference, track: Track) -> None:
    """Measure what was trained, and say what it took."""
    job.reporter.begin(f"measuring {trained.cohort.title}", 0)
    began = now(job.device)
    file = job.directory.make_trial(trained.cohort.trials[0].id).timing
    write_timing(trained.training, trained.chunks, trained.timing, trained.evaluations, file)
    with job.phases(MEASURING):
        measure_cohort(
            job.measures, trained, reference, job.scribe, job.reporter, track, partial(_keep_course, job)
        )
    looks = [*trained.evaluations, (trained.training.state.step, now(job.device) - began)]
    write_timing(trained.training, trained.chunks, trained.timing, looks, file)
    forget_done(job.directory, job.scribe.outcomes, but=trained.cohort)
    job.reporter.end()


def _settings(job: Job, cohort: Cohort) -> Settings:
    train = job.suite.train
    traced = any(measure.traced for measure in job.measures if isinstance(measure, Final))
    return Settings(
        steps=train.steps,
        batch_size=train.batch_size,
        device=job.device,
        compute=COMPUTE[cohort.trials[0].budget.precision],
        compile=train.compile,
        save_every=train.save_every,
        evaluate_every=train.evaluate_every,
        trace_every=spacing(train.steps) if traced else 0,
        processes=job.processes,
    )


def _parts(
    job: Job, cohort: Cohort, left: Cohort, settings: Settings, samples: int, dataset: Dataset
) -> Iterator[Cohort]:
    """What of a cohort is trained together: the parts that were in training as they were, then the rest."""
    rest = {trial.id: trial for trial in left.trials}
    for part in parts_halfway(job.directory, cohort):
        if any(trial.id in rest for trial in part.trials):
            rest = {trial: of for trial, of in rest.items() if of not in part.trials}
            yield part
    if rest:
        asked = job.suite.train.lanes != "auto"
        fresh = Cohort(tuple(rest.values()))
        yield from parts_that_fit(fresh, dataset.info, settings, samples, job.reporter, asked=asked)


def _keep_course(job: Job, trial: Trial, evidence: Evidence) -> None:
    """Write the course behind the numbers of stability beside the trial's losses."""

    def write() -> None:
        if (course := course_of(evidence)) is not None:
            write_course(job.directory.make_trial(trial.id).stability, course)

    guard(job, f"the course of {trial.model.label}, seed {trial.seed}", write)


def guard(job: Job, what: str, write: Callable[[], None]) -> None:
    """Make what is not a number: where that fails, the numbers stand and the run goes on."""
    heed()
    try:
        with job.phases(PICTURES):
            write()
    except OutputError:
        raise
    except (Exception, SystemExit) as error:
        heed()
        _log.exception("%s failed", what)
        job.reporter.warn(f"{what} failed: {told_by(error)}. No number is lost by this.")
