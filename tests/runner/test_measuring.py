"""Measuring of lanes: whose numbers go where, how trials end, and what is not taken twice."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch

from genbench.core.record import OUTCOME, Better, Column, Status
from genbench.measures.evidence import Reading
from genbench.runner import measuring
from genbench.runner.cohort import TrainedCohort
from genbench.runner.cost import Price, Spent, spent
from genbench.runner.measuring import close_cohort, evaluate, measure_cohort
from genbench.runner.scribe import Scribe
from genbench.runner.target import Goal, Track
from genbench.suite.plan import Budget, Cohort, DataSpec, ModelSpec, Trial

SEEDS = (7, 3, 5)
PLAN = Cohort(
    tuple(
        Trial(ModelSpec("mine", "vae", "4", {}), DataSpec("d", "h"), Budget(40, 8, "float32"), seed)
        for seed in SEEDS
    )
)
IDS = dict(zip(SEEDS, (trial.id for trial in PLAN.trials), strict=True))
MEAN, LAST, TRACED, WHOLE = (
    Column(f"mine.{name}", "", Better.LOWER) for name in ("mean", "last", "traced", "whole")
)
PRICE = Price(images=8, flops=10**9, lanes=3, device="here")


class Mean:
    """Of samples: on the way too."""

    columns: ClassVar = (MEAN,)
    per_cohort: ClassVar = False

    def __call__(self, evidence):
        yield Reading(MEAN, float(evidence.samples.float().mean()), n=len(evidence.samples))


@dataclass
class Last:
    """Of what lanes are at their end."""

    columns: ClassVar = (LAST, TRACED)
    per_cohort: ClassVar = False
    traced: ClassVar = True
    of_lanes: ClassVar = True
    anchors: ClassVar = ()

    def __call__(self, evidence):
        yield Reading(LAST, float(evidence.generator), n=1)
        yield Reading(TRACED, float(evidence.trace), n=1)

    def anchor(self, name, reference, seed):
        raise AssertionError(name)


class Whole:
    """Of a cohort."""

    columns: ClassVar = (WHOLE,)
    per_cohort: ClassVar = True

    def __call__(self, evidence):
        assert len(evidence.samples) == 0
        yield Reading(WHOLE, evidence.timing, n=1)


class Broken(Mean):
    """Fails where samples have this mean."""

    def __init__(self, at):
        self.at = at

    def __call__(self, evidence):
        (reading,) = super().__call__(evidence)
        if reading.value == self.at:
            raise ZeroDivisionError("no more")
        yield reading


CHOSEN = (Mean(), Last(), Whole())


@pytest.fixture
def scribe(monkeypatch):
    monkeypatch.setattr(measuring, "build_model", lambda spec: None)
    return Scribe(journal=[], run="r", suite="s", env="e", code="c", protocol={})


def trained(step=40, diverged=(None, None, None), finite=(True, True, True)):
    """Three lanes whose samples have the means 10, 20 and 30."""
    training = SimpleNamespace(
        state=SimpleNamespace(step=step),
        diverged=list(diverged),
        alive=tuple(at is None for at in diverged),
        seconds=0.3 * step,
    )
    samples = torch.arange(1, 4)[:, None, None].expand(3, 6, 2) * 10.0
    return TrainedCohort(
        cohort=PLAN,
        training=training,
        samples=samples,
        finite=finite,
        chunks=[],
        bounds=None,
        price=PRICE,
        timing=2.5,
        evaluations=[],
        generators=(1, 2, 3),
        traces=(4, 5, 6),
    )


def measure(scribe, told, of=None, chosen=CHOSEN, track=None, **more):
    reference = SimpleNamespace(dataset=None)
    measure_cohort(chosen, of or trained(), reference, scribe, told, track or Track(None), **more)
    return scribe.journal


def values(records, column):
    return {r.seed: r.value for r in records if r.metric == getattr(column, "metric", column)}


def test_every_lane_has_the_numbers_of_its_own_samples_function_and_trace(scribe, told):
    records = measure(scribe, told)
    assert values(records, MEAN) == {7: 10, 3: 20, 5: 30}
    assert values(records, LAST) == {7: 1, 3: 2, 5: 3}
    assert values(records, TRACED) == {7: 4, 3: 5, 5: 6}
    assert values(records, WHOLE) == {None: 2.5}
    assert values(records, OUTCOME) == {7: 40, 3: 40, 5: 40}
    assert values(records, "cost.seconds") == {seed: pytest.approx(4.0) for seed in SEEDS}
    assert {r.n for r in records if r.metric == MEAN.metric} == {6}
    assert {r.n for r in records if r.metric != MEAN.metric} == {1}
    for r in records:
        assert r.trial == (PLAN.id if r.seed is None else IDS[r.seed])
        assert (r.step, r.lanes, r.model, r.versions["model"], r.dataset) == (40, 3, "mine", "4", "d")
        assert r.protocol.items() >= {"precision": "float32", "batch_size": 8}.items()
        assert r.status is Status.DONE
    assert scribe.outcomes == dict.fromkeys(IDS.values(), Status.DONE)


def test_a_lost_lane_lacks_its_numbers_from_the_step_at_which_it_was_lost(scribe, told):
    track = Track(Goal(MEAN, 50.0, stop=False))
    track.met[1] = Spent(8, 2.0, 64, 10)
    records = measure(scribe, told, trained(diverged=(None, 17, None)), track=track)
    assert values(records, MEAN) == {7: 10, 3: None, 5: 30}
    lost = [r for r in records if r.seed == 3]
    reached = {r.metric: r.value for r in lost if r.value is not None}
    assert reached == {"target.steps": 8, "target.seconds": 2.0, "target.images": 64, OUTCOME: 17}
    assert {r.step for r in lost} == {17}
    assert {r.status for r in lost if r.value is None or r.metric == OUTCOME} == {Status.DIVERGED}
    assert {r.reason for r in lost if r.value is None} == {"not finite from step 17 on"}
    missing = {r.metric for r in lost if r.value is None}
    assert missing == {c.metric for c in (MEAN, LAST, TRACED)} | {f"cost.{of}" for of in COSTS}
    assert scribe.outcomes == {IDS[7]: Status.DONE, IDS[3]: Status.DIVERGED, IDS[5]: Status.DONE}


COSTS = ("seconds", "images", "gflop")


def test_what_fails_in_a_lane_is_that_lanes_failure(scribe, told):
    records = measure(scribe, told, chosen=(Broken(20.0), Last()))
    assert values(records, MEAN) == {7: 10, 3: None, 5: 30}
    assert values(records, LAST) == {7: 1, 3: 2, 5: 3}  # another measure goes on
    ends = {r.seed: (r.status, r.reason) for r in records if r.metric == OUTCOME}
    assert ends == {
        7: (Status.DONE, ""),
        3: (Status.FAILED, "measures failed: Broken"),
        5: (Status.DONE, ""),
    }


def test_what_fails_of_a_cohort_is_the_failure_of_all_its_lanes(scribe, told):
    class Lost(Whole):
        def __call__(self, evidence):
            raise ZeroDivisionError

    records = measure(scribe, told, chosen=(Mean(), Lost()))
    assert values(records, MEAN) == {7: 10, 3: 20, 5: 30} and values(records, WHOLE) == {None: None}
    reasons = {r.reason for r in records if r.metric == OUTCOME}
    assert reasons == {"measures failed: Lost"} and set(scribe.outcomes.values()) == {Status.FAILED}


def test_a_trial_that_has_ended_is_not_measured_again(scribe, told):
    scribe.outcomes[IDS[7]] = Status.DONE
    kept = []
    records = measure(scribe, told, keep=lambda trial, evidence: kept.append((trial.seed, evidence.trace)))
    assert values(records, MEAN) == {3: 20, 5: 30}
    assert kept == [(3, 5), (5, 6)]


def looked(scribe, told, track=None, **more):
    reference = SimpleNamespace(dataset=None)
    return evaluate(CHOSEN, trained(**more), reference, scribe, told, track or Track(None))


def test_on_the_way_lanes_that_are_alive_have_numbers_of_samples_and_costs(scribe, told):
    assert looked(scribe, told, step=20, diverged=(None, None, 11), finite=(True, False, True)) is False
    records = scribe.journal
    assert values(records, MEAN) == {7: 10, 3: None}
    assert values(records, "cost.seconds") == {7: pytest.approx(2.0), 3: pytest.approx(2.0)}
    assert values(records, "cost.images") == {7: 160, 3: 160} and values(records, "cost.gflop") == {
        7: 20,
        3: 20,
    }
    (missing,) = [r for r in records if r.value is None]
    assert (missing.status, missing.reason) == (Status.DIVERGED, "the samples at step 20 are not finite")
    assert {r.metric for r in records} == {MEAN.metric, *(f"cost.{of}" for of in COSTS)}
    assert {r.step for r in records} == {20} and not scribe.outcomes
    assert {(trial, way) for trial, _, _, way in scribe.written} == {(IDS[7], True), (IDS[3], True)}


def test_numbers_at_an_early_end_are_not_taken_again(scribe, told):
    track = Track(Goal(MEAN, 30.0, stop=True))
    chosen = (Broken(20.0), *CHOSEN[1:])
    track.met[1] = Spent(8, 2.0, 64, 10)
    reference = SimpleNamespace(dataset=None)
    assert evaluate(chosen, trained(step=20), reference, scribe, told, track)
    assert track.closing == {0: [], 1: ["Broken"], 2: []}
    before = len(scribe.journal)
    records = measure(scribe, told, trained(step=20), chosen, track)[before:]
    assert values(records, MEAN) == values(records, "cost.seconds") == {}
    assert values(records, LAST) == {7: 1, 3: 2, 5: 3}
    assert values(records, "target.steps") == {7: 20, 3: 8, 5: 20}
    assert {r.seed: r.reason for r in records if r.metric == OUTCOME}[3] == "measures failed: Broken"
    assert scribe.outcomes[IDS[7]] is Status.DONE


@pytest.mark.parametrize("ended", [(), (7,)])
def test_a_cohort_that_is_closed_says_of_each_trial_how_far_it_came(scribe, ended):
    scribe.outcomes.update({IDS[seed]: Status.DONE for seed in ended})
    reached = {IDS[7]: 12, IDS[3]: 4}
    close_cohort(CHOSEN, None, PLAN, reached, scribe, Status.FAILED, "because")
    records, left = scribe.journal, {7: 12, 3: 4, 5: 0}
    for seed in ended:
        del left[seed]
    assert values(records, OUTCOME) == left
    whole = [(r.step, r.trial, r.value) for r in records if r.metric == WHOLE.metric]
    assert whole == ([] if ended else [(12, PLAN.id, None)])
    for r in records:
        assert (r.status, r.reason) == (Status.FAILED, "because")
        assert r.seed is None or (r.step == left[r.seed] and r.trial == IDS[r.seed])
    wanted = {c.metric for c in (MEAN, LAST, TRACED)} | {f"cost.{of}" for of in COSTS} | {OUTCOME}
    assert {r.metric for r in records if r.seed == 5} == wanted


def test_a_lane_has_its_share_of_the_seconds_and_all_of_its_own_steps():
    training = SimpleNamespace(state=SimpleNamespace(step=5), seconds=6.0)
    assert spent(training, PRICE) == Spent(steps=5, seconds=2.0, images=40, flops=5 * 10**9)
