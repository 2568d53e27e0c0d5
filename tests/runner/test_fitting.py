"""Cohorts that fit into memory: cut beforehand where all lanes need more, halved where memory ran out."""

from dataclasses import replace

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.runner import fitting
from genbench.runner.fitting import parts_that_fit, split_on_oom
from genbench.suite.plan import Budget, Cohort, DataSpec, ModelSpec, Trial
from genbench.train.memory import MARGIN
from genbench.train.settings import Settings

SETTINGS = Settings(4, 6, torch.device("cpu"))
IMAGES, POINTS = DataInfo("images", (1, 5, 5)), DataInfo("points", (25,))
LANE, SAMPLES = 1000, 40


def cohort(lanes):
    spec, budget = ModelSpec("mine", "vae", "1", {}), Budget(4, 6, "float32")
    return Cohort(tuple(Trial(spec, DataSpec("d", "h"), budget, seed) for seed in range(10, 10 + lanes)))


@pytest.fixture
def cut(monkeypatch, told):
    """The seeds of the parts of a cohort of five, where so many bytes are free."""

    def parts(free, data=IMAGES, *, asked=False, lane=LANE, **settings):
        monkeypatch.setattr(fitting, "lane_bytes", lambda *_: lane)
        monkeypatch.setattr(fitting, "free_memory", lambda device: free)
        found = parts_that_fit(cohort(5), data, replace(SETTINGS, **settings), SAMPLES, told, asked=asked)
        return [part.seeds for part in found]

    return parts


@pytest.mark.parametrize(("data", "each"), [(IMAGES, LANE + 40 * 25), (POINTS, LANE + 40 * 25 * 4)])
def test_a_lane_needs_its_training_and_its_samples(cut, told, data, each):
    enough = int(5 * each / MARGIN) + 1
    assert cut(enough, data) == [(10, 11, 12, 13, 14)] and not told.notes
    assert cut(enough - 10, data) == [(10, 11, 12), (13, 14)]
    assert cut(int(2 * each / MARGIN) + 1, data) == [(10, 11), (12, 13), (14,)]
    assert cut(1, data) == [(10,), (11,), (12,), (13,), (14,)]
    assert cut(None, data) == [(10, 11, 12, 13, 14)]


def test_processes_side_by_side_share_what_is_free(cut):
    enough = int(5 * 2000 / MARGIN) + 1
    assert cut(2 * enough, processes=2) == [(10, 11, 12, 13, 14)]
    assert cut(2 * enough - 20, processes=2) == [(10, 11, 12), (13, 14)]


def test_whoever_asked_for_the_lanes_is_warned(cut, told):
    cut(3 * 2**30, lane=2**30, asked=True)
    (said,) = told.warnings
    assert said == (
        "mine: 5 lanes would need about 5.0 GiB of memory, and 3.0 GiB are free; 2 are trained at a time."
    )
    cut(3 * 2**30, lane=2**30)
    assert told.notes == [said]


@pytest.fixture
def tried():
    return []


def work_of(tried, most, error):
    """Work on cohorts of so many lanes at most; the answer is the seeds."""

    def work(part):
        tried.append(part.seeds)
        if len(part.trials) > most:
            raise error
        return part.seeds

    return work


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("full"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_cohort_too_large_is_halved_until_it_fits(tried, told, error):
    done = list(split_on_oom(cohort(5), work_of(tried, 2, error), told))
    assert done == [(10, 11), (12,), (13, 14)]
    assert tried == [(10, 11, 12, 13, 14), (10, 11, 12), (10, 11), (12,), (13, 14)]
    assert told.warnings[0] == (
        "mine: 5 lanes do not fit into memory; going on with 3 at a time. "
        "`lanes = 3` in [train] saves the attempt."
    )


@pytest.mark.parametrize(("most", "error"), [(0, MemoryError()), (2, RuntimeError("a bug"))])
def test_a_single_lane_and_other_errors_are_not_halved(tried, told, most, error):
    with pytest.raises(type(error)):
        list(split_on_oom(cohort(3), work_of(tried, most, error), told))
    assert tried[-1] == ((10,) if most == 0 else (10, 11, 12))


def test_of_a_cohort_that_is_continued_only_the_rest_is_halved(tried, told):
    work = work_of(tried, 2, MemoryError())
    done = list(split_on_oom(cohort(4), work, told, left=lambda trial: trial.seed != 11))
    assert done == [(10, 12), (13,)]
    only = list(split_on_oom(cohort(3), work, told, left=lambda trial: trial.seed == 12))
    assert only == [(12,)]
