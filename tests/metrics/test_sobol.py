import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics.sobol import (
    changes,
    completeness,
    disentanglement,
    percentile,
    resampled,
    rotation,
    total_importance,
)

I5 = torch.eye(5)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def importance(read, d, Q, variance, n=600, seed=0):
    z, fresh = drawn(n, d, seed=2 * seed), drawn(n, d, seed=2 * seed + 1)
    return total_importance(changes(read, z, fresh, Q, read(z)), variance)


def test_a_linear_map_has_the_squares_of_its_weights():
    W, Q = drawn(3, 4), rotation(4, "test")
    R = importance(lambda z: z @ W.T, 4, Q, torch.tensor([1.0, 2.0, 4.0]), n=20_000)
    exact = (W @ Q).T.square() / torch.tensor([1.0, 2.0, 4.0])
    assert torch.allclose(R, exact, rtol=0.05, atol=1e-3)


def test_scipy_finds_the_same_total_indices():
    scipy_stats = pytest.importorskip("scipy.stats")
    W = np.array([[1.0, 0.5, 0.0], [0.2, -1.0, 2.0]])

    def f(x):  # with an interaction, which a first-order index misses
        return np.stack([W[0] @ x + x[0] * x[2], W[1] @ x])

    found = scipy_stats.sobol_indices(
        func=f, n=1024, dists=[scipy_stats.norm()] * 3, rng=np.random.default_rng(0)
    )

    def read(z):
        return torch.from_numpy(f(z.numpy().T).T)

    variance = read(drawn(50_000, 3, seed=9)).var(0)
    R = importance(read, 3, torch.eye(3), variance, n=20_000)
    assert torch.allclose(R.T, torch.from_numpy(found.total_order), atol=0.05)


def test_closed_forms():
    assert disentanglement(I5) == pytest.approx(1.0)
    assert completeness(I5) == pytest.approx(1.0)
    one_row = torch.zeros(2, 4)
    one_row[0] = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert float(disentanglement(one_row)) == pytest.approx(1 - math.log(2) / math.log(4))
    assert float(completeness(one_row)) == pytest.approx(1.0)
    assert disentanglement(torch.ones(3, 4)) == pytest.approx(0.0, abs=1e-6)
    weighted = torch.tensor([[9.0, 0.0], [0.5, 0.5]])  # rows count by their mass
    assert float(disentanglement(weighted)) == pytest.approx(0.9)
    twice = torch.cat([I5, I5])
    assert float(disentanglement(twice)) == pytest.approx(1.0)
    assert float(completeness(twice)) == pytest.approx(1 - math.log(2) / math.log(10))


def test_a_batch_of_bases_is_each_by_itself():
    R = drawn(4, 3, 5, 2).abs()
    assert torch.equal(disentanglement(R)[2, 1], disentanglement(R[2, 1]))
    assert torch.equal(completeness(R)[3, 0], completeness(R[3, 0]))


def test_where_nothing_moves_there_is_no_number():
    assert disentanglement(torch.zeros(3, 4)).isnan()
    assert completeness(torch.zeros(3, 4)).isnan()
    with pytest.raises(ValueError, match="compares factors, and there is only one"):
        disentanglement(torch.ones(3, 1))
    with pytest.raises(ValueError, match="compares directions of the latent, and there is only one"):
        completeness(torch.ones(1, 3))


def oracle(turn):
    """Factors through the normal distribution function, as an oracle's, after a turn of the latent."""
    return lambda z: torch.special.ndtr(z @ turn)


def test_oracles_in_the_order_of_their_defects():
    pair = torch.eye(5, dtype=torch.float64)
    pair[:2, :2] = torch.tensor([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
    variance = torch.full((5,), 1 / 12)
    scores = {}
    for name, turn in (("aligned", I5.double()), ("pair", pair), ("rotated", rotation(5, "oracle", 4))):
        R = importance(oracle(turn), 5, I5, variance)
        scores[name] = (float(disentanglement(R)), float(completeness(R)))
    assert scores["aligned"] == pytest.approx((1.0, 1.0))
    assert scores["pair"] == pytest.approx((0.822, 0.822), abs=0.02)
    assert scores["rotated"] == pytest.approx((0.317, 0.317), abs=0.18)  # of the rotation drawn


def test_random_rotations_of_an_oracle_spread_as_they_must():
    variance = torch.full((5,), 1 / 12)
    D = torch.stack(
        [
            disentanglement(importance(oracle(I5.double()), 5, rotation(5, r), variance, n=200))
            for r in range(60)
        ]
    )
    assert float(D.mean()) == pytest.approx(0.34, abs=0.04)
    assert float(D.std()) == pytest.approx(0.09, abs=0.03)


def test_the_gain_of_a_generator_without_axes_is_zero_on_average():
    variance = torch.full((5,), 1 / 12)
    gains = []
    for r in range(30):
        read = oracle(rotation(5, "generator", r))
        rotated = [disentanglement(importance(read, 5, rotation(5, r, k), variance, n=100)) for k in range(4)]
        own = disentanglement(importance(read, 5, I5, variance, n=100))
        gains.append(float(own - torch.stack(rotated).mean()))
    assert abs(np.mean(gains)) < 3 * np.std(gains) / math.sqrt(len(gains))
    assert np.std(gains) > 0.03


@given(st.permutations(range(5)))
def test_names_of_latents_and_factors_do_not_matter(order):
    R = drawn(5, 5).abs()
    for score in (disentanglement, completeness):
        assert torch.allclose(score(R[order]), score(R))
        assert torch.allclose(score(R[:, order]), score(R))
        assert torch.allclose(score(R / 4), score(R))


def test_rotations_are_orthogonal_repeatable_and_uniform():
    Q = torch.stack([rotation(3, r) for r in range(2000)])
    assert torch.allclose(Q.mT @ Q, torch.eye(3, dtype=torch.float64).expand_as(Q), atol=1e-12)
    assert torch.equal(Q[7], rotation(3, 7))
    assert not torch.equal(Q[7], Q[8])
    assert Q.mean(0).abs().max() < 0.06  # 0 by symmetry; without the signs the diagonal has -0.5
    assert (Q.square().mean(0) - 1 / 3).abs().max() < 0.03
    assert abs(float(Q.diagonal(dim1=1, dim2=2).sum(1).square().mean()) - 1) < 0.12  # E (tr Q)² = 1


def test_percentile_counts_the_own_axes():
    random = torch.tensor([0.1, 0.2, 0.3])
    assert percentile(0.5, random) == 0.25
    assert percentile(0.2, random) == 0.75
    assert percentile(0.0, random) == 1.0


def test_a_bootstrap_spreads_as_the_mean_does():
    changed = drawn(400, 1, 400, 1).square()  # 400 experiments with 400 latents
    assert float(resampled(changed[0], 400, 0).std()) == pytest.approx(
        float(changed.mean(-2).std()), rel=0.25
    )
    assert torch.equal(resampled(changed[0], 5, 0), resampled(changed[0], 5, 0))
    both = resampled(torch.stack([changed[0], 3 * changed[0]]), 5, 0)
    assert torch.allclose(both[:, 1], 3 * both[:, 0])
