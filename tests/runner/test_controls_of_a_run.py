"""Control rows of a run: which are drawn how often, from which seeds, and what measures are given of them."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchWarning
from genbench.core.record import EXPECTED, SAMPLED, Better, Column, Status
from genbench.data.dataset import Dataset
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Reading, Reference
from genbench.runner.control_rows import has_controls, measure_controls, untrained_of
from genbench.runner.opened import untrained_generators
from genbench.runner.sample import build_model
from genbench.runner.scribe import Scribe
from genbench.suite.plan import Budget, Cohort, DataSpec, ModelSpec, Trial

CPU = torch.device("cpu")
RANDOM = np.random.default_rng(0)
SEEN, ANCHORED, WHOLE = (Column(f"mine.{name}", "", Better.LOWER) for name in ("seen", "anchored", "whole"))
DRAWS = range(3)


def data(classes=("a", "b")):
    labels = np.arange(30) % 2 if classes else np.array([], dtype=np.int64)
    return Dataset(
        DataInfo("plane", (2,), classes),
        RANDOM.normal(-2, 1, (30, 2)).astype(np.float32),
        labels,
        RANDOM.normal(2, 1, (30, 2)).astype(np.float32),
        labels,
        "here",
    )


class Seen:
    """Of samples; keeps what it is given."""

    columns: ClassVar = (SEEN,)
    per_cohort: ClassVar = False

    def __init__(self):
        self.given, self.asked = [], []

    def __call__(self, evidence):
        self.given.append(evidence)
        yield Reading(SEEN, float(evidence.samples.mean()), n=len(evidence.samples))

    def expected(self, reference, n):
        self.asked.append((reference, n))
        yield Reading(SEEN, 0.5, n=0)


class Anchored:
    """Has control rows of its own."""

    columns: ClassVar = (ANCHORED,)
    per_cohort: ClassVar = False
    traced: ClassVar = False
    of_lanes: ClassVar = True

    def __init__(self, *anchors):
        self.anchors = anchors

    def __call__(self, evidence):
        raise AssertionError("it takes no samples")

    def anchor(self, name, reference, seed):
        yield Reading(ANCHORED, {"oracle": 10.0, "untrained": 20.0}[name] + seed, n=1)


class Whole(Seen):
    columns: ClassVar = (WHOLE,)
    per_cohort: ClassVar = True


@pytest.fixture
def measured(told):
    """Records of the control rows."""

    def measure(chosen, dataset, samples=20):
        scribe = Scribe(journal=[], run="r", suite="s", env="e", code="c", protocol={})
        measure_controls(chosen, Reference(dataset, CPU), samples, scribe, told)
        return scribe.journal

    return measure


def test_each_row_is_drawn_three_times_and_measured_as_a_model_is(measured):
    dataset, seen = data(), Seen()
    records = {(r.model, r.seed): r for r in measured([seen, Whole(), Anchored()], dataset)}
    assert records.keys() == {(name, seed) for name in SAMPLED for seed in DRAWS} | {(EXPECTED, None)}
    drawn = [control_samples(name, dataset, 20, seed) for name in SAMPLED for seed in DRAWS]
    assert len(seen.given) == len(drawn)
    for (name, seed), control, evidence in zip(
        [(name, seed) for name in SAMPLED for seed in DRAWS], drawn, seen.given, strict=True
    ):
        assert torch.equal(evidence.samples, control.samples) and evidence.reference.dataset is dataset
        assert (evidence.held_out is None) == (control.held_out is None)
        if control.held_out is not None:
            assert torch.equal(evidence.held_out, control.held_out)
        record = records[name, seed]
        assert record.value == pytest.approx(float(control.samples.mean())) and record.n == 20
        assert (record.step, record.lanes, record.dataset) == (0, 1, "plane")
    assert len({r.trial for r in records.values()}) == len(records)
    ((reference, n),) = seen.asked
    assert reference.dataset is dataset and n == 20 and records[EXPECTED, None].value == 0.5


def test_a_row_that_these_data_cannot_have_costs_no_other(measured):
    records = {(r.model, r.seed): r for r in measured([Seen()], data(classes=()))}
    missing = {key: r for key, r in records.items() if r.value is None}
    assert missing.keys() == {("collapsed", seed) for seed in DRAWS}
    assert {r.status for r in missing.values()} == {Status.SKIPPED}
    assert all("needs labels" in r.reason for r in missing.values())
    assert len(records) == 3 * len(SAMPLED) + 1


def test_rows_that_one_measure_alone_has_are_measured_by_it_alone(measured):
    records = measured([Anchored("oracle", "untrained"), Whole()], data())
    found = {(r.model, r.seed): r.value for r in records}
    assert found == {
        (name, seed): at + seed for name, at in (("oracle", 10), ("untrained", 20)) for seed in DRAWS
    }
    assert {r.metric for r in records} == {ANCHORED.metric}


@pytest.mark.parametrize(
    ("measure", "has"), [(Seen(), True), (Whole(), False), (Anchored(), False), (Anchored("oracle"), True)]
)
def test_which_measures_have_control_rows(measure, has):
    assert has_controls(measure) is has


def plan(**options):
    first = ModelSpec("first", "vae", "1", {"latent": 2, "encoder": NARROW, "decoder": NARROW, **options})
    second = ModelSpec("second", "vae", "1", {"latent": 1, "encoder": NARROW, "decoder": NARROW})
    budget = Budget(4, 6, "float32")
    return [Cohort((Trial(spec, DataSpec("plane", "h"), budget, 5),)) for spec in (first, second)]


NARROW = {"name": "mlp", "hidden": [3]}


def test_the_first_model_before_training_is_there_once_a_draw():
    dataset = data()
    found = untrained_of(plan(), [Seen(), Anchored()], dataset, CPU)
    assert [generator.seed for generator in found] == list(DRAWS)
    wanted = untrained_generators(build_model(plan()[0].model), dataset.info, DRAWS, CPU)
    z = torch.ones(1, 2)
    assert [g.decode(z).tolist() for g in found] == [g.decode(z).tolist() for g in wanted]
    assert untrained_of(plan(), [Seen(), Whole()], dataset, CPU) == ()
    assert untrained_of([], [Anchored()], dataset, CPU) == ()


def test_a_first_model_that_cannot_be_built_costs_its_row_only():
    with pytest.warns(GenbenchWarning, match="no row 'untrained' for plane: first cannot be built"):
        found = untrained_of(plan(encoder={"name": "conv"}), [Anchored()], data(), CPU)
    assert found == ()


def test_a_measure_that_fails_on_a_control_row_costs_that_number(measured, told):
    class Once(Seen):
        def __call__(self, evidence):
            if len(self.given) == 1:
                self.given.append(SimpleNamespace())
                raise ZeroDivisionError("no more")
            yield from super().__call__(evidence)

    records = measured([Once()], data())
    failed = [(r.model, r.seed) for r in records if r.value is None]
    assert failed == [(SAMPLED[0], 1)] and len(told.warnings) == 1
