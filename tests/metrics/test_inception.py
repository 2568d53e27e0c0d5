import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics.inception import inception_score


@pytest.fixture
def probs(normal):
    return lambda n, k: torch.softmax(3 * normal(n, k), 1)


def test_sure_and_even_is_the_number_of_classes():
    assert inception_score(torch.eye(7).repeat(5, 1)) == pytest.approx(7, rel=1e-12)


def test_rows_all_alike_are_one():
    assert inception_score(torch.tensor([[0.2, 0.5, 0.3]]).repeat(40, 1)) == pytest.approx(1, abs=1e-7)
    assert inception_score(torch.tensor([[0.2, 0.5, 0.3]])) == 1.0  # one sample is all alike


def test_hand_case():
    found = inception_score(torch.tensor([[0.9, 0.1], [0.1, 0.9]], dtype=torch.float64))
    assert found == pytest.approx(2 * 0.9**0.9 * 0.1**0.1, rel=1e-12)
    assert found == pytest.approx(1.444935, rel=1e-6)


def test_two_sets_of_known_score():
    """Two sets scored one after the other have each its own score."""
    few, many = torch.eye(10)[:2].repeat(50, 1), torch.eye(10).repeat(10, 1)
    assert [inception_score(few), inception_score(many)] == pytest.approx([2, 10], rel=1e-12)


def test_agrees_with_scipy(probs):
    p = probs(300, 11)
    expected = math.exp(np.mean(scipy.stats.entropy(p.numpy(), p.mean(0, keepdim=True).numpy(), axis=1)))
    assert inception_score(p) == pytest.approx(expected, rel=1e-12)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore`", "ignore:std")
def test_agrees_with_torchmetrics(normal):
    from torchmetrics.image.inception import InceptionScore

    class Identity(torch.nn.Module):
        def forward(self, features):
            return features

    logits = 3 * normal(500, 10)
    other = InceptionScore(Identity(), splits=1)
    other.update(logits)
    assert inception_score(torch.softmax(logits, 1)) == pytest.approx(float(other.compute()[0]), rel=1e-5)


def test_bias_is_as_documented():
    generator = torch.Generator().manual_seed(3)
    k, n = 10, 200
    found = [
        inception_score(torch.eye(k)[torch.randint(k, (n,), generator=generator)]) / k for _ in range(400)
    ]
    error = np.std(found) / 20
    assert abs(np.mean(found) - math.exp(-(k - 1) / (2 * n))) < 4 * error + ((k - 1) / (2 * n)) ** 2


def test_rounding_does_not_go_below_one(probs):
    assert min(inception_score(probs(1, 7).repeat(n, 1)) for n in range(1, 100)) == 1.0


@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 1000))
def test_between_one_and_the_number_of_classes(n, k, seed):
    p = torch.softmax(4 * torch.randn(n, k, generator=torch.Generator().manual_seed(seed)), 1)
    assert 1 <= inception_score(p) <= k * (1 + 1e-12)


def test_order_changes_nothing(probs):
    p = probs(100, 5)
    assert inception_score(p.flip(0)) == pytest.approx(inception_score(p), rel=1e-12)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precision_is_computed_in_float64(probs, kind):
    p = probs(100, 5).to(kind)
    assert inception_score(p) == inception_score(p.double())
    assert inception_score(p) == pytest.approx(inception_score(probs(100, 5)), rel=0.2)


@pytest.mark.parametrize("row", [[2.0, -1.0], [0.5, 0.6], [0.0, 0.0], [3.0, 1.0]])
def test_logits_are_no_probabilities(row):
    with pytest.raises(ValueError, match=r"no probabilities in 1 of 3 rows; row 1 has the sum .*softmax"):
        inception_score(torch.tensor([[0.5, 0.5], row, [1.0, 0.0]]))
