"""The VAE with a Gaussian likelihood, in a linear case where everything is known."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal

from genbench.core.datainfo import DataInfo
from genbench.metrics import importance_weighted_bound
from genbench.models.losses import gaussian_log_likelihood
from genbench.models.protocol import Batch, Nets
from genbench.models.vae import VAE

PLANE = DataInfo("plane", (2,))
SLOPE = torch.tensor([1.5, -0.5], dtype=torch.float64)
OFFSET = torch.tensor([0.3, 2.0], dtype=torch.float64)
DEVIATION = torch.tensor([0.4, 0.7], dtype=torch.float64)


@pytest.fixture
def nets():
    """One latent; x = SLOPE z + OFFSET + DEVIATION noise, and the encoder that is its exact posterior."""
    precision = 1 + (SLOPE / DEVIATION).square().sum()
    weight = SLOPE / DEVIATION.square() / precision
    tensors = {
        "encoder": {
            "0.weight": torch.stack([weight, torch.zeros(2, dtype=torch.float64)]),
            "0.bias": torch.stack([-(weight * OFFSET).sum(), -precision.log()]),
        },
        "decoder": {
            "0.weight": torch.cat([SLOPE, torch.zeros(2, dtype=torch.float64)])[:, None],
            "0.bias": torch.cat([OFFSET, 2 * DEVIATION.log()]),
        },
    }
    modules = {
        "encoder": nn.Sequential(nn.Linear(2, 2, device="meta")),
        "decoder": nn.Sequential(nn.Linear(1, 4, device="meta")),
    }
    return Nets(modules, tensors)


@pytest.fixture
def x():
    return torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2


def marginal():
    """N(OFFSET, SLOPE SLOPEᵀ + diag DEVIATION²)."""
    return MultivariateNormal(OFFSET, torch.outer(SLOPE, SLOPE) + torch.diag(DEVIATION.square()))


def noise(n, seed=1):
    draw = torch.randn(n, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return {"epsilon": draw}


def test_with_the_exact_posterior_every_weight_is_the_likelihood(nets, x):
    """ln p(x, z) - ln q(z|x) = ln p(x) whatever z is; so is every importance-weighted bound."""
    likelihood = marginal().log_prob(x)
    model = VAE(latent=1)
    weights = [model.log_weight(nets, Batch(x, noise(50, seed))) for seed in range(3)]
    for weight in weights:
        torch.testing.assert_close(weight, likelihood, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(importance_weighted_bound(torch.stack(weights)), likelihood, rtol=1e-9, atol=0)


def test_the_bound_is_the_likelihood_on_average(nets, x):
    """Its divergence is exact and its reconstruction drawn: the mean over draws is ln p(x)."""
    draws = torch.stack([VAE(latent=1).elbo(nets, Batch(x, noise(50, seed))) for seed in range(2000)])
    error = 5 * draws.std(0) / math.sqrt(len(draws))
    assert ((draws.mean(0) - marginal().log_prob(x)).abs() < error).all()


def test_a_sample_is_drawn_from_the_likelihood(nets):
    """Mean and covariance of the marginal: without the observation's noise it would lie on a line."""
    model = VAE(latent=1)
    prior = model.prior(PLANE)
    assert prior.shape == (3,)
    z = torch.randn(200_000, *prior.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    samples = model.sample(nets, z)
    truth = marginal()
    assert torch.allclose(samples.mean(0), truth.mean, atol=0.02)
    assert torch.allclose(samples.T.cov(), truth.covariance_matrix, atol=0.03)


def test_images_take_no_noise_of_observation():
    assert VAE(latent=7).prior(DataInfo("any", (1, 4, 4))).shape == (7,)


def test_gaussian_log_likelihood_is_that_of_torch():
    generator = torch.Generator().manual_seed(3)
    x, mean, log_var = torch.randn(3, 6, 5, dtype=torch.float64, generator=generator)
    expected = Normal(mean, (0.5 * log_var).exp()).log_prob(x).sum(1)
    torch.testing.assert_close(gaussian_log_likelihood(x, mean, log_var), expected)
