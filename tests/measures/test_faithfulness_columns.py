import time
from types import SimpleNamespace

import pytest
import torch

from genbench.core.registry import datasets
from genbench.measures import attribution, faithfulness_columns
from genbench.measures.evidence import Evidence, Reference
from genbench.measures.faithfulness_columns import COLUMNS, readings
from genbench.measures.generator import Generator

CPU = torch.device("cpu")
NOTHING = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)


@pytest.fixture
def captum():
    pytest.importorskip("captum", reason="maps of attribution need captum: pip install 'genbench[explain]'")


@pytest.fixture(scope="module")
def digits():
    return Reference(datasets.get("digits")().load(), CPU)


def scored_by(score, kind="discriminator"):
    return Generator(2, "normal", 0, CPU, lambda z: z, score=score, scored_by=kind)


def taken(reference, generator):
    found = list(readings(Evidence(reference, NOTHING, generator=generator)))
    assert tuple(reading.column for reading in found) == COLUMNS
    return {reading.column.metric.removeprefix("interpretability."): reading for reading in found}


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_linear_score_is_explained_exactly(captum, digits):
    w = drawn(784)
    found = taken(digits, scored_by(lambda x: x.flatten(1) @ w + 1, "bound"))
    assert found["completeness_error"].value < 1e-4
    assert found["infidelity"].value < 1e-8
    assert found["infidelity_mean"].value < 1e-8
    assert found["infidelity_shuffled"].value > 0.3
    for name, reading in found.items():
        assert reading.n == 40
        assert reading.error >= 0
        assert reading.protocol == {
            "reference": "test",
            "score": "bound",
            "baseline": "mean image" if name == "infidelity_mean" else "black",
            "masks": 64,
        }
        assert reading.versions == {"metric": "1", "data": digits.dataset.hash}


def test_a_rough_score_is_explained_less_well_and_the_same_every_time(captum, digits):
    first, last = drawn(784, 64) / 5, drawn(64, seed=1)
    generator = scored_by(lambda x: torch.nn.functional.leaky_relu(x.flatten(1) @ first - 1, 0.2) @ last)
    taken(digits, generator)  # captum is imported, images are made
    start = time.process_time()
    found = taken(digits, generator)
    assert time.process_time() - start < 2
    assert found["completeness_error"].value < 1e-2
    assert 0.005 < found["infidelity"].value < found["infidelity_shuffled"].value
    again = taken(digits, generator)
    assert [r.value for r in again.values()] == [r.value for r in found.values()]


def test_the_interval_of_a_median_is_by_ranks(captum, digits, monkeypatch):
    monkeypatch.setattr(faithfulness_columns, "normalised_infidelity", lambda a, drops: torch.arange(40.0))
    w = drawn(784)
    found = taken(digits, scored_by(lambda x: x.flatten(1) @ w))["infidelity"]
    # of forty the fourteenth from either end: 40 / 2 - 0.98 · √40 is 13.8
    assert (found.value, found.error, found.n) == (19.5, (26 - 13) / 2, 40)


def test_maps_that_do_not_add_up_have_no_infidelity(captum, digits):
    found = taken(digits, scored_by(lambda x: torch.sin(3e5 * x.mean((1, 2, 3)))))
    assert found["completeness_error"].value > 0.01
    for name in ("infidelity", "infidelity_shuffled", "infidelity_mean"):
        assert found[name].value is None
        assert "fail to add up" in found[name].reason


@pytest.mark.parametrize(
    "score", [lambda x: 0 * x.sum((1, 2, 3)), lambda x: x.sum((1, 2, 3)) / 0 - torch.inf]
)
def test_a_score_that_says_nothing_is_a_reason(captum, digits, score):
    for reading in taken(digits, scored_by(score)).values():
        assert reading.value is None
        assert "nothing to share out" in reading.reason


def test_what_has_no_score_has_reasons(digits):
    ring = Reference(datasets.get("ring")().load(), CPU)
    score = scored_by(lambda x: x.sum(1))
    for reference, generator, words in (
        (ring, score, "points"),
        (digits, None, "only samples"),
        (digits, scored_by(None, ""), "no score"),
    ):
        for reading in taken(reference, generator).values():
            assert reading.value is None
            assert words in reading.reason


def test_without_captum_there_is_a_remedy(digits, monkeypatch):
    monkeypatch.setattr(
        attribution, "importlib", SimpleNamespace(util=SimpleNamespace(find_spec=lambda _: None))
    )
    for reading in taken(digits, scored_by(lambda x: x.sum((1, 2, 3)))).values():
        assert reading.value is None
        assert "pip install 'genbench[explain]'" in reading.reason


def test_test_images_are_explained_from_black_and_from_the_mean_training_image(captum, digits):
    w, baselines, explained = drawn(784), [], set()

    def score(x):
        if len(x) == 1:
            baselines.append(x[0].detach())
        elif len(x) == 40:
            explained.update(image.detach().mul(255).round().byte().numpy().tobytes() for image in x)
        return x.flatten(1) @ w

    taken(digits, scored_by(score))
    mean = torch.from_numpy(digits.dataset.train_examples).double().mean(0) / 255
    assert {round(float(b.sum()), 2) for b in baselines} == {0.0, round(float(mean.sum()), 2)}
    assert any(torch.allclose(b.double(), mean, atol=1e-6) for b in baselines)
    assert len(explained & {image.tobytes() for image in digits.dataset.test_examples}) == 40
