"""Games in closed form: rotation, the Dirac-GAN's eigenvalues and rates, the duality gap of a quadratic."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics.games import (
    alternating_rate,
    asymmetry,
    dirac_eigenvalues,
    duality_gap,
    eigenvalues,
    free_directions,
    measured_rate,
    rotation_index,
    simultaneous_rate,
)

F64 = torch.float64


def random(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def test_a_gradient_field_does_not_rotate():
    root = random(12, 12)
    hessian = root @ root.T
    assert asymmetry(-hessian) == 0
    assert rotation_index(eigenvalues(-hessian)) == 0


def test_rounding_makes_no_rotation():
    """A double eigenvalue of a matrix that is symmetric but for rounding would split into a complex pair."""
    almost = torch.eye(6, dtype=F64)
    almost[0, 1], almost[1, 0] = 1e-13, -1e-13
    assert torch.linalg.eigvals(almost).imag.abs().max() > 0
    assert rotation_index(eigenvalues(almost)) == 0


def test_a_bilinear_game_only_rotates():
    b = random(3, 4)
    jacobian = torch.zeros(7, 7, dtype=F64)
    jacobian[:3, 3:], jacobian[3:, :3] = -b, b.T
    assert rotation_index(eigenvalues(jacobian)[eigenvalues(jacobian).abs() > 1e-9]) == pytest.approx(1)
    assert asymmetry(jacobian) == math.inf


@given(damping=st.floats(0.01, 0.99))
def test_damping_takes_rotation_away(damping):
    """Of the Dirac-GAN with R1: sqrt(1 - gamma^2 / 4 a^2) with a = 1/2 (.954 at gamma .3)."""
    jacobian = torch.tensor([[0, -0.5], [0.5, -damping]], dtype=F64)
    assert rotation_index(eigenvalues(jacobian)) == pytest.approx(math.sqrt(1 - damping**2), abs=1e-9)


def test_nothing_to_rotate_is_no_number():
    zero = torch.zeros(3, 3, dtype=F64)
    assert math.isnan(asymmetry(zero))
    assert math.isnan(rotation_index(eigenvalues(zero)))


def test_a_parameter_at_its_bound_is_free_to_come_back():
    w = torch.tensor([1.0, 1.0, -1.0, -1.0, 0.3, 1.0])
    v = torch.tensor([0.5, -0.5, 0.5, -0.5, 9.0, 0.0])
    assert free_directions(w, v, torch.ones(6)).tolist() == [False, True, True, False, True, True]
    assert free_directions(w, v, torch.full((6,), math.inf)).all()


@pytest.mark.parametrize(
    ("slopes", "damping", "expected"),
    [
        ((-0.5, 0.5), 0.0, 0.5j),
        ((-1.0, 1.0), 0.0, 1j),
        ((-0.5, 0.5), 1.0, -0.5),
        ((-0.5, 0.5), 0.6, -0.3 + 0.4j),
        ((-0.5, 0.5), 2.6, -0.1),
    ],
)
def test_eigenvalues_of_the_dirac_gan(slopes, damping, expected):
    assert dirac_eigenvalues(*slopes, damping) == pytest.approx(expected, abs=1e-12)


@given(turn=st.floats(1e-6, 9))
def test_rates_are_those_of_the_matrix_of_a_round(turn):
    h = math.sqrt(turn)
    at_once = torch.tensor([[1, -h], [h, 1]], dtype=F64)
    psi = torch.tensor([[1, 0], [h, 1]], dtype=F64)
    theta = torch.tensor([[1, -h], [0, 1]], dtype=F64)
    for rate, matrix in ((simultaneous_rate, at_once), (alternating_rate, theta @ psi)):
        radius = float(torch.linalg.eigvals(matrix).abs().max())
        assert math.exp(rate(turn)) == pytest.approx(radius, abs=1e-5)


def test_a_rate_is_measured_where_the_field_is_linear():
    t = torch.arange(200, dtype=F64)
    path = 1e-9 * (0.03 * t).exp()
    path[50:80] += 1e-10  # the later half is what counts
    bent = torch.where(path < 1e-7, path, torch.full_like(path, 5.0))
    assert measured_rate(path, 1) == pytest.approx(0.03)
    assert measured_rate(torch.cat((bent, bent)), 1e-3) == pytest.approx(0.03, abs=2e-3)
    swings = path * (1 + 0.6 * (t / 3).sin().square())  # an ellipse whose axes are as 1 to 1.6
    assert measured_rate(swings, 1) == pytest.approx(0.03, abs=1e-4)
    assert measured_rate(path[:7], 1) == pytest.approx(0.03)
    assert math.isnan(measured_rate(path[:6], 1))
    assert math.isnan(measured_rate(torch.full((9,), math.nan, dtype=F64), 1))


def test_a_rate_is_a_mean_under_a_window_that_fades_at_both_ends():
    rises = torch.tensor([9.0, 9.0, 9.0, 9.0, 1.0, 2.0, 4.0], dtype=F64).cumsum(0)  # Hann: 1/2, 1, 1/2
    path = torch.cat([torch.zeros(1, dtype=F64), rises]).exp() / 1e25
    assert measured_rate(path, 1) == pytest.approx((1 / 2 + 2 + 4 / 2) / 2)


@pytest.mark.parametrize("end", [1e-100, 1.0, math.inf])
def test_a_radius_at_the_end_of_the_linear_range_and_all_after_it_count_no_more(end):
    path = 0.5 ** torch.arange(1, 41, dtype=F64)
    path[20], path[21:] = end, 0.9
    assert measured_rate(path, 1) == pytest.approx(-math.log(2))


A, C = 1.0, 0.5
B = torch.tensor([[1.0, 0.5], [-0.3, 0.8]], dtype=F64)
U, V = torch.tensor([1.0, -0.5], dtype=F64), torch.tensor([0.7, 0.4], dtype=F64)


def quadratic(u, v):
    return A * u @ u / 2 + u @ B @ v - C * v @ v / 2


def exact_gap():
    own = A * U @ U / 2 + C * V @ V / 2
    return float(own + (B.T @ U) @ (B.T @ U) / (2 * C) + (B @ V) @ (B @ V) / (2 * A))


def test_duality_gap_of_a_quadratic():
    gaps = [duality_gap(quadratic, quadratic, U, V, steps=k, rate=0.1) for k in (0, 5, 20, 400)]
    assert gaps[0] == 0
    assert gaps == sorted(gaps)
    assert gaps[-1] <= exact_gap() + 1e-12
    assert gaps[-1] == pytest.approx(exact_gap(), abs=1e-3)


def test_no_gap_at_the_equilibrium():
    zero = torch.zeros(2, dtype=F64)
    assert duality_gap(quadratic, quadratic, zero, zero, steps=50, rate=0.1) == pytest.approx(0, abs=1e-12)


def test_adversaries_are_valued_on_what_they_were_not_trained_with():
    def other(u, v):
        return u.sum() * 0 + 3 * v.sum() * 0 + 7

    assert duality_gap(quadratic, other, U, V, steps=20, rate=0.1) == 0


def test_adversaries_stay_inside_their_bounds():
    seen = []

    def watched(u, v):
        seen.append(float(max(u.detach().abs().max(), v.detach().abs().max())))
        return quadratic(u, v)

    small = torch.full((2,), 0.1, dtype=F64)
    duality_gap(watched, watched, small, small, steps=30, rate=0.1, bound_u=0.2, bound_v=0.2)
    assert max(seen) <= 0.2
