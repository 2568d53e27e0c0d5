"""The trace of training: it changes nothing, and says what it says."""

import copy
import math
from itertools import pairwise

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from genbench.core.datainfo import DataInfo
from genbench.models.mlp import MLP
from genbench.models.ns_gan import NSGAN
from genbench.models.protocol import Nets
from genbench.models.vae import VAE
from genbench.train.sampling import as_stored
from genbench.train.settings import Settings
from genbench.train.state import initial_state, lane_tensors, skeletons
from genbench.train.streams import draw
from genbench.train.trace import LATENTS, Tracer, networks_of_sampler, spacing
from genbench.train.trainer import train

CPU = torch.device("cpu")
IMAGES = DataInfo("small", (1, 4, 4))
MODEL = NSGAN(latent=3, generator=MLP(hidden=(8,), batch_norm=True), discriminator=MLP(hidden=(8,)))
SEEDS = (4, 9)


@pytest.fixture(scope="module")
def traced():
    """A training, its tracer, and the state at every snapshot. No test changes them."""
    examples = torch.randint(0, 256, (64, 1, 4, 4), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    settings = Settings(steps=96, batch_size=8, device=CPU, compile="never", trace_every=32)
    tracer = Tracer(MODEL, IMAGES, SEEDS, settings.steps, 32)
    snapshots = []

    def on_trace(training):
        tracer(training.state)
        snapshots.append(copy.deepcopy(training.state))

    return train(MODEL, IMAGES, examples, SEEDS, settings, on_trace=on_trace), tracer, snapshots


def test_a_snapshot_changes_nothing(traced):
    _, _, (state, *_) = traced
    before, random = copy.deepcopy(state), torch.get_rng_state()
    Tracer(MODEL, IMAGES, SEEDS, 96, 32)(state)
    assert torch.equal(torch.get_rng_state(), random)
    for was, now in (
        (before.params, state.params),
        (before.buffers, state.buffers),
        (before.slots, state.slots),
    ):
        for owner, tensors in was.items():
            assert all(torch.equal(tensor, now[owner][name]) for name, tensor in tensors.items())


def test_snapshots_begin_before_the_first_step_and_come_at_equal_distances(traced):
    _, tracer, states = traced
    assert tracer.steps == [state.step for state in states] == [0, 32, 64, 96]
    assert tracer.middle == 2
    assert tracer.samples(0).dtype == torch.uint8


def test_samples_are_those_of_the_same_latents_normalized_by_their_batch(traced):
    _, tracer, states = traced
    modules = skeletons(MODEL, IMAGES)
    for lane, seed in enumerate(SEEDS):
        z = draw(MODEL.prior(IMAGES), LATENTS, seed, "trace", device=CPU, dtype=torch.float32)
        made = [as_stored(MODEL.sample(Nets(modules, lane_tensors(s, lane)), z), IMAGES) for s in states]
        off = (tracer.samples(lane).int() - torch.stack(made).int()).abs()
        assert off.max() <= 1 and off.double().mean() < 1e-3  # grey levels between which rounding falls
    assert not torch.equal(tracer.samples(0), tracer.samples(1))


def test_distances_are_those_of_each_lanes_generator(traced):
    _, tracer, states = traced

    def distance(one, other, lane):
        """In all parameters of G, as one vector."""
        w, v = (parameters_to_vector(t[lane] for t in s.params["G"].values()) for s in (one, other))
        return float((w - v).norm())

    for lane in range(len(SEEDS)):
        expected = [distance(later, earlier, lane) for earlier, later in pairwise(states)]
        assert tracer.moved(lane).tolist() == pytest.approx([0, *expected], rel=1e-5)
        assert tracer.displaced(lane) == pytest.approx(distance(states[3], states[2], lane), rel=1e-5)


def test_what_is_moved_by_hand_is_measured():
    state = initial_state(MODEL, IMAGES, SEEDS, device=CPU)
    tracer = Tracer(MODEL, IMAGES, SEEDS, 128, 32)
    assert tracer.middle == 2
    for shift in (0.0, 3.0, 4.0, 5.0, -1.0):
        state.params["G"]["0.weight"][1, 0, 0] += shift
        state.params["D"]["1.weight"] += 100  # the judge does not count
        tracer(state)
    assert tracer.moved(1).tolist() == pytest.approx([0, 3, 4, 5, 1], rel=1e-5)
    assert tracer.moved(0).tolist() == [0] * 5
    assert tracer.displaced(1) == pytest.approx(4, rel=1e-5)


def test_the_sampler_of_a_vae_is_its_decoder():
    for model, network in ((VAE(), "decoder"), (MODEL, "G")):
        state = initial_state(model, IMAGES, SEEDS, device=CPU)
        assert networks_of_sampler(model, IMAGES, state) == (network,)


@pytest.mark.parametrize("steps", [1, 64, 1280, 1281, 6000, 100_000])
def test_spacing_divides_no_block_and_gives_twenty_to_thirty(steps):
    every = spacing(steps)
    assert every % 32 == 0
    assert steps // every <= 30
    assert steps < 1280 or steps // every >= 20
    assert every >= math.ceil(steps / 30)
