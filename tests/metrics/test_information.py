import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from genbench.metrics.information import gilbo


def test_the_true_posterior_of_a_linear_gaussian_attains_the_information():
    """x = A z + sigma e has I(X; Z) = 1/2 ln det(1 + A'A / sigma^2)."""
    random = torch.Generator().manual_seed(0)
    d, D, sigma = 4, 12, 0.5
    A = torch.randn(D, d, generator=random, dtype=torch.float64) / 2
    z = torch.randn(20_000, d, generator=random, dtype=torch.float64)
    x = z @ A.T + sigma * torch.randn(len(z), D, generator=random, dtype=torch.float64)
    precision = torch.eye(d, dtype=torch.float64) + A.T @ A / sigma**2
    mean = x @ A @ precision.inverse() / sigma**2
    log_e = MultivariateNormal(mean, precision_matrix=precision).log_prob(z)
    log_p = -(z.square() + math.log(2 * math.pi)).sum(1) / 2
    exact = float(precision.logdet()) / 2
    found = gilbo(log_e, log_p)
    assert found.value == pytest.approx(exact, rel=0.02)
    assert abs(found.value - exact) < 4 * found.standard_error
    # a worse encoder only lowers the bound
    wrong = MultivariateNormal(mean + 0.3, precision_matrix=precision).log_prob(z)
    assert gilbo(wrong, log_p).value < exact - 0.1


def test_value_and_error_by_hand():
    found = gilbo(torch.tensor([1.0, 3.0]), torch.tensor([0.0, -1.0]))
    assert found == (2.5, pytest.approx(1.5))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"must be \(N,\)"):
        gilbo(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ValueError, match="at least 2"):
        gilbo(torch.zeros(1), torch.zeros(1))
