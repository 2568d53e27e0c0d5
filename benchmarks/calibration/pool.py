"""Pools of trained seeds, each with its records, from which the sides of comparisons are taken."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import torch

from calibration.defects import Defect
from calibration.runs import DISTANCE, Budget, records_of
from genbench.core.record import Record

Task = TypeVar("Task")
Result = TypeVar("Result")

Pool = Mapping[int, tuple[Record, ...]]
"""By seed: the records of both models."""

METRICS = ("known_modes.covered", "known_modes.high_quality", "known_modes.reverse_kl", "quality.fid")
"""That gates look at: of two models four each, a family of eight rows."""

BUDGET = Budget(
    steps=1280, batch_size=64, lanes=64, hidden=32, samples=2000, measures=("known_modes", DISTANCE)
)
"""Half of what these networks need to settle: most seeds cover four to seven of the eight modes, and differ
among themselves as those of long trainings do."""

QUICK = Budget(
    steps=32,
    batch_size=32,
    lanes=24,
    hidden=16,
    samples=200,
    measures=("known_modes", DISTANCE),
    compiled=False,
)
"""To see that everything works; its numbers mean nothing."""


def train_pools(
    wanted: Iterable[tuple[Defect, Sequence[int]]], budget: Budget, workers: int
) -> dict[str, Pool]:
    """Train seeds, with each defect those that are asked for: by the defect's name.

    Args:
        wanted: defects with their seeds.
        budget: ``lanes`` seeds are trained as one.
        workers: processes of one thread each. Networks as small as these gain nothing from a second thread;
            with one worker everything is done in this process.
    """
    tasks = [
        (defect, tuple(seeds[start : start + budget.lanes]), budget)
        for defect, seeds in wanted
        for start in range(0, len(seeds), budget.lanes)
    ]
    pools: dict[str, dict[int, tuple[Record, ...]]] = {}
    found = in_processes(_train, tasks, workers)
    for done, ((defect, _, _), trained) in enumerate(zip(tasks, found, strict=True), start=1):
        pools.setdefault(defect.name, {}).update(trained)
        print(f"{done} of {len(tasks)} cohorts, {defect.name}", file=sys.stderr, flush=True)
    return dict(pools)


def in_processes(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int,
    ready: Callable[..., None] | None = None,
    given: tuple[Any, ...] = (),
) -> Iterator[Result]:
    """The work of all tasks, in their order, by fresh processes of one thread each; with one worker, here.

    Args:
        work: of one task.
        tasks: what it is given.
        workers: processes.
        ready: called with ``given`` in each process before its first task.
        given: what all tasks need.
    """
    if workers == 1:
        if ready:
            ready(*given)
        yield from map(work, tasks)
        return
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, mp_context=fresh, initializer=_one_thread, initargs=(ready, *given)
    ) as pool:
        yield from pool.map(work, tasks)


def _one_thread(ready: Callable[..., None] | None, *given: Any) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    if ready:
        ready(*given)


def _train(task: tuple[Defect, tuple[int, ...], Budget]) -> Pool:
    defect, seeds, budget = task
    found: dict[int, list[Record]] = {seed: [] for seed in seeds}
    for record in records_of(seeds, budget, defect, METRICS):
        assert record.seed is not None, record.metric
        found[record.seed].append(record)
    return {seed: tuple(records) for seed, records in found.items()}
