"""A lane's game: its gradients are those of training examples, its gap is valued on test examples."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.data.dataset import Dataset
from genbench.models.gan import GAN
from genbench.models.tanh_mlp import TanhMLP
from genbench.runner.game import lane_game
from genbench.train.state import initial_state

RANDOM = np.random.default_rng(0)
NONE = np.array([], dtype=np.int64)
MODEL = GAN(latent=2, generator=TanhMLP(hidden=(3,)), discriminator=TanhMLP(hidden=(3,)))
DATA = Dataset(
    DataInfo("plane", (2,)),
    RANDOM.normal(-2, 1, (40, 2)).astype(np.float32),
    NONE,
    RANDOM.normal(2, 1, (21, 2)).astype(np.float32),
    NONE,
    "here",
)
ONE = np.array([[1], [0]], dtype=np.float32)
OTHER = RANDOM.normal(0, 3, (40, 2)).astype(np.float32)


def game(dataset=DATA, seed=3):
    state = initial_state(MODEL, dataset.info, [3], device=torch.device("cpu"))
    params = {net: {n: t[0] for n, t in tensors.items()} for net, tensors in state.params.items()}
    return lane_game(MODEL, dataset, params, {net: {} for net in params}, seed)


def numbers(found):
    """Its gradient, and the value of the game to adversaries and to whoever judges them."""
    of = found.saddle
    return found.field(found.w), of.train(of.u, of.v), of.held_out(of.u, of.v)


def same(one, other):
    return [torch.equal(a, b) for a, b in zip(one, other, strict=True)]


def test_each_number_is_of_its_own_split():
    found = numbers(game())
    assert same(found, numbers(game())) == [True, True, True]
    assert same(found, numbers(game(replace(DATA, test_examples=OTHER[:21])))) == [True, False, False]
    assert same(found, numbers(game(replace(DATA, train_examples=OTHER)))) == [False, True, True]
    assert same(found, numbers(game(seed=4))) == [False, False, False]


@pytest.mark.parametrize(("count", "n"), [(40, 40), (300, 256)])
def test_no_more_examples_than_a_batch_are_looked_at(count, n):
    many = RANDOM.normal(size=(count, 2)).astype(np.float32)
    found = game(replace(DATA, train_examples=many, test_examples=np.tile(many, (2, 1))))
    assert (found.n, found.saddle.n) == (n, n)


def test_adversaries_learn_from_one_half_and_are_valued_on_the_other():
    """Of two test examples each half has one: each of them moves one value and not the other."""
    pair = np.array([[-1.0, 0.5], [1.0, 0.0]], dtype=np.float32)
    found = [
        same(
            numbers(game(replace(DATA, test_examples=pair))),
            numbers(game(replace(DATA, test_examples=moved))),
        )
        for moved in (pair + ONE, pair + ONE[::-1])
    ]
    assert sorted(kept[1:] for kept in found) == [[False, True], [True, False]]
