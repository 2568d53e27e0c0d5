import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn
from torch.nn.functional import softplus

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import Batch, Nets
from genbench.models.vae import VAE
from genbench.train.state import initial_state, skeletons

LATENT = 4


@pytest.fixture
def constant(small):
    """A VAE whose encoder and decoder give the same answer everywhere, so that its bound is exact."""

    def make(shape, mean, log_var, logits):
        data = DataInfo("any", shape)
        model = small("vae", latent=LATENT)
        state = initial_state(model, data, [1], device=torch.device("cpu"), dtype=torch.float64)
        params = {net: {n: t[0] for n, t in tensors.items()} for net, tensors in state.params.items()}
        for net, answer in (("encoder", torch.cat([mean, log_var])), ("decoder", logits)):
            last = max(name for name in params[net] if name.endswith("weight"))
            params[net][last].zero_()
            params[net][last.replace("weight", "bias")].copy_(answer)
        return model, Nets(skeletons(model, data), params), data

    return make


@pytest.fixture
def numbers():
    generator = torch.Generator().manual_seed(0)
    mean, log_var = torch.randn(2, LATENT, dtype=torch.float64, generator=generator)
    logits = torch.randn(24, dtype=torch.float64, generator=generator)
    x = torch.rand(6, 24, dtype=torch.float64, generator=generator) * 2 - 1
    epsilon = torch.randn(6, LATENT, dtype=torch.float64, generator=generator)
    return mean, log_var, logits, x, {"epsilon": epsilon}


def test_the_bound_in_closed_form(constant, numbers):
    mean, log_var, logits, x, noise = numbers
    model, nets, data = constant((1, 4, 6), *numbers[:3])
    grey = (x + 1) / 2
    log_likelihood = (grey * logits - softplus(logits)).sum(1)
    kl = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum()
    elbo = model.elbo(nets, Batch(x.view(6, *data.shape), noise))
    torch.testing.assert_close(elbo, log_likelihood - kl, rtol=1e-12, atol=0)
    loss, logs = model.loss(nets, Batch(x.view(6, *data.shape), noise))
    torch.testing.assert_close(loss, -elbo.mean(), rtol=1e-12, atol=0)
    torch.testing.assert_close(logs["KL"], kl, rtol=1e-12, atol=0)
    torch.testing.assert_close(logs["log p(x|z)"], log_likelihood.mean(), rtol=1e-12, atol=0)


def test_the_bound_does_not_depend_on_the_layout(constant, numbers):
    *_, x, noise = numbers
    values = []
    for shape in ((1, 4, 6), (1, 2, 12), (3, 2, 4), (6, 2, 2)):
        model, nets, _ = constant(shape, *numbers[:3])
        values.append(model.elbo(nets, Batch(x.view(6, *shape), noise)))
    for value in values[1:]:
        torch.testing.assert_close(value, values[0], rtol=1e-12, atol=0)


def test_nats_are_summed_over_channels(constant, numbers):
    """An image repeated in three channels costs three times the nats."""
    *_, logits, x, noise = numbers
    zero = torch.zeros(LATENT, dtype=torch.float64)
    model, nets, _ = constant((1, 4, 6), zero, zero, logits)
    grey = model.elbo(nets, Batch(x.view(6, 1, 4, 6), noise))
    model, nets, _ = constant((3, 4, 6), zero, zero, logits.repeat(3))
    colour = model.elbo(nets, Batch(x.view(6, 1, 4, 6).repeat(1, 3, 1, 1), noise))
    torch.testing.assert_close(colour, 3 * grey, rtol=1e-12, atol=0)


def test_no_divergence_where_the_posterior_is_the_prior(constant, numbers):
    zero = torch.zeros(LATENT, dtype=torch.float64)
    model, nets, data = constant((1, 4, 6), zero, zero, torch.zeros(24, dtype=torch.float64))
    batch = Batch(numbers[3].view(6, *data.shape), numbers[4])
    assert model.loss(nets, batch)[1]["KL"].item() == 0
    assert model.elbo(nets, batch).tolist() == pytest.approx([-24 * math.log(2)] * 6)


def test_white_is_one_and_black_is_zero(constant):
    zero = torch.zeros(LATENT, dtype=torch.float64)
    logits = torch.full((24,), 50.0, dtype=torch.float64)
    model, nets, data = constant((1, 4, 6), zero, zero, logits)
    x = torch.cat([torch.ones(1, *data.shape), -torch.ones(1, *data.shape)]).double()
    white, black = model.elbo(nets, Batch(x, {"epsilon": torch.zeros(2, LATENT).double()})).tolist()
    assert white == pytest.approx(0, abs=1e-9)
    assert black == pytest.approx(-24 * 50)
    assert model.sample(nets, torch.zeros(2, LATENT).double()).flatten().tolist() == pytest.approx([1.0] * 48)


def test_a_latent_is_mean_plus_deviation_times_noise(tiny, small, lane_nets):
    """Shifting epsilon by d is the same as shifting the mean by sigma d, but for the divergence."""
    model = small("vae", latent=LATENT)
    state = initial_state(model, tiny, [1], device=torch.device("cpu"), dtype=torch.float64)
    last = max(name for name in state.params["encoder"] if name.endswith("weight"))
    log_var = torch.linspace(-2, 1, LATENT, dtype=torch.float64)
    state.params["encoder"][last].zero_()
    bias = state.params["encoder"][last.replace("weight", "bias")]
    bias.copy_(torch.cat([torch.zeros(LATENT, dtype=torch.float64), log_var]))
    nets, _ = lane_nets(model, state)
    x = torch.rand(3, *tiny.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shift = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    by_noise = model.loss(nets(), Batch(x, {"epsilon": shift.expand(3, -1)}))[1]["log p(x|z)"]
    bias[:, :LATENT] = (log_var / 2).exp() * shift
    by_mean = model.loss(nets(), Batch(x, {"epsilon": torch.zeros(3, LATENT).double()}))[1]["log p(x|z)"]
    torch.testing.assert_close(by_noise, by_mean, rtol=1e-12, atol=0)


def test_the_mean_of_the_decoder_is_the_sample(constant, numbers):
    logits = numbers[2]
    model, nets, data = constant((1, 4, 6), *numbers[:3])
    expected = (2 * logits.sigmoid() - 1).view(data.shape)
    sample = model.sample(nets, torch.randn(2, LATENT, dtype=torch.float64))
    torch.testing.assert_close(sample, expected.expand(2, -1, -1, -1), rtol=1e-12, atol=1e-12)


@pytest.mark.run
def test_the_bound_rises_as_it_trains(small, fit):
    losses = [logs["autoencoder.loss"] for _, logs in fit(small("vae"), 96).curves]
    assert all(last < first for first, last in zip(losses[0], losses[-1], strict=True))


def test_elbo_of_a_linear_gaussian_case_in_closed_form():
    """Linear encoder, constant variance, linear decoder, one latent: z is Gaussian, and so is every logit.

    E_q[x l - softplus(l)] then needs one integral over a Gaussian a pixel, done here by scipy; the KL is
    elementary. The model's own bound is taken at the nodes of a Gauss-Hermite rule, so that nothing is
    left to chance.
    """
    generator = torch.Generator().manual_seed(4)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    weight, offset, slope, bias = draw(6), draw(1), draw(6), draw(6)
    sigma = 0.7
    tensors = {
        "encoder": {
            "1.weight": torch.stack([weight, torch.zeros(6, dtype=torch.float64)]),
            "1.bias": torch.stack([offset[0], torch.tensor(2 * math.log(sigma), dtype=torch.float64)]),
        },
        "decoder": {"0.weight": slope[:, None], "0.bias": bias},
    }
    modules = {
        "encoder": nn.Sequential(nn.Flatten(), nn.Linear(6, 2, device="meta")),
        "decoder": nn.Sequential(nn.Linear(1, 6, device="meta"), nn.Unflatten(1, (1, 2, 3))),
    }
    grey = torch.rand(6, generator=generator, dtype=torch.float64)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    x = (2 * grey - 1).view(1, 1, 2, 3).expand(len(nodes), 1, 2, 3)
    batch = Batch(x, {"epsilon": torch.from_numpy(nodes)[:, None]})
    bound = VAE(latent=1).elbo(Nets(modules, tensors), batch).numpy()
    ours = float((weights * bound).sum() / math.sqrt(2 * math.pi))

    mean = float(weight @ (2 * grey - 1) + offset)
    expected = -0.5 * (mean**2 + sigma**2 - 1 - 2 * math.log(sigma))
    for pixel in range(6):
        center, spread = float(slope[pixel]) * mean + float(bias[pixel]), abs(float(slope[pixel])) * sigma
        density = norm(center, spread).pdf
        reach = 12 * spread
        average, _ = quad(
            lambda logit, d=density: np.logaddexp(0, logit) * d(logit),
            center - reach,
            center + reach,
            epsabs=1e-12,
            points=[center],
        )
        expected += float(grey[pixel]) * center - average
    assert ours == pytest.approx(expected, rel=1e-9)
