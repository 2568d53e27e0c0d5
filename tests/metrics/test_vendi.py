import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from vendi_score import vendi

from genbench.metrics.vendi import vendi_score

F64 = torch.float64


def entropy_number(*values):
    """exp of the entropy of eigenvalues."""
    return math.prod(value**-value for value in values)


@pytest.mark.parametrize(
    ("similarity", "expected", "published"),
    [
        ([[1, 0.5], [0.5, 1]], entropy_number(1.5 / 2, 0.5 / 2), 1.754765),
        ([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], entropy_number(1.9 / 3, 0.1 / 3, 1 / 3), 2.1573),
        (np.exp(-abs(np.subtract.outer([0, 0, 10, 10, 20, 20], [0, 0, 10, 10, 20, 20]))), None, 2.9999),
    ],
)
def test_hand_cases(similarity, expected, published):
    found = vendi_score(similarity=torch.as_tensor(np.asarray(similarity, dtype=float)))
    assert found == pytest.approx(published, abs=1e-4)
    if expected:
        assert found == pytest.approx(expected, rel=1e-12)


def test_orthogonal_and_alike():
    assert vendi_score(similarity=torch.eye(9)) == pytest.approx(9, rel=1e-12)
    assert vendi_score(similarity=torch.ones(9, 9)) == pytest.approx(1, abs=1e-12)
    assert vendi_score(torch.eye(6).repeat(4, 1)) == pytest.approx(6, rel=1e-12)
    assert vendi_score(torch.ones(50, 3)) == pytest.approx(1, abs=1e-12)
    assert vendi_score(torch.tensor([[3.0, 4.0]])) == 1.0


@pytest.mark.parametrize(("n", "d"), [(40, 7), (7, 40), (20, 20), (2, 1)])
def test_agrees_with_the_authors_code(normal, n, d):
    x = normal(n, d) + 0.3
    assert vendi_score(x) == pytest.approx(float(vendi.score_dual(x.numpy(), normalize=True)), rel=1e-9)
    rows = x / x.norm(dim=1, keepdim=True)
    kernel = (rows @ rows.T).numpy()
    values = np.linalg.eigvalsh(kernel / n)
    values = values[values > 0]
    assert vendi_score(x) == pytest.approx(math.exp(-(values * np.log(values)).sum()), rel=1e-9)
    assert vendi_score(similarity=rows @ rows.T) == pytest.approx(vendi_score(x), rel=1e-9)


def test_length_of_a_row_and_scale_and_order_change_nothing(normal):
    x = normal(50, 6)
    for other in (x * 1e-8, x * 1e8, x * torch.linspace(0.1, 9, 50, dtype=F64)[:, None], x.flip(0)):
        assert vendi_score(other) == pytest.approx(vendi_score(x), rel=1e-12)


def test_a_copy_of_every_sample_adds_nothing(normal):
    x = normal(20, 6)
    assert vendi_score(x.repeat_interleave(3, 0)) == pytest.approx(vendi_score(x), rel=1e-12)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 1000))
def test_between_one_and_the_fewer_of_rows_and_features(n, d, seed):
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=F64)
    assert 1 <= vendi_score(x) <= min(n, d) * (1 + 1e-9)


def test_bias_is_as_documented(normal):
    assert vendi_score(normal(1000, 16)) == pytest.approx(16 / (1 + 16 / 2000), rel=2e-3)


@pytest.mark.parametrize(("n", "d"), [(10_000, 8), (8, 10_000)])
def test_the_smaller_matrix_is_taken(normal, n, d, monkeypatch):
    shapes, eigenvalues = [], torch.linalg.eigvalsh
    monkeypatch.setattr(torch.linalg, "eigvalsh", lambda x: shapes.append(x.shape) or eigenvalues(x))
    assert vendi_score(normal(n, d)) == pytest.approx(8, rel=0.01)
    assert shapes == [(8, 8)]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precision_is_computed_in_float64(normal, kind):
    x = normal(30, 4).to(kind)
    assert vendi_score(x) == vendi_score(x.double())
    assert vendi_score(similarity=torch.eye(4, dtype=kind)) == pytest.approx(4)


@pytest.mark.parametrize(
    ("similarity", "message"),
    [
        (torch.eye(3)[:2], r"must be \(N, N\)"),
        (2 * torch.eye(3), "diagonal entries 1 away from 1"),
        (torch.tensor([[1.0, 0.5], [0.2, 1.0]]), "not symmetric: entries differ by 0.3"),
        (torch.tensor([[1.0, 2.0], [2.0, 1.0]]), "not positive semidefinite: one eigenvalue is -1"),
        (torch.tensor([[1.0, torch.nan], [0.0, 1.0]]), "similarity is not finite in 1 of 2 rows: 0"),
    ],
)
def test_what_is_no_similarity(similarity, message):
    with pytest.raises(ValueError, match=message):
        vendi_score(similarity=similarity)


def test_what_it_refuses(normal):
    x = normal(5, 3)
    x[[1, 3]] = 0
    with pytest.raises(ValueError, match="all 0 in 2 of 5 rows, the first 1"):
        vendi_score(x)
    for both_or_none in ({}, {"features": x, "similarity": torch.eye(5)}):
        with pytest.raises(ValueError, match="either features or similarity"):
            vendi_score(**both_or_none)
