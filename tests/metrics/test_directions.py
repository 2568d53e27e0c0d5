import torch

from genbench.metrics.directions import ganspace, sefa
from genbench.metrics.sobol import rotation


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_sefa_is_the_right_singular_basis_largest_first():
    A = drawn(30, 6)
    V = sefa(A)
    assert torch.allclose(V.mT @ V, torch.eye(6, dtype=torch.float64), atol=1e-12)
    assert torch.allclose((A @ V).norm(dim=0), torch.linalg.svdvals(A), atol=1e-10)


def test_sefa_undoes_a_rotation_and_fixes_signs():
    Q, scales = rotation(4, "sefa"), torch.tensor([4.0, 3.0, 2.0, 1.0], dtype=torch.float64)
    A = torch.linalg.qr(drawn(20, 4))[0] * scales @ Q.T
    V = sefa(A)
    assert torch.allclose((V.mT @ Q).abs(), torch.eye(4, dtype=torch.float64), atol=1e-10)
    assert torch.equal(sefa(-A), V)
    assert bool((V.gather(0, V.abs().argmax(0, keepdim=True)) > 0).all())


def test_ganspace_finds_the_latent_directions_of_linear_activations():
    Q, scales = rotation(4, "ganspace"), torch.tensor([4.0, 3.0, 2.0, 1.0], dtype=torch.float64)
    z = drawn(20_000, 4)
    h = z @ Q * scales @ torch.linalg.qr(drawn(10, 4, seed=1))[0].T + 5
    found = ganspace(z, h)
    assert found.shape == (4, 4)
    assert torch.allclose(found.norm(dim=0), torch.ones(4, dtype=torch.float64))
    assert torch.allclose((found.mT @ Q).abs(), torch.eye(4, dtype=torch.float64), atol=0.05)


def test_ganspace_of_few_or_constant_activations():
    z = drawn(50, 5)
    assert ganspace(z, z[:, :2]).shape == (5, 2)
    assert torch.equal(ganspace(z, torch.ones(50, 3)), torch.zeros(5, 3, dtype=torch.float64))
