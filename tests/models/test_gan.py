"""The minimax and the non-saturating GAN, seen through their own players."""

import math

import pytest
import torch
from torch.func import grad_and_value

from genbench.models.protocol import Batch
from genbench.train.state import initial_state


@pytest.fixture(params=["gan", "ns_gan"])
def name(request):
    return request.param


@pytest.fixture
def game(small, tiny, lane_nets):
    """Loss and gradient of one player of a model whose D gives every image about the same logit."""

    def play(name, player, logit, spread):
        model = small(name)
        state = initial_state(model, tiny, [1], device=torch.device("cpu"), dtype=torch.float64)
        last = max(key for key in state.params["D"] if key.endswith("weight"))
        state.params["D"][last] *= spread
        state.params["D"][last.replace("weight", "bias")].fill_(logit)
        nets, params = lane_nets(model, state)
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(8, *tiny.shape, dtype=torch.float64, generator=generator) * 2 - 1
        z = torch.randn(8, *model.prior(tiny).shape, dtype=torch.float64, generator=generator)
        (chosen,) = (p for p in model.players if p.name == player)
        trained = {net: params[net] for net in chosen.trains}
        gradients, value = grad_and_value(lambda t: chosen.loss(nets(t), Batch(x, {"z": z}))[0])(trained)
        norm = math.sqrt(sum(g.square().sum().item() for net in gradients.values() for g in net.values()))
        return value.item(), norm

    return play


def test_values_where_d_cannot_tell(game, name):
    assert game(name, "discriminator", 0, spread=0)[0] == pytest.approx(2 * math.log(2))
    expected = {"gan": -math.log(2), "ns_gan": math.log(2)}[name]
    assert game(name, "generator", 0, spread=0)[0] == pytest.approx(expected)


def test_the_generators_gradient_vanishes_in_gan_and_not_in_ns_gan(game):
    level = {name: game(name, "generator", 0, spread=1)[1] for name in ("gan", "ns_gan")}
    rejected = {name: game(name, "generator", -30, spread=1)[1] for name in ("gan", "ns_gan")}
    assert rejected["gan"] < 1e-10 * level["gan"]
    assert rejected["ns_gan"] > level["ns_gan"]  # from 1/2 to 1 times the slope of the logit


def test_the_generators_gradients_agree_where_d_cannot_tell(game):
    """Both have slope -1/2 there, so a difference would be another factor or sign."""
    minimax, non_saturating = (game(name, "generator", 0, spread=1e-6)[1] for name in ("gan", "ns_gan"))
    assert minimax == pytest.approx(non_saturating, rel=1e-4)


def test_logs_are_probabilities(small, fit, name):
    ticks = fit(small(name), 4).curves
    logs = ticks[-1][1]
    for key in ("discriminator.D(x)", "discriminator.D(G(z))"):
        assert all(0 < value < 1 for value in logs[key])


def test_discriminator_steps(small, fit, updates_made, name):
    fit(small(name, discriminator_steps=3), 4)
    assert updates_made == {"discriminator": 12, "generator": 4}


def test_players_train_their_own_networks_with_their_own_optimizers(small, name):
    from genbench.models.optim import SGD

    model = small(name, generator_optimizer=SGD(lr=0.5))
    judge, generator = model.players
    assert (judge.trains, generator.trains) == (("D",), ("G",))
    assert generator.optimizer == SGD(lr=0.5)
    assert judge.optimizer == model.discriminator_optimizer != generator.optimizer
    assert judge.uses_data
    assert not generator.uses_data
