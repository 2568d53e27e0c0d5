import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.models.mlp import MLP
from genbench.train.standing import BATCHES, fill_standing_statistics
from genbench.train.state import initial_state

BATCH = 64
CPU = torch.device("cpu")


@pytest.fixture
def filled(small, tiny, pictures):
    def fill(model, data=tiny, images=pictures, seeds=(1, 2), change=lambda _: None):
        state = initial_state(model, data, seeds, device=CPU, dtype=torch.float64)
        change(state)
        fill_standing_statistics(model, data, state, seeds, images, BATCH)
        return state

    return fill


def test_statistics_of_a_known_distribution(small, filled):
    """z ~ N(0, I) through W has mean 0 and variance |w|^2 of each row; a batch's variance is biased."""
    model = small("gan", latent=9, generator=MLP(hidden=(16,), batch_norm=True))
    state = filled(model)
    (weight,) = (t for t in state.params["G"].values() if t.shape[1:] == (16, 9))
    variance = weight.square().sum(2)
    mean, var = (
        next(t for name, t in state.buffers["G"].items() if name.endswith(end))
        for end in ("standing_mean", "standing_var")
    )
    n = BATCHES * BATCH
    assert ((mean / variance.sqrt()).abs() < 5 / n**0.5).all()
    expected = variance * (1 - 1 / BATCH)
    assert ((var / expected - 1).abs() < 5 * (2 / n) ** 0.5).all()
    assert not torch.equal(mean[0], mean[1])


def test_statistics_of_known_images(small, filled):
    """An encoder meets training images: here two, seen equally often, so mean and variance are known."""
    data = DataInfo("two", (1, 2, 2))
    images = torch.tensor([[0, 0, 0, 255], [255, 0, 255, 255]], dtype=torch.uint8).view(2, 1, 2, 2)
    model = small("vae", encoder=MLP(hidden=(6,), batch_norm=True))
    state = filled(model, data, images)
    (weight,) = (t for t in state.params["encoder"].values() if t.shape[1:] == (6, 4))
    x = images.double().flatten(1) / 127.5 - 1
    outputs = torch.einsum("khi,ni->knh", weight, x)
    middle, half = outputs.mean(1), (outputs[:, 0] - outputs[:, 1]).abs() / 2
    mean, var = (
        next(t for name, t in state.buffers["encoder"].items() if name.endswith(end))
        for end in ("standing_mean", "standing_var")
    )
    assert ((mean - middle).abs() <= 0.25 * half).all()
    assert ((var / half.square() - 1).abs() < 0.1).all()


@pytest.mark.parametrize("name", models.names())
def test_every_layer_and_lane_is_filled(small, filled, name):
    state = filled(small(name, batch_norm=True))
    for tensors in state.buffers.values():
        assert tensors
        for key, tensor in tensors.items():
            fresh = 0 if key.endswith("mean") else 1
            assert ((tensor - fresh).abs().amax(1) > 1e-3).all(), key


def test_a_lane_has_the_statistics_it_has_alone(small, tiny, filled):
    model = small("gan", batch_norm=True)
    together, alone = filled(model, seeds=(1, 2)), filled(model, seeds=(2,))
    for net, tensors in together.buffers.items():
        for name, tensor in tensors.items():
            torch.testing.assert_close(tensor[1:], alone.buffers[net][name], rtol=1e-10, atol=1e-12)


def test_only_buffers_change(small, tiny, filled, flat):
    model = small("gan", batch_norm=True)
    fresh = flat(initial_state(model, tiny, (1, 2), device=CPU, dtype=torch.float64))
    for name, tensor in flat(filled(model)).items():
        assert name.startswith("buffers") != torch.equal(tensor, fresh[name]), name


def test_a_decoders_statistics_are_those_of_samples(small, tiny, filled):
    """Not those of the posterior, which in training may lie far from the prior it is sampled from."""

    def far(state):
        last = max(name for name in state.params["encoder"] if name.endswith("bias"))
        state.params["encoder"][last] += 100

    state = filled(small("vae", batch_norm=True), change=far)
    weight = next(t for name, t in state.params["decoder"].items() if name.endswith("weight"))
    mean = next(t for name, t in state.buffers["decoder"].items() if name.endswith("standing_mean"))
    deviation = weight.square().sum(2).sqrt()
    assert ((mean / deviation).abs() < 5 / (BATCHES * BATCH) ** 0.5).all()


@pytest.mark.run
def test_a_judges_statistics_are_those_of_images(small, tiny, filled):
    """Real and generated ones: what it meets in training; the sampler does not pass through it."""
    model = small("gan", batch_norm=True)
    black = torch.zeros(5, *tiny.shape, dtype=torch.uint8)
    random, dark = filled(model), filled(model, images=black)
    for name in random.buffers["D"]:
        assert not torch.equal(random.buffers["D"][name], dark.buffers["D"][name])
    for name, tensor in random.buffers["G"].items():
        assert torch.equal(tensor, dark.buffers["G"][name])


def test_buffers_that_are_no_statistics_are_left_alone_and_used(small, tiny, pictures, filled):
    """A network may have buffers of its own; the passes that gather statistics need them."""
    inner = small("gan", generator=MLP(hidden=(8,), batch_norm=True))

    class WithBuffer:
        prior, players, sample = inner.prior, inner.players, staticmethod(inner.sample)

        def networks(self, data):
            nets = dict(inner.networks(data))
            nets["G"] = torch.nn.Sequential(Scaled(), *nets["G"])
            return nets

    state = filled(WithBuffer())
    assert (state.buffers["G"]["0.factor"] == 2).all()


class Scaled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("factor", torch.tensor(2.0))

    def forward(self, x):
        return x * self.factor
