"""Stability of trainings made by hand: what settles, what turns, what collapses, and what is not there."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.registry import measures
from genbench.data.dataset import Dataset, Factors, GaussianModes
from genbench.features.protocol import Features
from genbench.measures.evidence import Evidence, Final, Reference
from genbench.measures.generator import Generator
from genbench.measures.stability import Stability
from genbench.measures.stability_course import course_of
from genbench.measures.trace import Trace

CPU = torch.device("cpu")
KINDS = 4
LATE = 6  # of twelve snapshots


def images(labels, seed=0):
    """(N, 1, 4, 4) of which the quadrant of the class is bright."""
    labels = torch.as_tensor(labels)
    random = torch.Generator().manual_seed(seed)
    dark = torch.randint(0, 40, (len(labels), 2, 2, 2, 2), generator=random)
    dark[torch.arange(len(labels)), labels // 2, :, labels % 2, :] += 180
    return dark.reshape(-1, 1, 4, 4).to(torch.uint8)


class Quadrants:
    """Means of the quadrants are the features, the brightest one is the class."""

    id, hash, pinned = "quadrants", "0" * 12, True

    def __call__(self, samples):
        values = samples[:].float().reshape(-1, 2, 2, 2, 2).mean((2, 4)).flatten(1) / 255
        return Features(values, torch.nn.functional.one_hot(values.argmax(1), KINDS).float())


class Brightness:
    """A factor reader: the means of the left and of the right half."""

    def read(self, samples):
        return SimpleNamespace(values=samples.float().reshape(-1, 4, 2, 2).mean((1, 3)))


BALANCED = torch.arange(400) % KINDS


@pytest.fixture(scope="module")
def reference():
    split = [images(BALANCED, seed).numpy() for seed in (1, 2)]
    labels = BALANCED.numpy()
    data = Dataset(
        DataInfo("quadrants", (1, 4, 4), tuple("abcd")), split[0], labels, split[1], labels, "made"
    )
    made = Reference(data, CPU)
    vars(made)["extractor"] = Quadrants()
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("genbench.measures.fresh_critic.STEPS", 20)


def trace(snapshots, **change):
    """Twelve snapshots or what is given, 100 steps apart."""
    count = len(snapshots)
    content = {
        "steps": tuple(range(0, 100 * count, 100)), "spacing": 100, "samples": torch.stack(snapshots),
        "moved": torch.tensor([0.0] + [1.0] * (count - 1)).double(), "displaced": 2.0, "middle": LATE,
        "gradient_norms": {"generator": torch.ones(1100), "discriminator": torch.ones(1100)},
        "player": "generator",
    }  # fmt: skip
    return Trace(**{**content, **change})


LEARNED = [torch.zeros(400, 1, 4, 4, dtype=torch.uint8)] + [images(BALANCED, 3)] * 11
TURNING = [images(torch.full((400,), t % KINDS), t) for t in range(12)]


def readings(reference, snapshots=LEARNED, generator=None, samples=None, **change):
    found = trace(snapshots, **change)
    last = found.samples[-1] if samples is None else samples
    return read(Evidence(reference, last, generator=generator, trace=found))


def read(evidence):
    found = list(Stability()(evidence))
    assert tuple(reading.column for reading in found) == Stability.columns
    assert all(reading.reason for reading in found if reading.value is None)
    return {reading.column.metric.removeprefix("stability."): reading for reading in found}


def generator(**change):
    return Generator(2, "normal", 0, CPU, decode=lambda z: z, **change)


def test_it_is_registered_and_final():
    assert measures.get("stability") is Stability and isinstance(Stability(), Final)
    assert Stability.anchors == ("real", "gaussian", "collapsed")


def test_controls_have_what_a_fresh_critic_tells(reference, monkeypatch):
    monkeypatch.setattr("genbench.measures.fresh_critic.STEPS", 5)
    for name in Stability.anchors:
        found = {r.column.metric for r in Stability().anchor(name, reference, 0)}
        assert found == {"stability.critic_jsd", "stability.critic_auc"}


def test_what_learned_and_settled_has_neither_failed_nor_moved(reference):
    found = readings(reference)
    assert found["failed"].value == 0.0 and not found["failed"].reason
    for name in ("drift", "churn", "drawdown", "collapse_events", "late_collapsed"):
        assert found[name].value == pytest.approx(0.0, abs=1e-9), name
    assert found["score"].value < 0.01
    assert found["straightness"].value == pytest.approx(2 / 5)
    assert found["spikes"].value == 1.0
    assert found["drift"].n == 400 and found["drift"].protocol["spacing"] == 100
    assert found["drift"].protocol["snapshots"] == 12
    assert found["failed"].protocol["entropy_below"] == 0.5
    assert found["drift"].versions["features"] == Quadrants.hash


def test_a_collapse_that_turns_through_the_classes_is_seen(reference):
    found = readings(reference, TURNING)
    assert found["failed"].value == 1.0
    assert "collapsed: class entropy below 0.5" in found["failed"].reason
    assert found["churn"].value == 1.0
    assert found["drift"].value > 1.0  # two classes are further apart than two examples, which may share one


def test_one_collapse_on_the_way_is_counted_and_timed(reference):
    lost = [*LEARNED[:8], TURNING[0], TURNING[0], *LEARNED[10:]]
    found = readings(reference, lost)
    assert found["collapse_events"].value == 1.0
    assert found["late_collapsed"].value == pytest.approx(2 / 6)
    assert found["churn"].value == pytest.approx(2 * 0.75 / 5)
    assert found["failed"].value == 0.0


def test_only_the_late_half_counts(reference):
    early = [*TURNING[:LATE], *LEARNED[LATE:]]
    norms = {"generator": torch.cat([torch.full((550,), 9.0), torch.ones(550)])}
    found = readings(reference, early, gradient_norms=norms)
    assert found["drift"].value == found["churn"].value == 0.0
    assert found["spikes"].value == 1.0


def test_quality_that_is_lost_again_is_a_drawdown(reference):
    blank = LEARNED[0]
    found = readings(reference, [*LEARNED[:-1], blank], samples=LEARNED[1])
    assert found["drawdown"].value == pytest.approx(1.0)
    never = readings(reference, [blank] * 12)
    assert never["drawdown"].value is None and "better" in never["drawdown"].reason


def test_samples_of_no_use_are_no_better_than_a_gaussian(reference):
    noise = torch.randint(0, 256, (400, 1, 4, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert "no_better_than_mean" in readings(reference, samples=noise)["failed"].reason


def test_an_encoder_that_uses_no_latent_has_collapsed(reference):
    still = generator(encode=lambda x: 0.05 * x.flatten(1)[:, :2])
    used = generator(encode=lambda x: x.flatten(1)[:, :2])
    assert readings(reference, generator=used)["failed"].value == 0.0
    found = readings(reference, generator=still)["failed"]
    assert found.value == 1.0 and found.reason.startswith("posterior_collapse: ")


def test_gradients_that_are_not_finite_are_a_failure(reference):
    norms = {"generator": torch.tensor([1.0, math.inf] * 20)}
    found = readings(reference, gradient_norms=norms)
    assert found["failed"].reason.startswith("nonfinite") and found["failed"].value == 1.0
    assert found["spikes"].value is None


def test_a_discriminator_is_judged_and_whatever_has_none_gets_a_dash(reference):
    known = {x.tobytes() for x in reference.dataset.train_examples}

    def by_heart(x):
        return torch.tensor(
            [9.0 * ((255 * one).round().to(torch.uint8).numpy().tobytes() in known) for one in x]
        )

    found = readings(reference, generator=generator(score=by_heart, scored_by="discriminator"))
    assert found["d_gap"].value == 0.5 and found["d_auc"].value == 0.5 and found["d_confident"].value == 0.0
    known = {x.tobytes() for x in reference.dataset.test_examples}
    found = readings(reference, generator=generator(score=by_heart, scored_by="discriminator"))
    # test examples above all samples; half of the scored ones beyond 7
    assert (found["d_auc"].value, found["d_gap"].value, found["d_confident"].value) == (1.0, -0.5, 0.5)
    assert found["d_auc"].n == 400 and found["d_auc"].protocol == {"reference": "test", "scored": 2000}
    assert "no discriminator" in readings(reference, generator=generator())["d_auc"].reason
    bound = generator(score=by_heart, scored_by="bound")
    assert readings(reference, generator=bound)["d_gap"].value is None
    assert "latent" in readings(reference)["d_gap"].reason


def test_a_fresh_critic_tells_a_collapse_and_not_the_real_thing(reference, monkeypatch):
    monkeypatch.setattr("genbench.measures.fresh_critic.STEPS", 100)
    good, bad = readings(reference), readings(reference, TURNING)
    assert bad["critic_jsd"].value > 0.2 > good["critic_jsd"].value
    assert bad["critic_auc"].value > 0.75 > good["critic_auc"].value
    assert good["critic_jsd"].n == 200


def test_a_short_trace_says_how_many_steps_it_needs(reference):
    found = readings(reference, LEARNED[:7])
    assert found["drift"].value is found["straightness"].value is None
    assert "8 snapshots needs 700 steps" in found["drift"].reason
    assert found["failed"].value == 0.0
    ended = readings(reference, LEARNED[:9], middle=8)
    assert "second half" in ended["churn"].reason


def test_samples_without_a_training_are_all_dashes(reference):
    found = read(Evidence(reference, LEARNED[-1]))
    assert all(reading.value is None for reading in found.values())
    assert course_of(Evidence(reference, LEARNED[-1])) is None


@pytest.mark.parametrize("level", [0, 255])
def test_one_image_for_ever_is_a_row(reference, level):
    found = readings(reference, [torch.full((400, 1, 4, 4), level, dtype=torch.uint8)] * 12)
    assert found["failed"].value == 1.0 and found["drift"].value == 0.0


def test_the_course_is_made_once_and_has_a_number_a_snapshot(reference):
    evidence = Evidence(reference, LEARNED[-1], trace=trace([*LEARNED[:-1], TURNING[1]]))
    course = course_of(evidence)
    assert course_of(replace(evidence)) is course
    assert course.steps == tuple(range(0, 1200, 100))
    assert course.drift[0] is None and course.drift[2] == 0.0 and course.drift[-1] > 0.5
    assert course.shares[1] == (0.25,) * 4 and course.shares[-1] == (0.0, 1.0, 0.0, 0.0)
    assert course.entropy[1] == pytest.approx(1.0) and course.entropy[-1] == 0.0
    assert course.coverage == (None,) * 12
    assert course.quality_b[1] < 0.01 < course.quality_b[-1]
    assert course.quality_a != course.quality_b


def test_data_of_one_class_have_no_entropy_of_classes(reference):
    one = Reference(replace(reference.dataset, train_labels=0 * reference.dataset.train_labels), CPU)
    vars(one)["extractor"] = Quadrants()
    assert course_of(Evidence(one, LEARNED[-1], trace=trace(LEARNED))).entropy == (None,) * 12


def test_the_halves_of_quality_share_no_latent_and_no_test_example(reference):
    mixed = images(BALANCED, 3)
    mixed[1::2] = 0
    course = course_of(Evidence(reference, mixed, trace=trace([mixed] * 8)))
    assert course.quality_a[0] < course.quality_b[0]


@pytest.fixture
def with_factors(reference):
    factors = Factors(
        ("left", "right"), np.zeros(2), np.ones(2), *(np.zeros((1, 2), np.float32),) * 2,
        np.zeros((1, 1, 4, 4), np.uint8), np.zeros(1, np.int64), np.zeros((1, 2), np.float32),
        lambda classes, values: None, "made 1",
    )  # fmt: skip
    made = Reference(replace(reference.dataset, factors=factors), CPU)
    vars(made).update(extractor=Quadrants(), factor_reader=Brightness())
    return made


def test_factors_are_covered_or_not(with_factors):
    still = images(BALANCED, 3)
    still[:] = still[:1]
    course = course_of(Evidence(with_factors, still, trace=trace([*LEARNED[:11], still])))
    assert course.coverage[1] == pytest.approx(1.0, abs=0.05)
    assert course.coverage[-1] == course.coverage[0] == 0.0
    found = readings(with_factors, [*LEARNED[:11], still])
    assert found["collapse_events"].value == 1.0 and found["failed"].value == 1.0


def points(centers, labels, seed=0):
    random = torch.Generator().manual_seed(seed)
    return centers[labels].float() + 0.01 * torch.randn(len(labels), 2, generator=random)


@pytest.fixture(scope="module")
def ring():
    centers = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    split = [points(centers, BALANCED, seed).numpy() for seed in (1, 2)]
    labels = BALANCED.numpy()
    info = DataInfo("ring", (2,), tuple("abcd"))
    modes = GaussianModes(centers.numpy(), 0.01)
    return Reference(Dataset(info, split[0], labels, split[1], labels, "made", modes=modes), CPU), centers


def test_points_are_counted_at_their_known_modes(ring):
    reference, centers = ring
    good = points(centers, BALANCED, 3)
    found = readings(reference, [torch.zeros(400, 2), *[good] * 11])
    assert found["failed"].value == 0.0 and found["churn"].value == 0.0
    turning = [points(centers, torch.full((400,), t % KINDS), t) for t in range(12)]
    lost = readings(reference, turning)
    assert lost["churn"].value == 1.0 and "collapsed: class entropy" in lost["failed"].reason
    unknown = Reference(replace(reference.dataset, modes=None), CPU)
    found = readings(unknown, [good] * 12)
    assert found["churn"].value is None and "known modes" in found["churn"].reason
    assert found["collapse_events"].value is None


def test_points_that_are_not_finite_are_a_row(ring):
    reference, centers = ring
    good = points(centers, BALANCED, 3)
    found = readings(reference, [*[good] * 11, torch.full((400, 2), math.nan)])
    assert found["failed"].value == 1.0 and found["failed"].reason.startswith("nonfinite")
    for name in ("score", "drift", "drawdown", "critic_jsd"):
        assert found[name].value is None, name
    assert found["drift"].reason.startswith("some snapshot is not finite")
