"""Samples and bounds of trained lanes, against those of one lane and one chunk after the other."""

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import Batch
from genbench.train import sampling
from genbench.train.sampling import CHUNK, as_stored, elbo, log_weights, sample_lanes
from genbench.train.state import initial_state
from genbench.train.streams import draw
from genbench.train.update import as_seen

CPU, F64 = torch.device("cpu"), torch.float64


@pytest.fixture
def started(small, tiny, lane_nets):
    """A model with statistics unlike those of a batch, its lanes, and each lane's networks."""

    def make(name):
        model = small(name, batch_norm=True)
        state = initial_state(model, tiny, (1, 2, 3), device=CPU, dtype=F64)
        for tensors in state.buffers.values():
            for key, tensor in tensors.items():
                tensor.fill_(0.3 if key.endswith("mean") else 2.0)
        return model, state, [lane_nets(model, state, lane, training=False)[0]() for lane in range(3)]

    return make


@pytest.mark.parametrize("seeds", [(5, 5, 9), (9, "real", 5)])
def test_a_sample_is_what_its_lane_makes_of_its_seeds_latent(started, tiny, seeds):
    model, state, nets = started("gan")
    drawn = sample_lanes(model, tiny, state, seeds, CHUNK + 3, device=CPU)
    for lane, seed in enumerate(seeds):
        chunks = [draw(model.prior(tiny), CHUNK, seed, "sample", n, device=CPU, dtype=F64) for n in (0, 1)]
        made = torch.cat([model.sample(nets[lane], z) for z in chunks])
        assert torch.equal(drawn.samples[lane], as_stored(made, tiny)[: CHUNK + 3])
    assert drawn.samples.double().std() > 1
    assert drawn.finite == [True] * 3


def test_the_first_samples_do_not_depend_on_how_many_are_asked_for(started, tiny):
    model, state, _ = started("vae")
    few, many = (sample_lanes(model, tiny, state, (1, 2, 3), count, device=CPU).samples for count in (4, 25))
    assert torch.equal(many[:, :4], few)


def test_every_chunk_is_timed_with_the_samples_of_all_lanes(started, tiny, monkeypatch):
    model, state, _ = started("gan")
    clock = iter([0.0, 1.0, 10.0, 12.5])
    monkeypatch.setattr(sampling, "now", lambda device: next(clock))
    times = sample_lanes(model, tiny, state, (1, 2, 3), CHUNK + 3, device=CPU).times
    assert times == [(3 * CHUNK, 1.0), (3 * 3, 2.5)]


def test_a_lane_that_gives_no_numbers_is_told_apart(started, tiny):
    """Its images would be black, and a black image has a score."""
    model, state, _ = started("gan")
    weight = next(iter(state.params["G"].values()))
    weight[1] = torch.nan
    drawn = sample_lanes(model, tiny, state, (1, 2, 3), 7, device=CPU)
    assert drawn.finite == [True, False, True]
    assert drawn.samples.shape == (3, 7, *tiny.shape)
    assert drawn.samples.dtype == torch.uint8


def test_bounds_are_those_of_one_lane_with_noise_of_their_own_seed(started, tiny):
    model, state, nets = started("vae")
    pictures = torch.randint(0, 256, (CHUNK + 4, *tiny.shape), dtype=torch.uint8)
    x = as_seen(pictures, F64)
    parts = ((0, x[:CHUNK]), (1, x[CHUNK:]))
    (noise,) = model.posterior_noise.values()

    def batch(part, number, *purpose):
        epsilon = draw(noise, len(part), 7, *purpose, "epsilon", number, device=CPU, dtype=F64)
        return Batch(part, {"epsilon": epsilon})

    bounds = torch.cat([model.elbo(nets[1], batch(part, n, "bound")) for n, part in parts])
    assert torch.equal(elbo(model, tiny, state, 1, 7, pictures), bounds)
    weights = torch.stack(
        [
            torch.cat([model.log_weight(nets[2], batch(part, n, "weight", k)) for n, part in parts])
            for k in (0, 1, 2)
        ]
    )
    assert torch.equal(log_weights(model, tiny, state, 2, 7, pictures, 3), weights)


def test_a_model_without_a_bound_says_so(started, tiny, pictures):
    model, state, _ = started("gan")
    with pytest.raises(TypeError, match="GAN does not bound the likelihood"):
        elbo(model, tiny, state, 0, 1, pictures)
    with pytest.raises(TypeError, match="GAN does not bound the likelihood"):
        log_weights(model, tiny, state, 0, 1, pictures, 2)


def test_grey_levels_are_seen_from_minus_one_to_one_and_stored_as_they_were(tiny):
    levels = torch.arange(256, dtype=torch.uint8)
    seen = as_seen(levels, F64)
    assert seen[[0, 51, 255]].tolist() == pytest.approx([-1, -0.6, 1], abs=1e-15)
    assert torch.equal(as_stored(seen, tiny), levels)
    assert as_stored(torch.tensor([-1.2, 1.2, 0.1, torch.nan]), tiny).tolist() == [0, 255, 140, 128]


def test_points_are_seen_and_stored_as_they_are():
    points = torch.tensor([[300.0, -0.25]])
    assert torch.equal(as_seen(points, F64), points.double())
    stored = as_stored(points.double(), DataInfo("plane", (2,)))
    assert torch.equal(stored, points) and stored.dtype == torch.float32
