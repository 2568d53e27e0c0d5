"""Repeated runs of the same trainings, as shipped and with slower steps, on a quiet and on a busy machine."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from calibration.defects import NONE, SLOWER
from calibration.runs import Budget, records_of
from genbench.core.record import Record

METRICS = (
    "throughput.utilization",
    "throughput.lane_images_per_s",
    "throughput.s_per_1000_steps",
)
"""That may be gated: operations as a share of the machine's peak beside them, and two plain times."""

BUDGET = Budget(steps=480, batch_size=64, lanes=8, hidden=64, samples=100, measures=("throughput",))
"""Fourteen timed blocks a model: a second or two."""

QUICK = Budget(
    steps=128, batch_size=16, lanes=2, hidden=8, samples=20, measures=("throughput",), compiled=False
)

_BURST_S = (0.5, 6.0)
"""The neighbour works and rests by turns, each for a time between these."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run.

    Attributes:
        process: which fresh process made it.
        busy: whether a neighbour was at work.
        slower: whether the steps were.
        others: cores that other processes kept busy meanwhile, on average; ``None`` where it cannot be told.
        records: of ``METRICS``, of both models, under a run's name of its own.
    """

    process: int
    busy: bool
    slower: bool
    others: float | None
    records: tuple[Record, ...]

    def value(self, model: str, metric: str) -> float:
        """One number; not a number where it is missing."""
        found = [r.value for r in self.records if (r.model, r.metric) == (model, metric)]
        return found[0] if found and found[0] is not None else float("nan")


def measure(budget: Budget, *, processes: int, pairs: int) -> list[Measurement]:
    """Runs as shipped and slower by turns, in the order they were made.

    Args:
        budget: of each run.
        processes: fresh ones for the quiet machine, and as many for the busy one; by turns.
        pairs: runs as shipped in each, and as many slower ones.
    """
    made: list[Measurement] = []
    for number in range(2 * processes):
        busy = number % 2 == 1
        fresh = multiprocessing.get_context("spawn")
        with neighbour() if busy else _nobody(), ProcessPoolExecutor(1, mp_context=fresh) as one:
            for slower, others, records in one.submit(_series, budget, pairs).result():
                named = tuple(replace(r, run=f"run-{len(made)}") for r in records)
                made.append(Measurement(number, busy, slower, others, named))
        print(f"{number + 1} of {2 * processes} processes", file=sys.stderr, flush=True)
    return made


def _series(budget: Budget, pairs: int) -> list[tuple[bool, float | None, list[Record]]]:
    """Pairs of runs in one process, in the order shipped, slower, slower, shipped, ...; the first is lost.

    A drift of the machine's speed then favours neither. The run that is lost compiles.
    """
    seeds = range(budget.lanes)
    records_of(seeds, budget, NONE, METRICS)
    order = [
        slower for pair in range(pairs) for slower in ((False, True) if pair % 2 == 0 else (True, False))
    ]
    made = []
    for slower in order:
        began, before = time.monotonic(), _others_s()
        records = records_of(seeds, budget, SLOWER if slower else NONE, METRICS)
        after, took = _others_s(), time.monotonic() - began
        others = None if before is None or after is None else (after - before) / took
        made.append((slower, others, records))
    return made


def _others_s() -> float | None:
    """Seconds of all cores so far that this process did not use; ``None`` where the system does not tell."""
    try:
        _, *ticks = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, ticks)
    everyone = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return everyone - time.process_time()


@contextmanager
def neighbour() -> Iterator[None]:
    """Meanwhile another process for each of the machine's cores works and rests by turns."""
    fresh = multiprocessing.get_context("spawn")
    others = [
        fresh.Process(target=_work_and_rest, args=(n,), daemon=True) for n in range(os.cpu_count() or 1)
    ]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.join()


@contextmanager
def _nobody() -> Iterator[None]:
    yield


def _work_and_rest(number: int) -> None:
    import numpy as np

    turns, matrix = random.Random(number), np.ones((256, 256))
    while os.getppid() != 1:  # it must not outlive who started it
        until = time.monotonic() + turns.uniform(*_BURST_S)
        while time.monotonic() < until:
            matrix = matrix @ matrix / 256
        time.sleep(turns.uniform(*_BURST_S))


def series(made: Sequence[Measurement], *, busy: bool, slower: bool) -> list[Measurement]:
    """Those of one kind, in the order they were made."""
    return [one for one in made if (one.busy, one.slower) == (busy, slower)]
