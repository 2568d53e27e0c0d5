import importlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel

from genbench.metrics.kernel import kernel_distance, kernel_within, mmd_rbf


def by_hand(real, fake, pairwise=polynomial_kernel, **kernel):
    """The unbiased estimator from whole kernel matrices."""
    xx, yy, xy = (pairwise(a, b, **kernel) for a, b in ((real, real), (fake, fake), (real, fake)))
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
@pytest.mark.run
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


@pytest.mark.parametrize(("n", "m"), [(50, 50), (30, 80), (2, 3)])
@pytest.mark.parametrize("bandwidth", [0.3, 1.0, 20.0])
def test_rbf_agrees_with_scikit_learn(normal, n, m, bandwidth):
    real, fake = normal(n, 7), normal(m, 7) * 1.3 + 0.2
    expected = by_hand(real, fake, rbf_kernel, gamma=1 / (2 * bandwidth**2))
    assert mmd_rbf(real, fake, bandwidth=bandwidth) == pytest.approx(expected, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(("d", "bandwidth", "expected"), [(2, 1.0, 0.102346), (10, 10**0.5, 0.0328017)])
@pytest.mark.run
def test_rbf_population_value_of_gaussians(normal, d, bandwidth, expected):
    def draw():
        fake = normal(1500, d)
        fake[:, 0] += 1
        return mmd_rbf(normal(1000, d), fake, bandwidth=bandwidth)

    values = [draw() for _ in range(16)]
    standard_error = np.std(values, ddof=1) / 4
    assert abs(np.mean(values) - expected) < 4 * standard_error
    assert standard_error < 0.05 * expected


def test_rbf_hand_case():
    # within real k(0, 0) = 1, within fake k(0, 2) = e^-2, across k(0, 0) = 1 and k(0, 2) = e^-2
    real, fake = torch.tensor([[0.0], [0.0]]), torch.tensor([[0.0], [2.0]])
    expected = 1 + np.exp(-2) - (1 + np.exp(-2))
    assert mmd_rbf(real, fake, bandwidth=1.0) == pytest.approx(expected, abs=1e-12)
    far = torch.tensor([[9.0], [9.0]])
    assert mmd_rbf(real, far, bandwidth=1.0) == pytest.approx(2 - 2 * np.exp(-81 / 2), rel=1e-12)


def test_rbf_is_unbiased_for_equal_distributions(normal):
    values = [mmd_rbf(normal(300, 8), normal(200, 8), bandwidth=3.0) for _ in range(40)]
    assert abs(np.mean(values)) < 4 * np.std(values, ddof=1) / np.sqrt(40)
    assert min(values) < 0 < max(values)


@pytest.mark.parametrize("offset", [0.0, 1e7])
@pytest.mark.parametrize("bandwidth", [1e-6, 1e-3, 1.0])
def test_rbf_keeps_small_distances_of_large_numbers(normal, offset, bandwidth):
    """Clusters 1e-6 wide and 1 apart: |a|² + |b|² - 2 a·b has an error of 1e-16, 1e-4 of 1e-12."""
    place = torch.tensor([0.0, 1.0]).repeat(20)[:, None].double()
    step = 2**-20  # whole multiples of it are exact beside 1e7
    real, fake = (place + (normal(40, 3) * 2).round() * step for _ in range(2))
    expected = by_hand(real, fake, rbf_kernel_by_differences, bandwidth=bandwidth)
    found = mmd_rbf(real + offset, fake + offset, bandwidth=bandwidth)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def rbf_kernel_by_differences(a, b, bandwidth):
    square = (a.numpy()[:, None] - b.numpy()[None]) ** 2
    return np.exp(-square.sum(2) / (2 * bandwidth**2))


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_rbf_takes_the_scale_of_its_bandwidth(normal, scale):
    real, fake = normal(50, 6), normal(60, 6) + 0.5
    expected = mmd_rbf(real, fake, bandwidth=2.0)
    assert mmd_rbf(real * scale, fake * scale, bandwidth=2.0 * scale) == pytest.approx(expected, rel=1e-9)


def test_rbf_tiles_change_nothing(normal, monkeypatch):
    real, fake = normal(100, 5), normal(77, 5)
    whole = mmd_rbf(real, fake, bandwidth=1.0)
    monkeypatch.setattr(importlib.import_module("genbench.metrics.kernel"), "_TILE", 13)
    assert mmd_rbf(real, fake, bandwidth=1.0) == pytest.approx(whole, rel=1e-9, abs=1e-15)


@given(st.integers(2, 12), st.integers(2, 12), st.integers(1, 5), st.floats(0.1, 10), st.integers(0, 99))
def test_rbf_properties(n, m, d, bandwidth, seed):
    generator = torch.Generator().manual_seed(seed)
    real, fake = (torch.randn(k, d, generator=generator, dtype=torch.float64) for k in (n, m))
    found = mmd_rbf(real, fake, bandwidth=bandwidth)
    assert -2 <= found <= 2
    assert found == pytest.approx(mmd_rbf(fake, real, bandwidth=bandwidth), abs=1e-12)
    assert found == pytest.approx(mmd_rbf(real.flip(0), fake.roll(1, 0), bandwidth=bandwidth), abs=1e-12)


def test_rbf_constants_and_few_rows(normal):
    constant = torch.full((20, 3), 2.0)
    assert mmd_rbf(constant, constant, bandwidth=1.0) == 0.0
    real, fake = normal(5, 200), normal(6, 200)
    assert mmd_rbf(real, fake, bandwidth=15.0) == pytest.approx(
        by_hand(real, fake, rbf_kernel, gamma=1 / 450), rel=1e-9
    )


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, float("inf"), float("nan")])
def test_rbf_needs_a_bandwidth(normal, bandwidth):
    with pytest.raises(ValueError, match=r"bandwidth is .*; it must be above 0 and finite"):
        mmd_rbf(normal(5, 2), normal(5, 2), bandwidth=bandwidth)


def test_the_real_side_computed_beforehand():
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(n, 4, generator=generator, dtype=torch.float64) + n / 50 for n in (60, 50))
    for settings in ({}, {"degree": 2, "coef0": 0.5, "gamma": 0.1}):
        within = kernel_within(real, **settings)
        assert kernel_distance(real, fake, **settings, within=within) == kernel_distance(
            real, fake, **settings
        )
    pairs = [(x @ y / 4 + 1) ** 3 for i, x in enumerate(real) for j, y in enumerate(real) if i != j]
    assert kernel_within(real) == pytest.approx(float(sum(pairs)) / len(pairs), rel=1e-9)
    with pytest.raises(ValueError, match="2"):
        kernel_within(real[:1])
