"""Cohorts that fit into memory: predicted before they start, and halved where the prediction was wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from genbench.core.datainfo import DataInfo
from genbench.runner.cohort import TrainedCohort
from genbench.runner.progress import Reporter
from genbench.runner.sample import build_model
from genbench.suite.plan import Cohort, Trial
from genbench.train.allocator import give_back
from genbench.train.device import is_out_of_memory
from genbench.train.memory import free_memory, lane_bytes, lanes_that_fit
from genbench.train.settings import Settings


def parts_that_fit(
    cohort: Cohort, data: DataInfo, settings: Settings, samples: int, reporter: Reporter, *, asked: bool
) -> list[Cohort]:
    """The cohort, or parts of it where all its lanes together would need more memory than is free.

    Args:
        cohort: all lanes that are wanted.
        data: shape of the examples.
        settings: how they are to be trained.
        samples: that are drawn from each lane.
        reporter: told where the cohort is cut, and why.
        asked: whether the user asked for just so many lanes, and should be warned.
    """
    lanes = len(cohort.trials)
    drawn = samples * data.size * (1 if data.is_image else 4)
    each = lane_bytes(build_model(cohort.model), data, settings) + drawn
    give_back(settings.device)  # what earlier cohorts have left is free too
    free = free_memory(settings.device)
    if free is not None:  # the others may be about to take theirs
        places = torch.cuda.device_count() if settings.device.type == "cuda" else 1
        free //= -(-settings.processes // places)
    together = lanes_that_fit(lanes, each, free)
    if free is not None and together < lanes:
        tell = reporter.warn if asked else reporter.note
        tell(
            f"{cohort.model.label}: {lanes} lanes would need about {lanes * each / 2**30:.1f} GiB of memory, "
            f"and {free / 2**30:.1f} GiB are free; {together} are trained at a time."
        )
    return [
        replace(cohort, trials=cohort.trials[start : start + together]) for start in range(0, lanes, together)
    ]


def split_on_oom(
    cohort: Cohort,
    work: Callable[[Cohort], TrainedCohort],
    reporter: Reporter,
    *,
    left: Callable[[Trial], bool] = lambda _: True,
) -> Iterator[TrainedCohort]:
    """Do the work on a cohort; where memory runs out, on its halves, one after the other.

    Args:
        cohort: whose lanes.
        work: to be done.
        reporter: told of every halving.
        left: whether a trial still has to be trained; a cohort that is continued has others too.

    Raises:
        MemoryError, torch.OutOfMemoryError: a single lane does not fit.
    """
    try:
        trained = work(cohort)
    except (MemoryError, RuntimeError) as error:
        trials = tuple(filter(left, cohort.trials))
        lanes = len(trials)
        if len(cohort.trials) == 1 or not is_out_of_memory(error):
            raise
    else:
        yield trained
        return
    half = (lanes + 1) // 2
    too_many = len(cohort.trials)
    reporter.warn(
        f"{cohort.model.label}: {too_many} lanes do not fit into memory; going on with {half} at a time. "
        f"`lanes = {half}` in [train] saves the attempt."
    )
    for part in filter(None, (trials[:half], trials[half:])):
        yield from split_on_oom(replace(cohort, trials=part), work, reporter, left=left)
