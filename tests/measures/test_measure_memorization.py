import pytest
import torch

from genbench.core.registry import datasets, measures
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Reference
from genbench.metrics import authenticity


@pytest.fixture(scope="module")
def memorization():
    return measures.get("memorization")()


@pytest.fixture(scope="module")
def ring():
    return Reference(datasets.get("ring")().load(), torch.device("cpu"))


def test_replayed_images_are_caught_and_fresh_ones_are_not(control, read, memorization):
    replayed = read(memorization, control("memorized", 300))
    assert [reading.value for reading in replayed.values()] == [0, pytest.approx(0, abs=1e-12)]
    fresh = read(memorization, control("real", 300))
    assert fresh["memorization.authenticity"].value > 0.3
    assert fresh["memorization.distance"].value > 1e-3


@pytest.mark.parametrize("n", [300, 700])
def test_for_real_images_test_images_are_looked_at(control, read, memorization, reference, n):
    """All of the training set is what a model may remember, however many samples are asked for."""
    found = read(memorization, control("real", n))
    assert found["memorization.authenticity"].value == pytest.approx(0.62, abs=0.08)
    for reading in found.values():
        assert reading.n == min(n, 599)
        assert reading.protocol["n_train"] == 1198
    whole = authenticity(reference.memory, reference.features.values)
    if n >= 599:
        assert found["memorization.authenticity"].value == whole


def test_real_images_themselves_would_be_memories(control, read, memorization):
    real = control("real", 300)
    found = read(memorization, Evidence(real.reference, real.samples))
    assert found["memorization.authenticity"].value == 0


def test_it_is_the_training_split_that_is_remembered(control, read, memorization, reference):
    evidence = control("noise", 100)
    training = reference.extractor(torch.from_numpy(reference.dataset.train_examples)).values
    found = read(memorization, evidence)
    assert found["memorization.authenticity"].value == authenticity(training, evidence.features.values)
    for reading in found.values():
        assert reading.protocol == {
            "n_train": len(training),
            "reference": "train",
            "extractor": "mnist-cnn",
        }
        assert reading.versions["data"] == reference.dataset.hash


@pytest.mark.run
def test_what_fresh_points_of_a_plane_are_expected_to_score(ring, read, memorization):
    drawn = control_samples("real", ring.dataset, 2500, 0)
    found = read(memorization, Evidence(ring, drawn.samples, held_out=drawn.held_out))
    expected = {r.column.metric: r.value for r in memorization.expected(ring, 2500)}
    assert expected["memorization.authenticity"] == pytest.approx(0.3785, abs=1e-4)
    assert found["memorization.authenticity"].value == pytest.approx(0.3785, abs=0.04)
    assert found["memorization.distance"].value is None
    assert "angles" in found["memorization.distance"].reason


def test_points_have_no_distance_of_angles(ring, read, memorization):
    copies = read(memorization, Evidence(ring, torch.from_numpy(ring.dataset.train_examples[:20])))
    assert copies["memorization.authenticity"].value == 0
    assert copies["memorization.distance"].value is None
    assert "angles" in copies["memorization.distance"].reason


def test_of_features_nothing_is_expected(reference, memorization):
    assert [r.value for r in memorization.expected(reference, 100)] == [None, None]


def test_too_little_to_compare_is_a_reason(reference, read, memorization):
    nothing = Evidence(reference, torch.zeros(0, 1, 28, 28, dtype=torch.uint8))
    for reading in read(memorization, nothing).values():
        assert reading.value is None
        assert reading.reason
