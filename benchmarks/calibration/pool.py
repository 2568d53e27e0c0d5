"""Pools of trained seeds, each with its records, from which the sides of comparisons are taken."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

import torch

from calibration.defects import Defect
from calibration.runs import DISTANCE, Budget, records_of
from genbench.core.record import Record

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
    for done, ((defect, _, _), found) in enumerate(zip(tasks, _work(tasks, workers), strict=True), start=1):
        pools.setdefault(defect.name, {}).update(found)
        print(f"{done} of {len(tasks)} cohorts, {defect.name}", file=sys.stderr, flush=True)
    return dict(pools)


Task = tuple[Defect, tuple[int, ...], Budget]


def _work(tasks: Sequence[Task], workers: int) -> Iterator[Pool]:
    if workers == 1:
        yield from map(_train, tasks)
        return
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=fresh, initializer=_one_thread) as pool:
        yield from pool.map(_train, tasks)


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def _train(task: Task) -> Pool:
    defect, seeds, budget = task
    found: dict[int, list[Record]] = {seed: [] for seed in seeds}
    for record in records_of(seeds, budget, defect, METRICS):
        assert record.seed is not None, record.metric
        found[record.seed].append(record)
    return {seed: tuple(records) for seed, records in found.items()}
