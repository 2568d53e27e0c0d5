import importlib

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from genbench.metrics import kernel_distance


def by_hand(real, fake, **kernel):
    """The unbiased estimator from whole kernel matrices."""
    xx, yy, xy = (polynomial_kernel(a, b, **kernel) for a, b in ((real, real), (fake, fake), (real, fake)))
    n, m = len(xx), len(yy)
    own = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return own - 2 * xy.mean()


@pytest.mark.parametrize(("n", "m"), [(50, 50), (30, 80), (2, 3)])
@pytest.mark.parametrize(
    "kernel", [{}, {"degree": 2, "coef0": 0.5, "gamma": 2.0}, {"degree": 1, "coef0": 0.0}]
)
def test_agrees_with_scikit_learn(normal, n, m, kernel):
    real, fake = normal(n, 7), normal(m, 7) * 1.3 + 0.2
    assert kernel_distance(real, fake, **kernel) == pytest.approx(by_hand(real, fake, **kernel), rel=1e-9)


@pytest.mark.parametrize(
    ("d", "shift", "scale", "expected"),
    [
        (4, 1.0, 1.0, 9.625),
        (4, 0.0, 2.0, 6.75),
        (16, 0.5, 1.0, 1.029297),
        (64, 0.5, 1.0, 0.971069),
        (2, 1.0, 1.5, 35.03125),
    ],
)
def test_population_value_of_gaussians(normal, d, shift, scale, expected):
    values = [kernel_distance(normal(1000, d), normal(1500, d) * scale + shift) for _ in range(16)]
    standard_error = np.std(values, ddof=1) / 4
    assert abs(np.mean(values) - expected) < 4 * standard_error
    assert standard_error < 0.05 * expected


def test_hand_case():
    # one feature, k = (xy + 1)³: within real k(0, 0) = 1, within fake k(1, 2) = 27, across k(0, .) = 1
    real, fake = torch.tensor([[0.0], [0.0]]), torch.tensor([[1.0], [2.0]])
    assert kernel_distance(real, fake) == 1 + 27 - 2 * 1


def test_unbiased_for_equal_distributions(normal):
    values = [kernel_distance(normal(300, 8), normal(200, 8)) for _ in range(40)]
    assert abs(np.mean(values)) < 4 * np.std(values, ddof=1) / np.sqrt(40)
    assert min(values) < 0 < max(values)


def test_tiles_change_nothing(normal, monkeypatch):
    real, fake = normal(100, 5), normal(77, 5)
    whole = kernel_distance(real, fake)
    monkeypatch.setattr(importlib.import_module("genbench.metrics.kernel"), "_TILE", 13)
    assert kernel_distance(real, fake) == pytest.approx(whole, rel=1e-9)


def test_constants_and_duplicates_and_identical_sets(normal):
    constant, points = torch.full((20, 3), 2.0), normal(40, 3)
    assert kernel_distance(constant, constant) == 0.0
    assert kernel_distance(constant, torch.zeros(9, 3)) == pytest.approx(5**3 + 1 - 2)
    assert kernel_distance(points, points) == pytest.approx(by_hand(points, points), rel=1e-9)
    repeated = points.repeat_interleave(2, 0)
    assert kernel_distance(points, repeated) == pytest.approx(by_hand(points, repeated), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_extreme_scales(normal, scale):
    real, fake = normal(50, 6) * scale, normal(60, 6) * scale
    assert kernel_distance(real, fake) == pytest.approx(by_hand(real, fake), rel=1e-9, abs=1e-14)
    gamma = 1 / 6 / scale**2  # takes the scale out again
    expected = kernel_distance(real / scale, fake / scale)
    assert kernel_distance(real, fake, gamma=gamma) == pytest.approx(expected, rel=1e-9)


def test_fewer_rows_than_features(normal):
    real, fake = normal(5, 200), normal(6, 200)
    assert kernel_distance(real, fake) == pytest.approx(by_hand(real, fake), rel=1e-9)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precision_is_computed_in_float64(normal, kind):
    real, fake = normal(30, 4).to(kind), normal(20, 4).to(kind)
    assert kernel_distance(real, fake) == kernel_distance(real.double(), fake.double())


def test_same_input_same_bits(normal):
    real, fake = normal(3000, 16), normal(2500, 16)
    assert kernel_distance(real, fake) == kernel_distance(real.clone(), fake.clone())
