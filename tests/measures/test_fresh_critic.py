"""A fresh critic on distributions whose divergence is known."""

import math

import pytest
import torch

from genbench.measures.controls import control_samples
from genbench.measures.fresh_critic import fresh_critic


def gaussian(n, mean=0.0, seed=0, dims=1):
    return mean + torch.randn(n, dims, generator=torch.Generator().manual_seed(seed))


@pytest.mark.run
@pytest.mark.parametrize(
    ("apart", "divergence", "accuracy"),
    [(0.0, 0.0, 0.5), (0.5, 0.0303, 0.599), (1.0, 0.1114, 0.692), (2.0, 0.3368, 0.841), (4.0, 0.6327, 0.977)],
)
def test_it_finds_the_divergence_of_two_gaussians(apart, divergence, accuracy):
    real, held, fake = (gaussian(10_000, mean, seed) for seed, mean in enumerate((0.0, 0.0, apart)))
    found = fresh_critic(real, held, fake, seed=3)
    assert found.divergence == pytest.approx(divergence, abs=0.012)
    # the best threshold is right with probability Φ(μ/2); the AUC of that problem is Φ(μ/√2)
    assert accuracy == pytest.approx(0.5 + math.erf(apart / 2 / math.sqrt(2)) / 2, abs=1e-3)
    assert found.auc == pytest.approx(0.5 + math.erf(apart / 2) / 2, abs=0.02)
    assert found.n == 5000


@pytest.mark.run
def test_images_are_told_from_their_gaussian_and_not_from_each_other(reference):
    data = reference.dataset
    train, test = torch.from_numpy(data.train_examples), torch.from_numpy(data.test_examples)
    same = fresh_critic(train, test, control_samples("real", data, 1000, 0).samples, seed=0)
    blurred = fresh_critic(train, test, control_samples("gaussian", data, 1000, 0).samples, seed=0)
    assert abs(same.divergence) < 0.02 and abs(same.auc - 0.5) < 0.05
    assert blurred.divergence > 0.3 and blurred.auc > 0.9


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("genbench.measures.fresh_critic.STEPS", 60)


def test_the_same_seed_has_the_same_bits_and_nobody_elses_stream_moves(quick):
    real, fake = gaussian(200, dims=2), gaussian(300, 3.0, 1, dims=2)
    before = torch.random.get_rng_state()
    first = fresh_critic(real, real, fake, seed=5)
    assert first == fresh_critic(real, real, fake, seed=5) != fresh_critic(real, real, fake, seed=6)
    assert torch.equal(before, torch.random.get_rng_state())
    assert first.divergence > 0.3 and first.n == 150


def test_points_are_judged_in_any_unit(quick):
    real, fake = gaussian(200, dims=2), gaussian(300, 3.0, 1, dims=2)
    small = fresh_critic(real / 1024, real / 1024, fake / 1024, seed=5)
    assert small.divergence == pytest.approx(fresh_critic(real, real, fake, seed=5).divergence, abs=1e-4)


def test_it_is_judged_by_the_test_examples_and_the_other_half_of_the_samples(quick):
    here, there = gaussian(200), gaussian(200, 4.0, 1)
    assert fresh_critic(here, here, torch.cat([there, there]), seed=0).auc > 0.95
    assert fresh_critic(here, there, torch.cat([there, there]), seed=0).auc == pytest.approx(0.5, abs=0.1)
    assert fresh_critic(here, here, torch.cat([there, here]), seed=0).auc == pytest.approx(0.5, abs=0.1)


def test_eight_bits_on_both_sides(quick):
    random = torch.Generator().manual_seed(0)
    black = torch.zeros(64, 1, 4, 4, dtype=torch.uint8)
    grey = torch.randint(100, 200, (64, 1, 4, 4), generator=random, dtype=torch.uint8)
    assert fresh_critic(black, black, grey, seed=0).divergence > 0.6
    assert abs(fresh_critic(black, black, black, seed=0).divergence) < 0.05


def test_the_least_that_can_be_judged(quick):
    assert fresh_critic(gaussian(2), gaussian(1), gaussian(4), seed=0).n == 1


@pytest.mark.parametrize(
    ("real", "test", "samples", "words"),
    [
        (gaussian(9), gaussian(9), gaussian(3), "too few"),
        (gaussian(1), gaussian(9), gaussian(9), "too few"),
        (gaussian(9), gaussian(0), gaussian(9), "too few"),
        (torch.ones(9, 1), gaussian(9), gaussian(9), "alike in some coordinate"),
        (gaussian(9), gaussian(9), torch.full((9, 1), math.nan), "not finite"),
    ],
)
def test_what_cannot_be_judged_is_refused(real, test, samples, words):
    with pytest.raises(ValueError, match=words):
        fresh_critic(real, test, samples, seed=0)
