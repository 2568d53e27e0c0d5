import importlib
import math

import numpy as np
import pytest
import scipy.linalg
import torch

from genbench.metrics.frechet import (
    expected_frechet_distance,
    frechet_distance,
    frechet_distance_infinity,
)


@pytest.mark.parametrize(
    ("shift", "scale"), [(0.5, 2.0), (0.0, 1.01), (0.0, 1.0001), (100.0, 1.0), (3.0, 0.1)]
)
def test_isotropic_gaussians_have_the_closed_form(white, shift, scale):
    real, fake = white(1000, 64), white(1300, 64) * scale + shift
    expected = 64 * (shift**2 + (scale - 1) ** 2)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-6)


def test_covariances_that_do_not_commute(white):
    first = torch.linalg.cholesky(torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64))
    second = torch.tensor([1.0, math.sqrt(3)], dtype=torch.float64)
    assert frechet_distance(white(500, 2) @ first.T, white(700, 2) * second) == pytest.approx(
        8 - 2 * math.sqrt(14)
    )


def test_hand_case_with_singular_covariances():
    real = torch.ones(100, 2)
    real[:50, 0] = 2
    fake = torch.full((100, 2), 9.0)
    fake[50:, 0] = 2
    # means (1.5, 1) and (5.5, 9): 80; variances 25/99 and 1225/99 along one axis: (5 - 35)² / 99
    assert frechet_distance(real, fake) == pytest.approx(80 + 900 / 99, rel=1e-12)


@pytest.mark.parametrize(("n", "m", "d"), [(500, 500, 16), (300, 900, 40), (20, 30, 8)])
def test_agrees_with_the_matrix_square_root(normal, n, m, d):
    real, fake = normal(n, d) @ normal(d, d), normal(m, d) @ normal(d, d) + 0.3
    first, second = np.cov(real.numpy().T), np.cov(fake.numpy().T)
    root = scipy.linalg.sqrtm(first @ second)
    apart = real.mean(0) - fake.mean(0)
    expected = float(apart @ apart) + np.trace(first) + np.trace(second) - 2 * np.trace(root).real
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)


def test_agrees_with_torchmetrics(normal):
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Identity(torch.nn.Module):
        num_features = 64

        def forward(self, features):
            return features

    real, fake = normal(2000, 64), normal(1500, 64) * 1.2 + 0.1
    other = FrechetInceptionDistance(Identity())
    other.update(real, real=True)
    other.update(fake, real=False)
    assert frechet_distance(real, fake) == pytest.approx(float(other.compute()), rel=1e-9)


def test_bias_of_equal_distributions_is_as_documented(normal):
    n, m, d = 2000, 3000, 32
    expected = d * (1 / n + 1 / m) + d * (d + 1) / 4 * (1 / (n - 1) + 1 / (m - 1))
    measured = [frechet_distance(normal(n, d), normal(m, d)) for _ in range(10)]
    assert np.mean(measured) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_square_of_the_scale_comes_out(normal, scale):
    real, fake = normal(300, 10), normal(200, 10) + 0.5
    assert frechet_distance(real * scale, fake * scale) == pytest.approx(
        frechet_distance(real, fake) * scale**2, rel=1e-9
    )


def test_an_offset_common_to_both_changes_nothing(normal):
    real, fake = normal(300, 10), normal(200, 10) + 0.5
    assert frechet_distance(real + 1e6, fake + 1e6) == pytest.approx(frechet_distance(real, fake), rel=1e-8)


@pytest.mark.parametrize(("n", "d"), [(10, 64), (50, 512), (400, 64)])
def test_identical_sets_are_zero_even_with_fewer_rows_than_features(normal, n, d):
    points = normal(n, d)
    assert 0 <= frechet_distance(points, points) < 1e-9
    assert 0 <= frechet_distance(points, points.flip(0)) < 1e-9


def test_a_near_copy_with_fewer_rows_than_features_is_exact(normal):
    points = normal(50, 512)
    points -= points.mean(0)
    expected = 1e-6 * float(points.square().sum()) / 49  # every axis is 0.1 % longer
    assert frechet_distance(points, 1.001 * points) == pytest.approx(expected, rel=1e-6)


def test_constant_and_repeated_rows(normal):
    constant, points = torch.full((50, 4), 3.0), normal(200, 4)
    assert frechet_distance(constant, constant) == 0.0
    expected = float((points.mean(0) - 3).square().sum() + points.var(0).sum())
    assert frechet_distance(points, constant) == pytest.approx(expected)
    assert frechet_distance(points[:1].repeat(9, 1), points[:1].repeat(5, 1)) < 1e-20


def test_symmetric(normal):
    real, fake = normal(300, 10), normal(200, 10)
    assert frechet_distance(real, fake) == pytest.approx(frechet_distance(fake, real), rel=1e-12)


def skewed(normal):
    """Draws (N, D) correlated exponential features: heavier tails than normal ones, and no symmetry."""

    def draw(n, d):
        exponential = -(torch.special.erfc(normal(n, d) / math.sqrt(2)) / 2).log()
        return exponential @ (torch.eye(d, dtype=torch.float64) + 0.1)

    return draw


def rectified(normal):
    """Draws (N, D) features like those behind a ReLU, one of them dead."""

    def draw(n, d):
        x = normal(n, d).relu()
        x[:, 0] = 0
        return x

    return draw


def plain(normal):
    return normal


@pytest.mark.parametrize("kind", [plain, skewed, rectified])
@pytest.mark.parametrize(("n", "m", "d"), [(400, 600, 3), pytest.param(1500, 500, 10, marks=pytest.mark.run)])
def test_expectation_of_equal_distributions(normal, kind, n, m, d):
    draw = kind(normal)
    found = [frechet_distance(draw(n, d), draw(m, d)) for _ in range(80)]
    expected = [expected_frechet_distance(draw(n, d), m) for _ in range(80)]
    error = math.hypot(np.std(found), np.std(expected)) / math.sqrt(80)
    assert abs(np.mean(found) - np.mean(expected)) < 4 * error
    assert error < 0.15 * np.mean(found)


def test_expectation_of_white_features_is_the_documented_formula(white):
    n, m, d = 20_000, 3000, 6
    formula = d * (1 / n + 1 / m) + d * (d + 1) / 4 * (1 / (n - 1) + 1 / (m - 1))
    assert expected_frechet_distance(white(n, d), m) == pytest.approx(formula, rel=0.01)
    alone = d / n + d * (d + 1) / 4 / (n - 1)
    assert expected_frechet_distance(white(n, d), math.inf) == pytest.approx(alone, rel=0.01)


def test_expectation_by_hand():
    # rows ±1: Σ = 4/3, var y² = 1 - (4/3)²; second order by the formula with N = 4, M = 2
    found = expected_frechet_distance(torch.tensor([[1.0], [-1.0], [1.0], [-1.0]]), 2)
    entries = (1 - 16 / 9) * (1 / 4 + 1 / 2) + 2 * 16 / 9 * (1 / 12 + 1 / 2)
    assert found == pytest.approx(4 / 3 * (1 / 4 + 1 / 2) + entries / (8 / 3) / 2, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_expectation_has_the_square_of_the_scale(normal, scale):
    real = normal(100, 5)
    assert expected_frechet_distance(real * scale, 90) == pytest.approx(
        scale**2 * expected_frechet_distance(real, 90), rel=1e-9
    )


def test_expectation_of_degenerate_sets(normal):
    assert expected_frechet_distance(torch.full((30, 4), 2.0), 30) == 0.0
    flat = normal(200, 3)
    wide = torch.cat([flat, flat[:, :1] * 0, flat[:, 1:2]], 1)  # a dead feature, and one twice
    narrow = torch.stack([flat[:, 0], flat[:, 1] * math.sqrt(2), flat[:, 2]], 1)
    assert expected_frechet_distance(wide, 50) == pytest.approx(
        expected_frechet_distance(narrow, 50), rel=1e-9
    )
    assert math.isfinite(expected_frechet_distance(normal(5, 40), 7))
    with pytest.raises(ValueError, match="n_fake is 1"):
        expected_frechet_distance(flat, 1)


@pytest.mark.run
def test_infinity_of_equal_distributions_is_what_the_real_side_adds(normal):
    n, m, d = 20_000, 800, 16
    found = [frechet_distance_infinity(normal(n, d), normal(m, d), seed=s) for s in range(20)]
    floor = expected_frechet_distance(normal(n, d), math.inf)
    raw = expected_frechet_distance(normal(n, d), m)
    assert abs(np.mean(found) - floor) < 4 * np.std(found) / math.sqrt(20) + 0.03 * raw
    assert np.mean(found) < 0.25 * raw


@pytest.mark.run
def test_infinity_of_different_distributions_is_the_population_value(normal):
    d = 8
    found = [
        frechet_distance_infinity(normal(20_000, d), normal(600, d) * 1.5 + 0.5, seed=s) for s in range(20)
    ]
    assert abs(np.mean(found) - d * (0.25 + 0.25)) < 4 * np.std(found) / math.sqrt(20)


def test_infinity_of_an_exact_line(white, monkeypatch):
    """FD(n) = 3 + 50 / n, whatever the samples: the intercept is 3."""
    module = importlib.import_module("genbench.metrics.frechet")
    monkeypatch.setattr(module, "_moments", len)
    monkeypatch.setattr(module, "_distance", lambda real, n: 3 + 50 / n)
    assert frechet_distance_infinity(white(20, 2), white(300, 2), seed=0) == pytest.approx(3, rel=1e-9)


def test_infinity_takes_each_row_once_a_size(normal, monkeypatch):
    module, seen = importlib.import_module("genbench.metrics.frechet"), []
    monkeypatch.setattr(module, "_moments", lambda x: seen.append(x) or len(x))
    monkeypatch.setattr(module, "_distance", lambda real, n: 0.0)
    frechet_distance_infinity(normal(90, 20), normal(160, 20), seed=0)
    assert min(len(subset) for subset in seen[1:]) == 80  # four rows a feature
    seen.clear()
    frechet_distance_infinity(normal(9, 2), torch.arange(800.0).view(400, 2), seed=0)
    sizes = [len(subset) for subset in seen[1:]]
    assert (min(sizes), max(sizes), len(set(sizes))) == (100, 400, 15)
    for size in set(sizes):
        rows = torch.cat([subset for subset in seen[1:] if len(subset) == size])
        assert len(rows) == 400 // size * size
        assert len(rows.unique(dim=0)) == len(rows)


def test_infinity_needs_rows(normal):
    frechet_distance_infinity(normal(50, 2), normal(60, 2), seed=0)
    with pytest.raises(
        ValueError, match="fake has 59 rows; an extrapolation needs at least 60 with 2 features"
    ):
        frechet_distance_infinity(normal(50, 2), normal(59, 2), seed=0)
    with pytest.raises(ValueError, match="needs at least 160 with 20 features"):
        frechet_distance_infinity(normal(50, 20), normal(159, 20), seed=0)


def test_infinity_seeds_and_scale_and_constants(normal):
    real, fake = normal(100, 3), normal(200, 3)
    found = frechet_distance_infinity(real, fake, seed=1)
    assert found == frechet_distance_infinity(real, fake, seed=1)
    assert found != frechet_distance_infinity(real, fake, seed=2)
    tiny = frechet_distance_infinity(real * 1e-8, fake * 1e-8, seed=1)
    assert tiny == pytest.approx(found * 1e-16, rel=1e-6)
    constant = torch.full((100, 3), 2.0)
    assert frechet_distance_infinity(constant, constant, seed=0) == 0.0
    assert frechet_distance_infinity(real, constant, seed=0) == pytest.approx(
        frechet_distance(real, constant)
    )
