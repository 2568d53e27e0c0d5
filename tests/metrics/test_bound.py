import math

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics.bound import elbo, importance_weighted_bound


def linear_gaussian(k, n, shift, spread, seed=0):
    """Log weights of p(z) = N(0, 1), p(x|z) = N(z, 1), q(z|x) = N(x/2 + shift, spread²), and ln p(x).

    The posterior is N(x/2, 1/2), and x itself N(0, 2).
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-2, 2, n, dtype=torch.float64)
    z = x / 2 + shift + spread * torch.randn(k, n, generator=generator, dtype=torch.float64)

    def density(value, mean, deviation):
        return -0.5 * ((value - mean) / deviation) ** 2 - math.log(deviation * math.sqrt(2 * math.pi))

    weights = density(z, 0, 1) + density(x, z, 1) - density(z, x / 2 + shift, spread)
    return weights, density(x, 0, math.sqrt(2))


def gap(shift, spread):
    """KL(N(shift, spread²) ‖ N(0, 1/2)) in closed form: how far the ELBO is below ln p(x)."""
    return (spread**2 + shift**2) - 0.5 - 0.5 * math.log(2 * spread**2)


def test_an_exact_posterior_has_the_likelihood_at_any_k():
    weights, truth = linear_gaussian(5, 9, 0.0, math.sqrt(0.5))
    for bound in (elbo, importance_weighted_bound):
        assert torch.allclose(bound(weights), truth, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("shift", "spread"), [(0.3, 0.6), (0.0, 1.0), (-0.5, 0.7)])
def test_elbo_of_a_linear_gaussian_model_has_the_closed_form(shift, spread):
    weights, truth = linear_gaussian(40_000, 5, shift, spread)
    error = weights.std(0) / math.sqrt(40_000)
    assert bool(((elbo(weights) - (truth - gap(shift, spread))).abs() < 4 * error).all())


def test_bound_tends_to_the_likelihood_with_its_documented_gap():
    weights, truth = linear_gaussian(200_000, 5, 0.3, 0.8)
    ratio = (weights - truth).exp()
    variance = float(ratio.var(0).mean())
    assert torch.allclose(importance_weighted_bound(weights), truth, rtol=0, atol=0.02)
    for k in (20, 50):
        folded = weights.view(k, -1, 5)
        found = importance_weighted_bound(folded.flatten(1)).view(-1, 5) - truth
        error = float(found.std()) / math.sqrt(found.numel())
        assert abs(float(found.mean()) + variance / (2 * k)) < 4 * error + 0.2 * variance / (2 * k)


def test_bound_rises_with_k():
    weights, truth = linear_gaussian(64_000, 5, 0.5, 1.0)
    means, errors = [], []
    for k in (1, 2, 5, 20, 100):
        found = importance_weighted_bound(weights.view(k, -1)).view(-1, 5).mean(1)
        means.append(float(found.mean()))
        errors.append(float(found.std()) / math.sqrt(len(found)))
    assert all(
        later - earlier > 4 * error
        for earlier, later, error in zip(means, means[1:], errors[1:], strict=False)
    )
    assert means[0] == pytest.approx(float(elbo(weights).mean()), abs=1e-9)
    assert means[-1] < float(truth.mean())


def test_hand_case():
    weights = torch.tensor([[0.0, -1000.0], [math.log(3), -1000.0]])
    assert elbo(weights).tolist() == pytest.approx([math.log(3) / 2, -1000], rel=1e-6)
    assert importance_weighted_bound(weights).tolist() == pytest.approx([math.log(2), -1000], rel=1e-6)


def test_agrees_with_scipy(normal):
    weights = 50 * normal(30, 11)
    expected = scipy.special.logsumexp(weights.numpy(), axis=0) - math.log(30)
    assert importance_weighted_bound(weights).numpy() == pytest.approx(expected, rel=1e-12)
    assert elbo(weights).numpy() == pytest.approx(weights.numpy().mean(0), rel=1e-12)


@given(st.integers(1, 9), st.integers(1, 5), st.floats(1e-8, 1e8), st.integers(0, 99))
def test_between_mean_and_largest(k, n, scale, seed):
    weights = scale * torch.randn(k, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    low, high = elbo(weights), importance_weighted_bound(weights)
    slack = 1e-12 * (1 + scale)
    assert bool((low <= high + slack).all() and (high <= weights.max(0).values + slack).all())
    assert torch.allclose(importance_weighted_bound(weights.flip(0)), high, rtol=1e-12, atol=1e-15)
    assert torch.allclose(importance_weighted_bound(weights + 7), high + 7, rtol=1e-9)


def test_one_sample_is_the_same_bound(normal):
    weights = normal(1, 6)
    assert torch.equal(elbo(weights), weights[0])
    assert torch.allclose(importance_weighted_bound(weights), weights[0], rtol=1e-15)


@pytest.mark.parametrize("bound", [elbo, importance_weighted_bound])
def test_types_and_what_it_refuses(normal, bound):
    weights = normal(8, 3)
    assert bound(weights).shape == (3,)
    for kind in (torch.float16, torch.bfloat16, torch.float32):
        assert torch.equal(bound(weights.to(kind)), bound(weights.to(kind).double()))
        assert bound(weights.to(kind)).dtype == torch.float64
    weights[2, 1] = torch.nan
    with pytest.raises(ValueError, match="log_weights, by image, is not finite in 1 of 3 rows: 1"):
        bound(weights)
    with pytest.raises(ValueError, match=r"must be \(K, N\)"):
        bound(weights[0])
    assert np.isfinite(bound(torch.full((3, 2), -1e30)).numpy()).all()
