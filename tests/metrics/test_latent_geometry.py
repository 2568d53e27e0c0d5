import math

import pytest
import torch

from genbench.metrics.latent_geometry import (
    WORST,
    effective_dimension,
    intrinsic_dimension,
    jacobian_spectrum,
    log_condition,
    path_energy,
)
from genbench.metrics.sobol import rotation


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def linear(A):
    return lambda z: (z @ A.T).view(len(z), 2, -1)


def bent(A, B):
    return lambda z: torch.tanh(z @ A.T) @ B.T


def ratio(phi, z0, z1, seed=3):
    t = torch.rand(len(z0), generator=torch.Generator().manual_seed(seed), dtype=z0.dtype)
    speed, chord = path_energy(phi, z0, z1, t)
    return float(speed.mean() / chord.mean())


def test_the_spectrum_of_a_linear_map_is_its_own():
    A = drawn(12, 5)
    s = jacobian_spectrum(linear(A), drawn(3, 5))
    assert torch.allclose(s, torch.linalg.svdvals(A).expand(3, 5), atol=1e-10)


def test_the_spectrum_is_that_of_reverse_differentiation():
    decode, z = bent(drawn(16, 4), drawn(9, 16, seed=1)), drawn(3, 4)
    J = torch.stack([torch.autograd.functional.jacobian(lambda u: decode(u[None])[0], each) for each in z])
    assert torch.allclose(jacobian_spectrum(decode, z), torch.linalg.svdvals(J))


def test_participation_counts_directions():
    s = torch.tensor([[2.0, 2.0, 2.0, 0.0], [3.0, 0.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = effective_dimension(s)
    assert found[:3].tolist() == pytest.approx([3.0, 1.0, 25 / 17])
    assert found[3].isnan()
    assert torch.allclose(effective_dimension(s / 2)[:3], found[:3])


def test_condition_is_of_the_squared_jacobian_and_cut_off():
    s = torch.tensor([[10.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [math.nan, math.nan]])
    found = log_condition(s)
    assert found[:3].tolist() == pytest.approx([2.0, 0.0, WORST])
    assert found[3].isnan()
    assert found[4].isnan()


def test_a_jacobian_that_is_not_finite_spoils_its_own_latent_only():
    s = jacobian_spectrum(lambda z: torch.cat([z, z / z[:, :1].relu()], 1), torch.tensor([[1.0, 1], [-1, 1]]))
    assert s[0].isfinite().all()
    assert s[1].isnan().all()


def test_paths_of_linear_maps_have_energy_one_and_others_more():
    z0, z1 = drawn(200, 5), drawn(200, 5, seed=1)
    assert ratio(linear(drawn(12, 5)), z0, z1) == pytest.approx(1.0, abs=1e-8)
    for seed in range(5):
        decode = bent(3 * drawn(16, 5, seed=seed), drawn(9, 16, seed=seed + 50))
        assert ratio(decode, z0, z1) > 1.2


def test_path_energy_has_no_unit_and_no_names_of_latents():
    decode = bent(3 * drawn(16, 5), drawn(9, 16, seed=1))
    z0, z1 = drawn(50, 5), drawn(50, 5, seed=1)
    order = torch.tensor([3, 0, 4, 1, 2])
    found = ratio(decode, z0, z1)
    assert ratio(lambda z: decode(z) / 2, z0, z1) == pytest.approx(found)
    assert ratio(lambda z: decode(z[:, order.argsort()]), z0[:, order], z1[:, order]) == pytest.approx(found)
    s = jacobian_spectrum(lambda z: decode(z[:, order.argsort()]), z0[:, order])
    assert torch.allclose(s, jacobian_spectrum(decode, z0))


def test_the_energy_of_a_bent_path_in_closed_form():
    z0, z1 = torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), 2.0, dtype=torch.float64)
    speed, chord = path_energy(lambda z: z**2, z0, z1, torch.tensor([0.25], dtype=torch.float64))
    assert float(speed) == pytest.approx((2 * 4 * 0.25) ** 2)  # d/dt (2t)² = 8t
    assert float(chord) == pytest.approx(16.0)


@pytest.mark.parametrize("dimension", [2, 5])
def test_the_dimension_of_linear_subspaces(dimension):
    x = drawn(3000, dimension) @ rotation(10, dimension)[:dimension]
    assert intrinsic_dimension(x) == pytest.approx(dimension, rel=0.05)
    assert intrinsic_dimension(x[:500] / 2) == pytest.approx(intrinsic_dimension(x[:500]))


def test_dimensions_average_inverses():
    x = torch.tensor([[0.0], [1.0], [3.0], [7.0]])  # nearest two of each: (1, 3), (1, 2), (2, 3), (4, 6)
    inverses = torch.tensor([3.0, 2.0, 1.5, 1.5]).log().mean()
    assert intrinsic_dimension(x, 2) == pytest.approx(float(1 / inverses))


def test_what_has_no_dimension():
    assert math.isnan(intrinsic_dimension(torch.zeros(30, 3)))
    for x in (drawn(20, 3), torch.full((30, 3), math.nan)):
        with pytest.raises(ValueError, match=r"more than|finite"):
            intrinsic_dimension(x)
