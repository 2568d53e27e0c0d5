"""Scores that tell real from generated: ranks with ties, bounds, and what no scale changes."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics.judging import auc, confident_share, divergence_bound, overfit_gap

SCORES = st.lists(st.integers(-4, 4), min_size=1, max_size=12)


@given(SCORES, SCORES)
def test_auc_counts_pairs_a_tie_one_half(real, fake):
    a, b = np.array(real, float), np.array(fake, float)
    by_pairs = np.mean((a[:, None] > b) + (a[:, None] == b) / 2)
    assert auc(torch.tensor(a), torch.tensor(b)) == pytest.approx(by_pairs)


@given(SCORES, SCORES, st.integers(1, 5), st.integers(-9, 9))
def test_auc_does_not_see_the_scale_of_a_critic(real, fake, slope, shift):
    a, b = torch.tensor(real).double(), torch.tensor(fake).double()
    assert auc(slope * a + shift, slope * b + shift) == auc(a, b)
    assert auc(-a, -b) == pytest.approx(1 - auc(a, b))


def test_a_constant_discriminator_tells_nothing():
    same = torch.zeros(5)
    assert auc(same, same[:3]) == 0.5
    assert divergence_bound(same, same[:3]) == 0.0
    assert overfit_gap(same, same, same) == 0.0


@pytest.mark.parametrize(
    ("apart", "divergence"), [(0.5, 0.0303), (1.0, 0.1114), (2.0, 0.3368), (4.0, 0.6327)]
)
def test_the_best_critic_attains_the_divergence_of_two_gaussians(apart, divergence):
    # of N(0, 1) against N(μ, 1) the log ratio is μ²/2 - μx; both sides by quantiles in place of draws
    quantiles = torch.special.ndtri((torch.arange(20_000).double() + 0.5) / 20_000)
    real, fake = (apart**2 / 2 - apart * x for x in (quantiles, quantiles + apart))
    assert divergence_bound(real, fake) == pytest.approx(divergence, abs=1e-4)
    assert divergence_bound(real / 2, fake / 2) < divergence - 1e-3  # any other critic has less
    assert auc(real, fake) == pytest.approx(0.5 + math.erf(apart / 2) / 2, abs=1e-3)


def test_a_perfect_critic_has_ln_two_and_a_wrong_one_less_than_nothing():
    sure = torch.full((4,), 60.0)
    assert divergence_bound(sure, -sure) == pytest.approx(math.log(2))
    assert divergence_bound(-sure, sure) < -50


def test_a_discriminator_that_knows_its_examples_by_heart_has_a_gap():
    train, fake = torch.ones(6), torch.zeros(6)
    assert overfit_gap(train, torch.zeros(6), fake) == 0.5
    assert overfit_gap(train, torch.ones(2), fake) == 0.0


def test_confidence_is_the_share_beyond_seven():
    assert confident_share(torch.tensor([-8.0, -7.0, 0.0, 7.5])) == 0.5


@pytest.mark.parametrize("metric", [auc, divergence_bound])
@pytest.mark.parametrize("bad", [[], [math.nan], [math.inf, 1.0]])
def test_scores_that_are_none_are_refused(metric, bad):
    for sides in ((torch.tensor(bad), torch.ones(2)), (torch.ones(2), torch.tensor(bad))):
        with pytest.raises(ValueError, match=r"no scores|not finite"):
            metric(*sides)
    with pytest.raises(ValueError, match=r"no scores|not finite"):
        confident_share(torch.tensor(bad))
