"""Measuring: trained lanes and control rows go through the very same code."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from genbench.core.errors import GenbenchError, OutputError, PluginError, told_by
from genbench.core.interrupt import heed
from genbench.core.record import Column, Status
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Final, Measure, Reading, Reference
from genbench.measures.game import Game
from genbench.runner.cohort import TrainedCohort
from genbench.runner.cost import COLUMNS as COST
from genbench.runner.cost import cost_readings
from genbench.runner.game import dirac_game, lane_game
from genbench.runner.progress import Reporter
from genbench.runner.sample import build_model
from genbench.runner.scribe import Scribe, Subject
from genbench.runner.snapshot import Snapshot
from genbench.runner.target import COLUMNS as TARGET
from genbench.runner.target import Goal, Track
from genbench.suite.plan import Cohort, Trial

_log = logging.getLogger("genbench")


def columns_of(chosen: Sequence[Measure]) -> list[Column]:
    """The columns of all these measures."""
    return [column for measure in chosen for column in measure.columns]


def chosen_measures(names: Sequence[str]) -> list[Measure]:
    """The measures that a suite names.

    Raises:
        PluginError: one of them is not what a measure must be.
    """
    chosen = [_made(name) for name in names]
    owners: dict[str, str] = {}
    for name, measure in zip(names, chosen, strict=True):
        for column in measure.columns:
            if (owner := owners.setdefault(column.metric, name)) != name:
                both = " and ".join(f"{one!r} ({measures.origin(one)})" for one in (owner, name))
                raise PluginError(
                    f"the measures {both} both have a column {column.metric}. Leave one of them out, or "
                    "rename its column."
                )
    return chosen


def _made(name: str) -> Measure:
    try:
        measure: Measure = measures.get(name)()
        _ = tuple(measure.columns), bool(measure.per_cohort)
    except GenbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"measure {name!r} ({measures.origin(name)}) cannot be used: {told_by(error)}. What a measure "
            "must be is in genbench/measures/evidence.py."
        ) from error
    return measure


def own_columns(chosen: Sequence[Measure], goal: Goal | None) -> list[Column]:
    """Every number that is written of a lane at its end, but for how it ended."""
    own = columns_of(of_lanes(chosen))
    return [*own, *COST, *(TARGET if goal else ())]


def subject_of(
    trial: Trial, cohort: Cohort, step: int, *, whole_cohort: bool = False, on_the_way: bool = False
) -> Subject:
    """What the numbers of a trial, or of its whole cohort, are stamped with."""
    return Subject(
        trial=cohort.id if whole_cohort else trial.id,
        model=trial.model.label,
        model_version=trial.model.version,
        dataset=trial.data.name,
        seed=None if whole_cohort else trial.seed,
        step=step,
        lanes=len(cohort.trials),
        protocol={"precision": trial.budget.precision, "batch_size": trial.budget.batch_size},
        on_the_way=on_the_way,
    )


def of_lanes(chosen: Sequence[Measure]) -> list[Measure]:
    """Measures that are taken of every trained lane."""
    return [
        measure
        for measure in chosen
        if not measure.per_cohort and (measure.of_lanes if isinstance(measure, Final) else True)
    ]


def of_samples(chosen: Sequence[Measure]) -> list[Measure]:
    """Measures that take samples alone: those that are taken on the way and of control samples too."""
    return [measure for measure in chosen if not (measure.per_cohort or isinstance(measure, Final))]


def evaluate(
    chosen: Sequence[Measure],
    snapshot: Snapshot,
    reference: Reference,
    scribe: Scribe,
    reporter: Reporter,
    track: Track,
) -> bool:
    """Measure every lane that is still finite while training is held; whether training is to end here.

    Lanes without finite samples are left to go on: only training itself tells that one has diverged, so that
    its numbers do not depend on how often it was looked at.
    """
    cohort, training = snapshot.cohort, snapshot.training
    step = training.state.step
    failed: dict[int, list[str]] = {}
    for lane, trial in enumerate(cohort.trials):
        if not training.alive[lane]:
            continue
        subject = subject_of(trial, cohort, step, on_the_way=True)
        scribe.write(subject, cost_readings(snapshot.spent, snapshot.price))
        if snapshot.finite[lane]:
            own = of_samples(chosen)
            failed[lane] = _measure_lane(own, snapshot, lane, subject, reference, scribe, reporter, track)
        else:
            columns = columns_of(of_samples(chosen))
            scribe.fail(subject, columns, Status.DIVERGED, f"the samples at step {step:,} are not finite")
    if not track.may_end(training.alive):
        return False
    track.closing = failed
    label = cohort.model.label
    reporter.note(f"{label}: every lane has reached {track.goal} by step {step:,}; its training ends here.")
    return True


def measure_cohort(
    chosen: Sequence[Measure],
    trained: TrainedCohort,
    reference: Reference,
    scribe: Scribe,
    reporter: Reporter,
    track: Track,
    keep: Callable[[Trial, Evidence], None] = lambda *_: None,
) -> None:
    """Measure the cohort's cost, then every lane that is still finite.

    A lane that was measured at this very step, because training ended early after it, is not measured again;
    nor is one that has an outcome, because an earlier process came so far.
    The numbers of a diverged lane are written as missing with the reason, and its outcome as DIVERGED.
    ``keep`` is given what is known of each other lane once it is measured.
    """
    cohort, step = trained.cohort, trained.training.state.step
    whole = subject_of(cohort.trials[0], cohort, step, whole_cohort=True)
    model = build_model(cohort.model)
    timed = Evidence(
        reference,
        trained.samples[0][:0],
        timing=trained.timing,
        dirac=partial(dirac_game, model, reference.dataset),
    )
    shared = [measure for measure in chosen if measure.per_cohort]
    lost = [type(m).__name__ for m in shared if not take(m, partial(m, timed), whole, scribe, reporter)]
    for lane, trial in enumerate(cohort.trials):
        heed()
        if trial.id in scribe.outcomes:
            continue  # measured before the run was resumed
        if (diverged := trained.training.diverged[lane]) is not None:
            subject = subject_of(trial, cohort, diverged)
            reason = f"not finite from step {diverged:,} on"
            if lane in track.met:  # it was there before it was lost
                scribe.write(subject, track.readings(lane, trained.price))
            scribe.fail(subject, own_columns(chosen, track.goal), Status.DIVERGED, reason)
            scribe.outcome(subject, Status.DIVERGED, reason)
            reporter.warn(f"{trial.model.label}, seed {trial.seed}: {reason}; the other lanes go on.")
            continue
        subject = subject_of(trial, cohort, step)
        failed = track.closing.get(lane)
        own = of_lanes(chosen)
        left = own if failed is None else [measure for measure in own if isinstance(measure, Final)]
        now = _measure_lane(
            left, trained, lane, subject, reference, scribe, reporter, track, partial(keep, trial)
        )
        if failed is None:
            scribe.write(subject, cost_readings(trained.spent, trained.price))
        failed = [*(failed or []), *now]
        scribe.write(subject, track.readings(lane, trained.price))
        if failed or lost:
            scribe.outcome(subject, Status.FAILED, f"measures failed: {', '.join([*failed, *lost])}")
        else:
            scribe.outcome(subject, Status.DONE)


def _measure_lane(
    chosen: Sequence[Measure],
    snapshot: Snapshot,
    lane: int,
    subject: Subject,
    reference: Reference,
    scribe: Scribe,
    reporter: Reporter,
    track: Track,
    keep: Callable[[Evidence], None] = lambda _: None,
) -> list[str]:
    """Take these measures of one lane, whatever became of the one before; those that failed, by name."""
    bounds = snapshot.bounds[lane] if snapshot.bounds else None
    generator = trace = game = None
    if isinstance(snapshot, TrainedCohort):
        game = partial(_game, snapshot, lane, reference)
        generator = snapshot.generators[lane] if snapshot.generators else None
        trace = snapshot.traces[lane] if snapshot.traces else None
    evidence = Evidence(
        reference, snapshot.samples[lane], bounds, generator=generator, trace=trace, game=game
    )

    def readings(measure: Measure) -> Iterator[Reading]:
        for reading in measure(evidence):
            track.see(lane, reading, snapshot.spent)
            yield reading

    failed = [
        type(m).__name__ for m in chosen if not take(m, partial(readings, m), subject, scribe, reporter)
    ]
    keep(evidence)
    return failed


def _game(trained: TrainedCohort, lane: int, reference: Reference) -> Game:
    cohort, state = trained.cohort, trained.training.state
    params, buffers = (
        {net: {name: tensor[lane] for name, tensor in tensors.items()} for net, tensors in tree.items()}
        for tree in (state.params, state.buffers)
    )
    model = build_model(cohort.model)
    return lane_game(model, reference.dataset, params, buffers, cohort.trials[lane].seed)


def close_cohort(
    chosen: Sequence[Measure],
    goal: Goal | None,
    cohort: Cohort,
    reached: Mapping[str, int],
    scribe: Scribe,
    status: Status,
    reason: str,
) -> None:
    """Write the outcome of every trial of the cohort that has none, and which numbers it lacks."""
    left = [trial for trial in cohort.trials if trial.id not in scribe.outcomes]
    if len(left) == len(cohort.trials):  # else the cost of the cohort is known
        shared = columns_of([measure for measure in chosen if measure.per_cohort])
        whole = subject_of(left[0], cohort, reached.get(left[0].id, 0), whole_cohort=True)
        scribe.fail(whole, shared, status, reason)
    for trial in left:
        subject = subject_of(trial, cohort, reached.get(trial.id, 0))
        scribe.fail(subject, own_columns(chosen, goal), status, reason)
        scribe.outcome(subject, status, reason)


def take(
    measure: Measure | Final,
    take: Callable[[], Iterable[Reading]],
    subject: Subject,
    scribe: Scribe,
    reporter: Reporter,
) -> bool:
    """Take and write the readings of one measure; a measure that raises costs its own numbers only."""
    try:
        scribe.write(subject, take())
    except OutputError:
        raise  # nothing more can be written
    except (Exception, SystemExit) as error:  # a plugin may call sys.exit
        heed()
        reason = told_by(error)
        _log.exception(
            "measure %s of %s, seed %s, failed", type(measure).__name__, subject.model, subject.seed
        )
        scribe.fail(subject, measure.columns, Status.FAILED, reason)
        reporter.warn(
            f"{subject.model}, seed {subject.seed}: measure {type(measure).__name__} failed: {reason}"
        )
        return False
    return True
