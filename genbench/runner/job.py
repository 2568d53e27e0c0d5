"""The main job: from a suite to a run directory with records, tables and pictures."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from genbench.core.environment import capture, code_version, environment_id, sources_hash
from genbench.core.errors import OutputError, Unfinished, warnings_to
from genbench.core.ids import content_hash
from genbench.core.interrupt import noted
from genbench.core.record import Record, Status
from genbench.core.registry import plugin_files, plugins
from genbench.runner.attempt import Job, guard
from genbench.runner.control_rows import has_controls
from genbench.runner.earlier import Resumption, choose_directory, earlier_of, maker_here
from genbench.runner.executors import (
    Division,
    Executor,
    check_found_elsewhere,
    divide,
    inline,
    processes_of,
    threads_of,
)
from genbench.runner.gates import check_gates
from genbench.runner.halfway import forget_all
from genbench.runner.logfile import logging_to
from genbench.runner.measuring import (
    chosen_measures,
)
from genbench.runner.on_dataset import run_dataset
from genbench.runner.phases import Phases, write_phases
from genbench.runner.prepare import Loaded, load_datasets
from genbench.runner.processes import Processes
from genbench.runner.progress import Quiet, Reporter
from genbench.runner.provenance import write_provenance
from genbench.runner.publish import publish, write_report
from genbench.runner.sample import build_model
from genbench.runner.scribe import Scribe
from genbench.runner.target import goal_of
from genbench.runner.wire import Commission
from genbench.store.claim import claimed, finish
from genbench.store.journal import Journal
from genbench.store.planned import read_run
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Cohort, make_plan, model_specs
from genbench.suite.schema import Suite
from genbench.train.allocator import keep_large_blocks
from genbench.train.clock import now
from genbench.train.device import choose_device, choose_precision, device_name
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
        """Every record of the run, in the order of the suite."""
        return read_run(self.directory)


def run(
    suite: Suite,
    *,
    device: str = "auto",
    out: str | Path = "results",
    resume: str | Path | None = None,
    go_on: bool = False,
    executor: str = "inline",
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
        executor: ``inline`` trains one cohort after the other in this process; ``processes``, or
            ``processes:4``, so many at a time in processes of their own, which share this one's threads.
            Numbers are those of ``inline`` with as many threads as each of them has.
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
        wanted = processes_of(executor)
        if wanted is not None:
            check_found_elsewhere(suite)
        loaded = load_datasets(suite)
        precisions = {
            item.spec: choose_precision(suite.train.precision, chosen_device, item.data.info)
            for item in loaded
        }
        plan = make_plan(suite, precisions)
        together = max(Counter(cohort.data for cohort in plan).values())  # data sets follow one another
        division = divide(wanted, chosen_device, together)
        with threads_of(division):
            environment = capture(device_name(chosen_device), division.threads)
        maker = maker_here(environment)
        if division.side_by_side > 1:
            environment["processes"] = division.side_by_side
        directory, told = choose_directory(suite, Path(out), Resumption(resume, go_on), plan, maker)
        with threads_of(division), claimed(directory):
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
                    suite=suite,
                    device=chosen_device,
                    measures=chosen,
                    directory=directory,
                    scribe=scribe,
                    reporter=reporter,
                    earlier=earlier,
                    made_by=made_by,
                    goal=goal,
                    phases=phases,
                    processes=division.side_by_side,
                )
                with noted(), _executor(job, division, plan) as work:
                    interrupted = _work(job, loaded, plan, work)
    failed = sum(status is not Status.DONE for status in scribe.outcomes.values())
    done = sum(status is not Status.INTERRUPTED for status in scribe.outcomes.values())
    return RunResult(directory, failed, interrupted, done, sum(len(cohort.trials) for cohort in plan))


@contextmanager
def _executor(job: Job, division: Division, plan: Sequence[Cohort]) -> Iterator[Executor]:
    """Who works on the cohorts."""
    if not division.processes:
        yield inline
        return
    commission = Commission(
        run=str(job.directory.path.absolute()),
        plugins=tuple(map(str, plugin_files())),
        device=job.device.type,
        env=job.scribe.env,
        code=job.scribe.code,
        sources=sources_hash(),
        plugin_code=plugins(),
        threads=division.threads,
        made_by=job.made_by,
        processes=division.side_by_side,
    )
    workers = Processes(division, commission, plan, job.phases)
    try:
        yield workers
    finally:
        workers.close()


def _work(job: Job, loaded: Sequence[Loaded], plan: Sequence[Cohort], work: Executor) -> bool:
    """All that is asked for, and what is made of its numbers; whether it was interrupted.

    Raises:
        Unfinished: something could not be written.
    """
    interrupted, directory, reporter = False, job.directory, job.reporter
    times = partial(write_phases, job.phases, directory.timing, reporter, job.processes)
    try:
        try:
            for number, item in enumerate(loaded):
                run_dataset(job, item, number, [c for c in plan if c.data == item.spec], work)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            with suppress(KeyboardInterrupt):  # again: the reader of the output may have left too
                reporter.end()
        if interrupted:  # whoever stops a run does not wait for pictures of a part of it
            times()
            return True
        try:
            guard(job, "tables and plots", lambda: publish(directory, reporter))
            guard(job, "the time spent", times)
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
