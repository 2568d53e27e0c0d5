"""A process that works on cohorts for another one: ``python -m genbench.runner.worker``.

It reads orders from its standard input and sends what it does to its standard output. What it finds out
becomes a record when the process that ordered it has written it to the journal. When that process ends,
however it ends, this one does too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter

import torch

from genbench.core.environment import sources_hash
from genbench.core.errors import GenbenchError, OutputError, told_by, warnings_to
from genbench.core.interrupt import heed
from genbench.core.registry import load_plugin, plugins
from genbench.runner.attempt import Job
from genbench.runner.earlier import Earlier
from genbench.runner.executors import Division, threads_of
from genbench.runner.ground import Ground, ground_of
from genbench.runner.logfile import logging_to
from genbench.runner.measuring import chosen_measures
from genbench.runner.phases import Phases
from genbench.runner.prepare import Loaded, load_datasets
from genbench.runner.provenance import suite_of
from genbench.runner.scribe import Scribe
from genbench.runner.target import goal_of
from genbench.runner.wire import Channel, Commission, Order, Remote
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Cohort, make_plan
from genbench.train.allocator import keep_large_blocks
from genbench.train.clock import now
from genbench.train.device import choose_precision
from genbench.train.program import keep_compiled_code


@dataclass(frozen=True)
class Workplace:
    """All that a worker needs for whatever order comes.

    Attributes:
        job: without records of any cohort.
        loaded: the datasets of the run.
        plan: of the suite.
    """

    job: Job
    loaded: Sequence[Loaded]
    plan: Sequence[Cohort]

    def ground(self, number: int) -> Ground:
        """Of the dataset with this number."""
        item = self.loaded[number]
        return ground_of(self.job, item, [cohort for cohort in self.plan if cohort.data == item.spec])

    def find(self, cohort: str) -> Cohort:
        """The cohort with this id.

        Raises:
            GenbenchError: there is none, because the data or the code are not what they were.
        """
        for planned in self.plan:
            if planned.id == cohort:
                return planned
        raise GenbenchError(
            "its data or its model's options are others in a process of their own: what a plugin defines, "
            "and the files that it reads, must be the same in every process"
        )


def workplace_of(commission: Commission, channel: Channel, reporter: Remote) -> Workplace:
    """Set everything up.

    Raises:
        GenbenchError: this process would do something else than the one that gives the orders.
    """
    if sources_hash() != commission.sources:
        raise GenbenchError("genbench's code was changed while the run was at work")
    for plugin in commission.plugins:
        load_plugin(plugin)
    if changed := [name for name, code in plugins().items() if commission.plugin_code.get(name) != code]:
        raise GenbenchError(f"the plugin {', '.join(changed)} was changed while the run was at work")
    keep_large_blocks()
    keep_compiled_code()
    device = torch.device(commission.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    directory = RunDirectory(Path(commission.run))
    suite = suite_of(directory)
    chosen = chosen_measures(suite.measures)
    loaded = load_datasets(suite)
    precision = suite.train.precision
    precisions = {item.spec: choose_precision(precision, device, item.data.info) for item in loaded}
    job = Job(
        suite=suite,
        device=device,
        measures=chosen,
        directory=directory,
        scribe=Scribe(
            journal=channel,
            run=directory.name,
            suite=suite.name,
            env=commission.env,
            code=commission.code,
            protocol={"quick": suite.quick},
        ),
        reporter=reporter,
        earlier=Earlier(),
        made_by=commission.made_by,
        goal=goal_of(suite, chosen),
        phases=Phases(partial(now, device)),
        processes=commission.processes,
    )
    return Workplace(job, loaded, make_plan(suite, precisions))


def serve(channel: Channel, began: float) -> None:
    """Do what is ordered, until nothing more is."""
    reporter = Remote(channel)
    commission = Commission(**channel.order())
    with warnings_to(reporter.lacks), threads_of(Division(1, commission.threads)):
        place = workplace_of(commission, channel, reporter)
        channel.send(ready=True)
        grounds: dict[int, Ground] = {}
        with logging_to(place.job.directory.log):
            while "stop" not in (message := channel.order()):
                order = Order(**message)
                cohort = place.find(order.cohort)
                if order.dataset not in grounds:
                    grounds = {order.dataset: place.ground(order.dataset)}  # one at a time in memory
                phases = Phases(place.job.phases.clock, began)
                try:
                    _work(grounds[order.dataset], order, cohort, phases)
                except KeyboardInterrupt:
                    channel.send(interrupted=phases.so_far())
                    return
                channel.send(done=phases.so_far())
                began = place.job.phases.clock()


def _work(ground: Ground, order: Order, cohort: Cohort, phases: Phases) -> None:
    earlier = order.earlier
    scribe = replace(
        ground.job.scribe,
        outcomes=dict(earlier.outcomes),
        written=set(),
        kept=earlier.kept,
        missed=earlier.missed,
    )
    job = replace(ground.job, scribe=scribe, earlier=earlier, phases=phases)
    heed()
    replace(ground, job=job).work_on(cohort)


def main() -> None:
    """Work until there are no more orders."""
    began = perf_counter()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # whoever gives the orders is told, and tells this process
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # what a plugin, or a program that it starts, reads is no order
    os.dup2(2, 1)  # and what it prints is no answer
    os.close(nothing)
    channel = Channel(orders, answers)
    try:
        serve(channel, began)
    except KeyboardInterrupt:
        channel.send(interrupted={})  # nothing was begun
    except OutputError as error:
        channel.send(unwritable=str(error))
    except (Exception, SystemExit) as error:
        channel.send(broken=str(error) if isinstance(error, GenbenchError) else told_by(error))
    os._exit(0)  # the thread that listens would hold up a usual end


if __name__ == "__main__":
    main()
