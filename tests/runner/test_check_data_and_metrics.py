import dataclasses
import random
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataUnavailable
from genbench.core.record import Better, Column
from genbench.core.registry import datasets, measures
from genbench.data.dataset import Dataset
from genbench.data.from_function import dataset
from genbench.features.choose import Coordinates
from genbench.measures.evidence import Reading
from genbench.measures.from_function import metric
from genbench.runner.check import dataset as data_check
from genbench.runner.check import metric as metric_check
from genbench.runner.check import taken
from genbench.runner.check.dataset import check_dataset
from genbench.runner.check.finding import Outcome
from genbench.runner.check.metric import check_measure

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (300, 4, 4), dtype=np.uint8)
POINTS = RANDOM.normal(size=(600, 2))


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is gone after it."""
    yield
    for registry in (datasets, measures):
        for name in [name for name in registry._things if not registry.is_builtin(name)]:
            del registry._things[name], registry._origins[name]


@pytest.fixture
def small(monkeypatch):
    """Few samples, and images whose features are their pixels: no network is trained for them."""
    labels = np.arange(120) % 3

    def images():
        return Dataset(
            DataInfo("tiny", (1, 4, 4), ("a", "b", "c")),
            GREY[:120, None],
            labels,
            GREY[120:240, None],
            labels,
            "",
        )

    def pixels(dataset, device):
        size = dataset.info.size
        return lambda samples: Coordinates(size)(samples[:].reshape(-1, size).float())

    monkeypatch.setattr(metric_check, "digits", images)
    monkeypatch.setattr("genbench.measures.evidence.extractor_for", pixels)
    own = measures.names
    few = {"modes", "throughput"}  # importing all others takes seconds
    monkeypatch.setattr(
        measures, "names", lambda: [n for n in own() if n in few or not measures.is_builtin(n)]
    )
    for module in (metric_check, taken):
        monkeypatch.setattr(module, "SAMPLES", 50)


def faults(findings):
    return {f.check: f"{f.words} {f.remedy}" for f in findings if f.outcome is Outcome.FAILED}


def words(findings):
    return {f.check: f.words for f in findings if f.outcome is Outcome.PASSED}


def of_data(function):
    dataset("under-check")(function)
    return list(check_dataset("under-check", {}))


def test_a_good_data_set_passes_and_says_what_it_is():
    def good(seed: int = 0, n: int = 600):
        """Points around zero."""
        return np.random.default_rng(seed).normal(size=(n, 2))

    found = of_data(good)
    assert not faults(found)
    told = words(found)
    assert told["class"] == "Points around zero."
    assert told["options"] == "seed, n, label"
    assert told["load"] == "480 training and 120 test examples"
    assert told["shapes"] == "points float32 of shape (2,), as 'under-check'"
    assert told["enough"] == "`samples` of a suite may be up to 480"
    assert set(told) == {"class", "options", "locate", "load", "shapes", *data_check.CHECKS}


def _unseeded():
    return np.random.normal(size=(600, 2))


def _never_the_same():
    return np.random.default_rng().normal(size=(600, 2))


def _shared_python():
    random.random()
    return POINTS


@pytest.mark.parametrize(
    ("make", "check", "said"),
    [
        (_unseeded, "random numbers", "numpy.random"),
        (_shared_python, "random numbers", "(random)"),
        (_never_the_same, "same again", "loaded twice it has two hashes"),
        (lambda: POINTS[:200], "enough", "there are 40 test examples"),
        (lambda: np.zeros((600, 2)), "range", "every number of the training split is 0"),
        (lambda: GREY // 128, "range", "all pixels are 0 or 1"),
        (lambda: {"train": POINTS, "test": POINTS[:200]}, "splits apart", "100.0% of the test examples"),
        (lambda: np.repeat(POINTS[:150], 4, axis=0), "variety", "repeat another one"),
        (lambda: GREY[:, :1, :1].repeat(4, 1).repeat(4, 2), "variety", "one colour all over"),
        (lambda: GREY / 255, "load", "if 0 is black and 1 white"),
        (lambda: 1 / 0, "load", "ZeroDivisionError"),
    ],
)
def test_a_fault_of_data_is_found(make, check, said):
    make.__doc__ = "Something."
    found = faults(of_data(make))
    assert said in found[check]


def test_nothing_of_a_good_neighbour_is_blamed():
    def only_that():
        """Unseeded."""
        return np.random.normal(size=(600, 2))

    assert set(faults(of_data(only_that))) == {"random numbers", "same again"}


def test_classes_that_are_no_data_sets():
    @dataclass(frozen=True)
    class Half:
        def load(self):
            raise DataUnavailable("gone")

        def locate(self):
            time.sleep(0.002)
            return 3

    datasets.register("half")(Half)
    found = list(check_dataset("half", {}))
    assert "it has no docstring" in faults(found)["class"]
    assert "locate gives int" in faults(found)["locate"]
    assert [f.check for f in found if f.outcome is Outcome.SKIPPED] == ["load"]
    assert "unknown option" in faults(check_dataset("half", {"n": 3}))["options"]

    @dataclass(frozen=True)
    class Wrong:
        """Float64 points."""

        def load(self):
            none = np.zeros(0, dtype=np.int64)
            return Dataset(DataInfo("a b", (3,)), POINTS, none, POINTS[:200], none, "")

        locate = None

    datasets.register("wrong")(Wrong)
    found = list(check_dataset("wrong", {}))
    assert "has no method locate" in faults(found)["class"]
    assert "is float64 of shape (600, 2) Give float32" in faults(found)["shapes"]
    assert {f.check for f in found if f.outcome is Outcome.SKIPPED} == set(data_check.CHECKS)


def of_metric(function, **options):
    metric("mine.number", **{"better": "lower", "meaning": "a number", **options})(function)
    return list(check_measure("mine.number", {}))


@pytest.mark.run
def test_a_good_metric_passes_and_says_what_it_gives(small):
    def number(samples, reference):
        return (samples.mean(0) - reference.mean(0)).norm()

    found = of_metric(number, low=0.0)
    assert not faults(found)
    told = words(found)
    assert told["columns"] == "mine.number, lower is better"
    assert told["data"] == "takes images and points"
    assert told["tells apart"].startswith("images: noise: mine.number ")
    assert set(told) == {"columns", "data", *metric_check.CHECKS}


def _only_points(samples):
    if samples.ndim > 2:
        raise ValueError("needs points")
    return samples.mean()


def _no_images(samples):
    return samples[:, :2].norm(dim=1, p=2).mean() if samples.ndim == 2 else samples[9999]


def test_a_metric_may_be_for_one_kind_of_data(small):
    assert words(of_metric(_only_points))["data"] == "takes points; on images it has a dash: needs points."
    measures._things.pop("mine.number")
    told = words(of_metric(_no_images))["data"]
    assert "on images it raises IndexError" in told
    assert "raise ValueError" in told


def _noisy(samples):
    return samples.mean() + torch.rand(())


def _own_noise(samples):
    return samples.mean() + torch.rand((), generator=torch.Generator().manual_seed(time.perf_counter_ns()))


def _count(samples):
    return len(samples)


def _lonely(samples):
    if len(samples) < 3:
        raise IndexError("too few")
    return samples.mean()


@pytest.mark.parametrize(
    ("function", "options", "check", "said"),
    [
        (_own_noise, {}, "same again", "mine.number of the same images is"),
        (_noisy, {}, "random numbers", "(torch)"),
        (lambda samples: samples[0].mean(), {}, "order", "in another order"),
        (_count, {}, "tells apart", "for noise, for one class and for copies alike"),
        (_lonely, {}, "degenerate", "for two samples (images) it raises IndexError: too few"),
        (lambda samples: samples.mean(), {"low": 0.9}, "range", "outside of its range"),
        (lambda samples: samples, {}, "data", "expected one number"),
        (lambda samples: torch.nan, {}, "data", "is nan"),
        (lambda samples: samples.mean(), {"meaning": ""}, "columns", "does not say what it means"),
    ],
)
def test_a_fault_of_a_metric_is_found(small, function, options, check, said):
    assert said in faults(of_metric(function, **options))[check]


@dataclass(frozen=True)
class Rude:
    columns: ClassVar = (Column("rude.mean", "", Better.NEITHER, meaning="of the samples"),)
    per_cohort: ClassVar = False

    def __call__(self, evidence):
        value = float(evidence.samples[:].float().mean())
        evidence.samples.zero_()
        yield Reading(self.columns[0], value)


def test_a_full_measure_is_checked_alike(small):
    measures.register("rude")(Rude)
    found = list(check_measure("rude", {}))
    assert "it changes the samples" in faults(found)["inputs"]


def test_columns_of_another_measure_and_of_models(small):
    @dataclass(frozen=True)
    class Taken(Rude):
        columns: ClassVar = (Column("modes.kl", "", Better.LOWER, meaning="theirs"),)

    measures.register("taken")(Taken)
    (fault,) = faults(check_measure("taken", {})).values()
    assert "modes.kl is a number of the measure 'modes' too (genbench.measures.modes)" in fault
    found = list(check_measure("throughput", {}))
    assert [f.outcome for f in found] == [Outcome.PASSED, Outcome.SKIPPED]
    assert "options" in faults(check_measure("throughput", {"k": 3}))


def test_slow_ones_are_told(small, monkeypatch):
    monkeypatch.setattr(metric_check, "LONGEST_S", -1.0)
    assert "50 images take" in faults(of_metric(lambda samples: samples.mean()))["cost"]
    monkeypatch.setattr(data_check, "AT_ONCE_S", -1.0)
    monkeypatch.setattr(data_check, "FEWEST", 10)
    assert "locate took" in faults(of_data(lambda: POINTS))["locate"]


@pytest.mark.run
@pytest.mark.parametrize("name", ["quality", "known_modes"])
def test_genbenchs_own_measures_pass(name):
    assert not faults(check_measure(name, {}))


@pytest.mark.run
@pytest.mark.parametrize("name", ["digits", "ring"])
def test_genbenchs_own_data_passes(name):
    assert dataclasses.is_dataclass(datasets.get(name))
    assert not faults(check_dataset(name, {}))
