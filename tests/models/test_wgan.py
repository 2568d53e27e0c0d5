import torch
from torch import nn

from genbench.train.optimizers import corrections
from genbench.train.state import initial_state, skeletons
from genbench.train.update import stacked_update


def largest(tensors):
    return max(t.abs().max().item() for t in tensors.values())


def test_the_critic_is_unbounded(small, tiny, lane_nets):
    model = small("wgan")
    assert isinstance(list(model.networks(tiny)["D"].modules())[-1], nn.Linear)
    state = initial_state(model, tiny, [1], device=torch.device("cpu"))
    nets, params = lane_nets(model, state)
    x = torch.randn(4, *tiny.shape)
    for sign in (-1, 1):
        far = {"D": {name: 100 * sign * p for name, p in params["D"].items()}}
        assert nets(far).D(x).abs().max() > 1e3
    shifted = {name: p + (1e4 if p.shape == (1,) else 0) for name, p in params["D"].items()}
    assert (nets({"D": shifted}).D(x) > 9e3).all()


def test_values_of_constant_critics(small, tiny, lane_nets):
    from genbench.models.protocol import Batch

    model = small("wgan")
    nets, params = lane_nets(model, initial_state(model, tiny, [1], device=torch.device("cpu")))
    constant = {
        name: torch.full_like(p, 3.0) if p.shape == (1,) else torch.zeros_like(p)
        for name, p in params["D"].items()
    }
    batch = Batch(torch.randn(4, *tiny.shape), {"z": torch.randn(4, *model.prior(tiny).shape)})
    critic, generator = model.players
    assert critic.loss(nets({"D": constant}), batch)[0].item() == 0
    assert generator.loss(nets({"D": constant}), batch)[0].item() == -3


def test_every_update_clips_the_critic_and_leaves_the_generator_alone(small, tiny, pictures):
    model = small("wgan", clip=0.02)
    state = initial_state(model, tiny, [1, 2], device=torch.device("cpu"))
    assert largest(state.params["D"]) > 0.02
    before = {name: tensor.clone() for name, tensor in state.params["G"].items()}
    critic = model.players[0]
    update = stacked_update(skeletons(model, tiny), critic, None)
    for number in range(3):
        index = torch.arange(8).add(number).expand(2, 8)
        noise = {"z": torch.randn(2, 8, *model.prior(tiny).shape)}
        corrected = corrections(critic.optimizer, torch.tensor(1), torch.float32)
        update(state.params, {}, state.buffers, state.slots["critic"], corrected, pictures, index, noise)
        for name, tensor in state.params["D"].items():
            assert tensor.abs().max() <= torch.tensor(0.02), name
            assert (tensor != 0).any(), name
    assert all(torch.equal(before[name], tensor) for name, tensor in state.params["G"].items())


def test_critic_steps(small, fit, updates_made):
    fit(small("wgan", critic_steps=3), 2)
    assert updates_made == {"critic": 6, "generator": 2}
