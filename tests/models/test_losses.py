import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from genbench.models.losses import (
    bernoulli_log_likelihood,
    discriminator_loss,
    gaussian_kl,
    minimax_generator_loss,
    non_saturating_generator_loss,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)

GENERATOR_LOSSES = (minimax_generator_loss, non_saturating_generator_loss, wasserstein_generator_loss)


def slope(loss, logit):
    """Derivative of a generator's loss in the logit of its one sample."""
    logit = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(loss(logit), logit)[0].item()


def test_values_where_the_judge_cannot_tell():
    level = torch.zeros(7, dtype=torch.float64)
    assert discriminator_loss(level, level).item() == pytest.approx(2 * math.log(2), abs=1e-15)
    assert minimax_generator_loss(level).item() == pytest.approx(-math.log(2), abs=1e-15)
    assert non_saturating_generator_loss(level).item() == pytest.approx(math.log(2), abs=1e-15)
    anything = torch.full((7,), 3.5, dtype=torch.float64)
    assert wasserstein_critic_loss(anything, anything).item() == 0
    assert wasserstein_generator_loss(level).item() == 0


def test_judges_descend_as_they_learn_to_tell():
    real, fake = torch.tensor([2.0, 1.0]), torch.tensor([-1.0, -3.0])
    assert wasserstein_critic_loss(real, fake).item() == -3.5
    assert wasserstein_generator_loss(fake).item() == 2.0
    expected = -sum(math.log(1 / (1 + math.exp(-v))) for v in (2, 1, 1, 3)) / 2
    assert discriminator_loss(real, fake).item() == pytest.approx(expected, rel=1e-6)
    assert discriminator_loss(real, fake) < 2 * math.log(2) < discriminator_loss(fake, real)


def test_equal_the_formulas_of_the_paper():
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 64, dtype=torch.float64, generator=generator) * 5
    D, DG = real.sigmoid(), fake.sigmoid()
    near = {"rtol": 1e-9, "atol": 1e-12}
    torch.testing.assert_close(
        discriminator_loss(real, fake), -D.log().mean() - (1 - DG).log().mean(), **near
    )
    torch.testing.assert_close(minimax_generator_loss(fake), (1 - DG).log().mean(), **near)
    torch.testing.assert_close(non_saturating_generator_loss(fake), -DG.log().mean(), **near)
    torch.testing.assert_close(non_saturating_generator_loss(fake), -logsigmoid(fake).mean(), **near)


@pytest.mark.parametrize("logit", [-40.0, -10.0, -1.0, 0.0, 3.0])
def test_slopes(logit):
    D = 1 / (1 + math.exp(-logit))
    assert slope(minimax_generator_loss, logit) == pytest.approx(-D, rel=1e-12)
    assert slope(non_saturating_generator_loss, logit) == pytest.approx(D - 1, rel=1e-12)


def test_minimax_vanishes_where_every_sample_is_rejected_and_the_others_do_not():
    rejected = -30.0  # D(G(z)) = 9e-14
    assert 0 < -slope(minimax_generator_loss, rejected) < 1e-12
    assert slope(non_saturating_generator_loss, rejected) == pytest.approx(-1, abs=1e-12)
    assert slope(wasserstein_generator_loss, rejected) == -1


@pytest.mark.parametrize("magnitude", [1e4, -1e4])
def test_extreme_logits_stay_finite_in_float32(magnitude):
    logits = torch.full((3,), magnitude, requires_grad=True)
    for loss in (*GENERATOR_LOSSES, lambda fake: discriminator_loss(-fake, fake)):
        value = loss(logits)
        (gradient,) = torch.autograd.grad(value, logits)
        assert value.isfinite()
        assert gradient.isfinite().all()
    assert discriminator_loss(-logits, logits).item() == max(2 * magnitude, 0)
    x = torch.ones(1, 1, 1, 3)
    assert bernoulli_log_likelihood(x, logits.view(1, 1, 1, 3)).item() == min(3 * magnitude, 0)


def test_bernoulli_log_likelihood_by_hand():
    x = torch.tensor([1.0, 0.0, 0.25, 1.0], dtype=torch.float64).view(1, 1, 2, 2)
    p = torch.tensor([0.75, 0.5, 0.25, 0.1], dtype=torch.float64).view(1, 1, 2, 2)
    by_hand = math.log(0.75) + math.log(0.5) + 0.25 * math.log(0.25) + 0.75 * math.log(0.75) + math.log(0.1)
    value = bernoulli_log_likelihood(x, p.logit())
    assert value.shape == (1,)
    assert value.item() == pytest.approx(by_hand, rel=1e-12)


def test_bernoulli_log_likelihood_sums_over_pixels_and_channels_alike():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(5, 24, dtype=torch.float64, generator=generator)
    logits = torch.randn(5, 24, dtype=torch.float64, generator=generator)
    shapes = [(1, 4, 6), (3, 2, 4), (24, 1, 1)]
    values = [bernoulli_log_likelihood(x.view(5, *s), logits.view(5, *s)) for s in shapes]
    by_hand = (x * logits.sigmoid().log() + (1 - x) * (1 - logits.sigmoid()).log()).sum(1)
    for value in values:
        torch.testing.assert_close(value, by_hand, rtol=1e-10, atol=0)


def test_gaussian_kl_by_hand():
    zero, d = torch.zeros(2, 6, dtype=torch.float64), 6
    assert gaussian_kl(zero, zero).tolist() == [0, 0]
    assert gaussian_kl(zero + 1, zero).tolist() == [d / 2, d / 2]
    sigma_2 = gaussian_kl(zero, zero + math.log(4)) / d
    assert sigma_2.tolist() == pytest.approx([0.806853, 0.806853], abs=1e-6)


def test_gaussian_kl_is_that_of_torch_distributions():
    generator = torch.Generator().manual_seed(0)
    mean, log_var = torch.randn(2, 9, 4, dtype=torch.float64, generator=generator)
    q = torch.distributions.Normal(mean, (log_var / 2).exp())
    p = torch.distributions.Normal(0, 1)
    by_torch = torch.distributions.kl_divergence(q, p).sum(1)
    torch.testing.assert_close(gaussian_kl(mean, log_var), by_torch, rtol=1e-10, atol=1e-12)


def test_gaussian_kl_is_exact_near_the_prior():
    tiny = torch.full((1, 1), 1e-4)  # exp(v) - 1 - v would lose all digits in float32
    assert gaussian_kl(torch.zeros(1, 1), tiny).item() == pytest.approx(2.5e-9, rel=1e-1)
