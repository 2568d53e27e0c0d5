import math

import numpy as np
import pytest
import scipy.linalg
import torch

from genbench.metrics import frechet_distance


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


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precision_is_computed_in_float64(normal, kind):
    real, fake = normal(300, 10).to(kind), normal(200, 10).to(kind)
    assert frechet_distance(real, fake) == frechet_distance(real.double(), fake.double())


def test_same_input_same_bits_and_symmetric(normal):
    real, fake = normal(300, 10), normal(200, 10)
    assert frechet_distance(real, fake) == frechet_distance(real.clone(), fake.clone())
    assert frechet_distance(real, fake) == pytest.approx(frechet_distance(fake, real), rel=1e-12)
