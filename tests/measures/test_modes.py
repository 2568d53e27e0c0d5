import math

import pytest
import torch

from genbench.core.registry import datasets, measures
from genbench.features.protocol import Features
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Reference


@pytest.fixture(scope="module")
def modes():
    return measures.get("modes")()


def values(readings):
    return [reading.value for reading in readings.values()]


def test_real_data_show_every_class(control, read, modes):
    covered, entropy, kl = values(read(modes, control("real")))
    assert covered == 10
    assert entropy == pytest.approx(math.log(10), abs=0.02)
    assert 0 <= kl < 0.03


@pytest.mark.parametrize("seed", [3, 17])
def test_a_collapsed_model_shows_one(control, read, modes, seed):
    covered, entropy, kl = values(read(modes, control("collapsed", 100, seed)))
    assert covered == 1
    assert entropy < 0.2
    assert kl > 2


@pytest.mark.run
@pytest.mark.parametrize("seed", range(10))
def test_so_it_is_on_mnist(mnist, read, modes, seed):
    covered, entropy, kl = values(
        read(modes, Evidence(mnist, control_samples("collapsed", mnist.dataset, 500, seed).samples))
    )
    assert covered == 1
    assert entropy < 0.15
    assert kl > 2


def test_every_reading_is_stamped(control, read, modes, reference):
    for reading in read(modes, control("real", 200)).values():
        assert reading.n == 200
        assert reading.protocol == {
            "n_real": 599,
            "n_fake": 200,
            "reference": "test",
            "extractor": "mnist-cnn",
        }
        assert reading.versions == {
            "metric": "1",
            "features": reference.extractor.hash,
            "data": reference.dataset.hash,
        }


def test_no_samples(reference, read, modes):
    found = read(modes, Evidence(reference, torch.zeros(0, 1, 28, 28, dtype=torch.uint8)))
    assert values(found) == [None] * 3
    assert all("no samples" in reading.reason for reading in found.values())


def test_a_class_that_no_test_image_has_is_infinitely_far(control, read, modes, reference):
    seen = reference.features.probabilities
    poor = Reference(reference.dataset, reference.device)
    vars(poor)["features"] = Features(reference.features.values, seen[seen.argmax(1) != 7])
    found = read(modes, Evidence(poor, control("real").samples))
    assert found["modes.kl"].value is None
    assert "no test image has" in found["modes.kl"].reason
    assert found["modes.covered"].value == 9


def test_what_a_perfect_model_is_expected_to_score(control, read, modes, reference):
    found = {r.column.metric: r for r in list(modes.expected(reference, 500))[:3]}
    assert tuple(r.column for r in found.values()) == modes.columns
    covered, entropy, _ = values(read(modes, control("real")))
    assert found["modes.covered"].value == pytest.approx(covered)
    assert found["modes.entropy"].value == pytest.approx(entropy, abs=0.02)
    assert found["modes.kl"].value == pytest.approx(9 / 2 * (1 / 500 + 1 / 599), rel=0.01)
    assert all(0 <= r.value <= 10 for r in modes.expected(reference, 1))
    assert found["modes.kl"].protocol == read(modes, control("real"))["modes.kl"].protocol


@pytest.mark.parametrize(
    ("labels", "n", "entropy"),
    [
        # (classes - 1) / 2 · 4 is added to the expected entropy, up to ln(classes)
        ([0, 1, 0, 1], 1000, math.log(2)),
        ([0, 0, 0, 1], 1, 1 / 8),
        ([0, 0, 0, 1], 2, 6 / 16 * math.log(2) + 1 / 8),
    ],
)
def test_the_expected_entropy_by_hand(modes, reference, labels, n, entropy):
    probabilities = torch.eye(2)[torch.tensor(labels)]
    few = Reference(reference.dataset, reference.device)
    vars(few).update(extractor=reference.extractor, features=Features(torch.zeros(4, 1), probabilities))
    found = {r.column.metric: r for r in modes.expected(few, n)}
    assert found["modes.entropy"].value == pytest.approx(entropy)
    assert found["modes.kl"].value is None and found["modes.kl"].reason  # a class too rare for certainty
    assert found["mode_share.1"].value == labels.count(1) / 4
    assert (found["modes.entropy"].protocol["n_real"], found["modes.entropy"].protocol["n_fake"]) == (4, n)


def test_points_are_not_classified(read, modes):
    ring = Reference(datasets.get("ring")().load(), torch.device("cpu"))
    found = read(modes, Evidence(ring, torch.from_numpy(ring.dataset.train_examples[:50])))
    for reading in (*found.values(), *modes.expected(ring, 50)):
        assert reading.value is None
        assert "known_modes" in reading.reason
