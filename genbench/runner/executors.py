"""Who works on the cohorts of a run: this process, one after the other, or several processes at a time.

Both end with the same records, apart from times: a cohort never sees what the others do.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch

from genbench.core.errors import GenbenchError, choose_from
from genbench.core.interrupt import heed
from genbench.core.registry import Registry, datasets, measures, models
from genbench.runner.ground import Ground
from genbench.suite.plan import Cohort
from genbench.suite.schema import Suite

NAMES = ("inline", "processes")

MOST = 256
"""Processes that may be asked for."""


class Executor(Protocol):
    """Works on cohorts."""

    def __call__(
        self, ground: Ground, number: int, cohorts: Sequence[Cohort]
    ) -> Generator[Cohort, None, None]:
        """Work on all of them, and yield each when it is done; closing the generator puts the rest down.

        Args:
            ground: of their dataset.
            number: of the dataset, among those of the run.
            cohorts: with something left to do.

        Raises:
            KeyboardInterrupt: the user asked for the end.
            OutputError: nothing more can be written.
        """
        ...


def inline(
    ground: Ground,
    number: int,  # noqa: ARG001 - as an Executor has it
    cohorts: Sequence[Cohort],
) -> Generator[Cohort, None, None]:
    """One after the other, in this process."""
    for cohort in cohorts:
        heed()
        ground.work_on(cohort)
        yield cohort


@dataclass(frozen=True, slots=True)
class Division:
    """How a machine is divided.

    Attributes:
        processes: that train side by side; 0 for this process alone.
        threads: of each on the CPU.
    """

    processes: int
    threads: int

    @property
    def side_by_side(self) -> int:
        """How many train at the same time."""
        return max(1, self.processes)


def processes_of(executor: str) -> int | None:
    """How many processes ``--executor`` asks for: ``None`` for this one alone, 0 for as many as are useful.

    Args:
        executor: ``inline``, ``processes`` or ``processes:N``.

    Raises:
        GenbenchError: it is none of these.
    """
    name, colon, count = executor.partition(":")
    if name not in NAMES:
        raise GenbenchError(f"--executor {executor}: {choose_from('executor', name, NAMES)}")
    if not colon:
        return None if name == "inline" else 0
    if name == "inline":
        raise GenbenchError(f"--executor {executor}: inline is one process. Use processes:{count or 'N'}.")
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= MOST):
        raise GenbenchError(
            f"--executor {executor}: the number of processes must be a whole number from 1 to {MOST}."
        )
    return int(count)


def divide(wanted: int | None, device: torch.device, cohorts: int) -> Division:
    """Share out the threads of this process evenly among so many, but no more than there are cohorts.

    Args:
        wanted: from ``processes_of``; as many as are useful is one for each core or, on CUDA, device.
        device: where to train.
        cohorts: that there are to do at the same time.
    """
    threads = torch.get_num_threads()
    if wanted is None:
        return Division(0, threads)
    there = torch.cuda.device_count() if device.type == "cuda" else _cores()
    processes = max(1, min(cohorts, wanted or there))
    return Division(processes, threads if device.type == "cuda" else max(1, threads // processes))


def _cores() -> int:
    """Those that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def check_found_elsewhere(suite: Suite) -> None:
    """See to it that a process of its own finds what a suite names.

    Raises:
        GenbenchError: something is there in this process only.
    """
    named: list[tuple[Registry[type], list[str]]] = [
        (models, [entry.name for entry in suite.model]),
        (datasets, [name for entry in suite.dataset for name in (entry.name, entry.fallback) if name]),
        (measures, list(suite.measures)),
    ]
    for registry, names in named:
        for name in names:
            if not registry.is_found_elsewhere(name):
                raise GenbenchError(
                    f"the {registry.kind} {name!r} is registered by {registry.origin(name)}, which other "
                    "processes do not run. Put it into a file of its own and load that as a plugin "
                    "(--plugin FILE, genbench.load_plugin), or use the executor inline."
                )


@contextmanager
def threads_of(division: Division) -> Iterator[None]:
    """Give this process as many threads as each that works for it: last digits depend on them."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if not division.processes:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(division.threads)
    try:
        with threadpool_limits(division.threads):
            yield
    finally:
        torch.set_num_threads(before)
