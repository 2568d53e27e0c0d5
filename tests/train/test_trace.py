"""The trace of training: it changes nothing, and says what it says."""

import math

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.models.mlp import MLP
from genbench.models.ns_gan import NSGAN
from genbench.models.vae import VAE
from genbench.train.settings import Settings
from genbench.train.state import initial_state, lane_tensors
from genbench.train.trace import LATENTS, Tracer, networks_of_sampler, spacing
from genbench.train.trainer import train

IMAGES = DataInfo("small", (1, 4, 4))
MODEL = NSGAN(latent=3, generator=MLP(hidden=(8,), batch_norm=True), discriminator=MLP(hidden=(8,)))
SEEDS = (4, 9)


def trained(trace_every=0, steps=160, **more):
    examples = torch.randint(0, 256, (64, 1, 4, 4), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    settings = Settings(
        steps=steps,
        batch_size=8,
        device=torch.device("cpu"),
        compile="never",
        trace_every=trace_every,
        **more,
    )
    tracer = Tracer(MODEL, IMAGES, SEEDS, steps, trace_every)
    snapshots = []

    def on_trace(training):
        tracer(training.state)
        snapshots.append(lane_tensors(training.state, 1)["G"]["0.weight"].clone())

    return train(MODEL, IMAGES, examples, SEEDS, settings, on_trace=on_trace), tracer, snapshots


@pytest.mark.run
def test_a_traced_training_is_the_same_to_the_bit():
    plain, traced = trained()[0], trained(trace_every=32)[0]
    for net, tensors in plain.state.params.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, traced.state.params[net][name])
    assert plain.curves == traced.curves
    assert plain.peak_memory is None or traced.peak_memory is not None


@pytest.mark.run
def test_snapshots_begin_before_the_first_step_and_come_at_equal_distances():
    training, tracer, _ = trained(trace_every=32)
    assert tracer.steps == [0, 32, 64, 96, 128, 160]
    assert tracer.samples(0).shape == (6, LATENTS, 1, 4, 4)
    assert tracer.samples(0).dtype == torch.uint8
    assert not torch.equal(tracer.samples(0)[0], tracer.samples(0)[-1])
    assert not torch.equal(tracer.samples(0), tracer.samples(1))
    norms = {player: torch.cat(parts) for player, parts in training.gradient_norms.items()}
    assert {player: tuple(log.shape) for player, log in norms.items()} == {
        "discriminator": (160, 2),
        "generator": (160, 2),
    }


def test_distances_are_those_of_the_generator_alone():
    _, tracer, _ = trained(trace_every=32)
    again, _, _ = trained()
    assert tracer.moved(1)[0] == 0
    assert (tracer.moved(1)[1:] > 0).all()
    # from the middle on: a path is never shorter than the straight line
    assert tracer.middle == 3
    late = float(tracer.moved(1)[tracer.middle + 1 :].sum())
    assert 0 < tracer.displaced(1) <= late + 1e-9
    # one more snapshot of the same state moves nothing
    before = tracer.displaced(1)
    tracer(again.state)
    assert float(tracer.moved(1)[-1]) == pytest.approx(0, abs=1e-7)
    assert tracer.displaced(1) == pytest.approx(before)


def test_what_is_moved_by_hand_is_measured():
    training, _, _ = trained(steps=32)
    tracer = Tracer(MODEL, IMAGES, SEEDS, 64, 32)
    assert tracer.middle == 1
    for shift in (0.0, 3.0, 4.0):
        training.state.params["G"]["0.weight"][1, 0, 0] += shift
        training.state.params["D"]["1.weight"] += 100  # the judge does not count
        tracer(training.state)
    assert tracer.moved(1).tolist() == pytest.approx([0, 3, 4], rel=1e-5)
    assert tracer.moved(0).tolist() == [0, 0, 0]
    assert tracer.displaced(1) == pytest.approx(4, rel=1e-5)


def test_the_sampler_of_a_vae_is_its_decoder():
    for model, network in ((VAE(), "decoder"), (MODEL, "G")):
        state = initial_state(model, IMAGES, SEEDS, device=torch.device("cpu"))
        assert networks_of_sampler(model, IMAGES, state) == (network,)


@pytest.mark.parametrize("steps", [1, 64, 1280, 1281, 6000, 100_000])
def test_spacing_divides_no_block_and_gives_twenty_to_thirty(steps):
    every = spacing(steps)
    assert every % 32 == 0
    assert steps // every <= 30
    assert steps < 1280 or steps // every >= 20
    assert every >= math.ceil(steps / 30)
