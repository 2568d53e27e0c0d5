import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genbench.metrics.attribution import (
    attributed_drops,
    completeness_error,
    exact_shapley,
    normalised_infidelity,
    pointing_game,
    random_halves,
    relevance_mass,
    score_drops,
)

CELLS = torch.arange(16).view(1, 4, 4) // 4
"""Four superpixels, the rows of a 4 x 4 image."""

WEIGHT = torch.linspace(-1, 2, 16, dtype=torch.float64).view(1, 4, 4)


def linear(images):
    return (images.double() * WEIGHT).sum((1, 2, 3)) + 3


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rough(d, seed=0):
    """A small network of d inputs."""
    first, last = drawn(d, 9, seed=seed), drawn(9, seed=seed + 1)
    return lambda x: torch.tanh(x @ first) @ last + x.prod(1)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 7), st.integers(0, 1000))
def test_shapley_values_add_up(d, seed):
    f, x, b = rough(d, seed), drawn(d, seed=seed + 2), drawn(d, seed=seed + 3)
    values = exact_shapley(f, x, b)
    assert float(values.sum()) == pytest.approx(float(f(x[None]) - f(b[None])), abs=1e-9)


def test_shapley_values_are_means_over_orders():
    d = 4
    f, x, b = rough(d), drawn(d, seed=5), drawn(d, seed=6)
    expected = torch.zeros(d, dtype=torch.float64)
    for order in itertools.permutations(range(d)):
        at = b.clone()
        for i in order:
            before = f(at[None])[0]
            at[i] = x[i]
            expected[i] += (f(at[None])[0] - before) / math.factorial(d)
    assert torch.allclose(exact_shapley(f, x, b), expected, atol=1e-12)


def test_shapley_values_of_a_linear_score():
    w, x, b = (drawn(14, seed=s) for s in range(3))
    assert torch.allclose(exact_shapley(lambda z: z @ w + 5, x, b), w * (x - b), atol=1e-12)


def test_equal_players_get_the_same_and_a_dummy_nothing():
    def f(z):
        return torch.sin(z[:, 0] + z[:, 1]) * z[:, 2] + z[:, 2] ** 2

    values = exact_shapley(f, torch.tensor([0.7, 0.7, 2.0, 9.0]), torch.zeros(4))
    assert values.dtype == torch.float64
    assert values[0] == pytest.approx(float(values[1]), abs=1e-7)
    assert values[0] != 0
    assert values[3] == 0


@pytest.mark.parametrize(
    ("x", "b", "f", "words"),
    [
        (torch.zeros(15), torch.zeros(15), linear, "from 1 to 14"),
        (torch.zeros(3), torch.zeros(4), linear, r"\(4,\)"),
        (torch.zeros(2, 2), torch.zeros(2, 2), linear, r"must both be \(d,\)"),
        (torch.zeros(3), torch.zeros(3), lambda z: z[:, :1], r"it returned \(8, 1\)"),
    ],
)
def test_shapley_values_that_cannot_be_had(x, b, f, words):
    with pytest.raises(ValueError, match=words):
        exact_shapley(f, x, b)


def test_completeness_error_by_hand():
    maps = torch.tensor([[[1.0, 2.0]], [[1.0, 1.0]], [[1.0, 0.0]], [[0.0, 0.0]]])
    error = completeness_error(maps, torch.tensor([4.0, -2.0, 1.0, 0.0]))
    assert error[:3].tolist() == [0.25, 2.0, 0.0]
    assert error[3].isnan()
    with pytest.raises(ValueError, match="one number for each"):
        completeness_error(maps, torch.zeros(4, 1))


def test_halves():
    halves = random_halves(49, 500, seed=1)
    assert halves.shape == (500, 49)
    assert (halves.sum(1) == 24).all()
    assert (halves.double().mean(0) - 24 / 49).abs().max() < 5 * math.sqrt(0.25 / 500)
    assert torch.equal(halves, random_halves(49, 500, seed=1))
    assert not torch.equal(halves, random_halves(49, 500, seed=2))


def test_drops_by_hand():
    x, b = torch.ones(1, 1, 4, 4, dtype=torch.float64), torch.full((1, 4, 4), 0.5, dtype=torch.float64)
    removed = torch.tensor([[True, False, False, False], [False, True, False, True]])
    rows = WEIGHT[0].sum(1)
    expected = [[float(rows[0]) / 2, float(rows[1] + rows[3]) / 2]]
    assert torch.allclose(score_drops(linear, x, b, CELLS, removed), torch.tensor(expected).double())


def test_many_masks_are_scored_as_few_are():
    x, b = drawn(3, 1, 4, 4), drawn(1, 4, 4, seed=1)
    removed = random_halves(4, 800, seed=0)  # more than is scored at once
    alone = torch.cat([score_drops(linear, x, b, CELLS, removed[i : i + 1]) for i in range(0, 800, 97)], 1)
    assert torch.allclose(score_drops(linear, x, b, CELLS, removed)[:, ::97], alone)


def test_a_linear_score_is_explained_and_zeros_explain_nothing():
    x, b = drawn(5, 1, 4, 4), drawn(1, 4, 4, seed=1)
    removed = random_halves(4, 20, seed=0)
    drops = score_drops(linear, x, b, CELLS, removed)
    exact = WEIGHT * (x - b)
    assert (normalised_infidelity(attributed_drops(exact, CELLS, removed), drops) < 1e-20).all()
    zeros = attributed_drops(torch.zeros_like(x), CELLS, removed)
    assert normalised_infidelity(zeros, drops).tolist() == [1.0] * 5
    twice = attributed_drops(2 * exact, CELLS, removed)  # the wrong scale is wrong
    assert torch.allclose(normalised_infidelity(twice, drops), torch.ones(5).double())


def test_infidelity_of_a_constant_score_is_not_a_number():
    drops = torch.tensor([[0.0, 0.0], [1.0, 3.0]])
    found = normalised_infidelity(torch.tensor([[1.0, 1.0], [2.0, 3.0]]), drops)
    assert found[0].isnan()
    assert found[1] == pytest.approx(0.1)
    for bad in (torch.zeros(2, 3), torch.zeros(2)):
        with pytest.raises(ValueError, match="must both be"):
            normalised_infidelity(bad, drops)


def test_mass_and_pointing_by_hand():
    maps = torch.zeros(4, 1, 4, 4)
    maps[0, 0, 0, 0], maps[0, 0, 3, 3] = -3.0, 1.0  # the size counts
    maps[1, 0, 0, 0], maps[1, 0, 3, 3] = 1.0, 1.0  # a tie
    maps[2, 0, 1, 1] = 1.0
    inside = CELLS == 0
    assert relevance_mass(maps, inside)[:3].tolist() == [0.75, 0.5, 0.0]
    assert relevance_mass(maps, inside)[3].isnan()
    assert pointing_game(maps, inside).tolist() == [1.0, 0.5, 0.0, 0.25]


@pytest.mark.parametrize("metric", [relevance_mass, pointing_game])
def test_a_mask_that_does_not_fit(metric):
    for inside in (CELLS[0] == 0, CELLS):
        with pytest.raises(ValueError, match="bool of the shape of one map"):
            metric(torch.ones(2, 1, 4, 4), inside)
