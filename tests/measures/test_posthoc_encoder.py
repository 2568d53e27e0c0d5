import math

import pytest
import torch

from genbench.measures.generator import Generator
from genbench.measures.posthoc_encoder import encoder_of, fit_encoder

A = torch.linalg.qr(torch.randn(30, 4, generator=torch.Generator().manual_seed(0))).Q


def linear(seed=3):
    return Generator(4, "normal", seed, torch.device("cpu"), lambda z: (z @ A.T).view(-1, 1, 5, 6))


def test_of_a_linear_generator_latents_are_found():
    generator = linear()
    encoder = fit_encoder(generator, steps=200, seed=0)
    z = generator.draw(500, "held out")
    residual = (encoder.mean(generator.decode(z)) - z).square().sum() / (z - z.mean(0)).square().sum()
    assert residual < 0.1


@pytest.mark.run
def test_after_full_training_they_are_found_well():
    generator = linear()
    encoder = fit_encoder(generator, seed=0)
    z = generator.draw(500, "held out")
    residual = (encoder.mean(generator.decode(z)) - z).square().sum() / (z - z.mean(0)).square().sum()
    assert residual < 0.01


@pytest.mark.run
def test_under_noise_its_density_gives_the_information():
    """A has orthonormal columns, so that the true posterior is diagonal: I = d / 2 ln(1 + 1 / sigma^2)."""
    generator, sigma = linear(), 0.5
    encoder = fit_encoder(generator, sigma=sigma, seed=0)
    z = generator.draw(4000, "held out")
    log_e = encoder.log_density(z, encoder.noisy(generator.decode(z), "held out"))
    log_p = -(z.square() + math.log(2 * math.pi)).sum(1) / 2
    assert float((log_e - log_p).mean()) == pytest.approx(2 * math.log(1 + 1 / sigma**2), rel=0.03)


def test_seeds_decide_everything_and_nothing_global_is_touched():
    x = linear().decode(linear().draw(9, "here"))
    state = torch.random.get_rng_state()
    first, again, other = (fit_encoder(linear(), sigma=0.1, steps=5, seed=s).mean(x) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_unit_of_samples_does_not_matter():
    large = Generator(4, "normal", 3, torch.device("cpu"), lambda z: 8 * (z @ A.T).view(-1, 1, 5, 6))
    x = linear().decode(linear().draw(9, "here"))
    first, second = (fit_encoder(g, steps=20, seed=0) for g in (linear(), large))
    assert torch.allclose(first.mean(x), second.mean(8 * x), atol=1e-4)
    assert torch.allclose(
        first.log_density(torch.ones(9, 4), x), second.log_density(torch.ones(9, 4), 8 * x), atol=1e-3
    )


@pytest.mark.parametrize(("steps", "period"), [(0, 1), (3, 3)])
def test_the_rate_falls_until_the_last_step(monkeypatch, steps, period):
    schedules, usual = [], torch.optim.lr_scheduler.CosineAnnealingLR
    monkeypatch.setattr(
        torch.optim.lr_scheduler,
        "CosineAnnealingLR",
        lambda optimizer, length: (
            schedules.append((optimizer.param_groups[0]["lr"], length)) or usual(optimizer, length)
        ),
    )
    fit_encoder(linear(), steps=steps, seed=0)
    assert schedules == [(1e-3, period)]


def test_density_is_gaussian():
    encoder = fit_encoder(linear(), steps=2, seed=0)
    x = linear().decode(linear().draw(3, "here"))
    mean = encoder.mean(x)
    at, one, two = (encoder.log_density(mean + away, x) for away in (0, 1, 2))
    assert torch.allclose(at - two, 4 * (at - one), rtol=1e-3)
    along = torch.linspace(-60, 60, 6001)[:, None]
    shape = (
        encoder.log_density(mean[:1] + along * torch.eye(4)[0], x[:1].expand(6001, -1, -1, -1)) - at[0]
    ).exp()
    whole = sum(
        (
            (encoder.log_density(mean[:1] + along * axis, x[:1].expand(6001, -1, -1, -1)) - at[0]).exp().sum()
            / 50
        ).log()
        for axis in torch.eye(4)
    )
    assert shape.max() == pytest.approx(1, rel=1e-4)
    assert float(whole + at[0]) == pytest.approx(0, abs=1e-3)  # it integrates to 1


def test_generators_of_nothing_give_encoders():
    for decode in (lambda z: torch.zeros(len(z), 3), lambda z: torch.full((len(z), 3), torch.nan)):
        generator = Generator(2, "uniform", 0, torch.device("cpu"), decode)
        mean = fit_encoder(generator, steps=3, seed=0).mean(decode(torch.zeros(4, 2)))
        assert mean.shape == (4, 2)


@pytest.mark.run
def test_one_encoder_is_shared():
    generator = linear()
    assert encoder_of(generator) is encoder_of(generator)
