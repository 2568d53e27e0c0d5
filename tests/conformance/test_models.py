"""What every registered model must do, whoever wrote it. Networks are narrow; nothing else is changed."""

import warnings
from functools import partial

import pytest
import torch
from torch.func import grad

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchWarning
from genbench.core.registry import models
from genbench.models.normalization import BatchNorm
from genbench.models.protocol import Batch, Bounded
from genbench.train import program
from genbench.train.checkpoint import Header, load, save_lane
from genbench.train.device import compiler_missing
from genbench.train.sampling import CHUNK, elbo, sample_lanes, sampler
from genbench.train.standing import fill_standing_statistics
from genbench.train.state import initial_state, skeletons
from genbench.train.streams import BLOCK, draw

CPU = torch.device("cpu")
SEEDS = (1, 2, 3)
START, END = BLOCK - 6, BLOCK + 6
"""Twelve steps whose inputs are drawn in two blocks."""

BUILT = [
    *((name, "mlp") for name in models.names()),
    ("gan", "tanh_mlp"),
    *(
        (n, "conv") if n == "gan" else pytest.param((n, "conv"), marks=pytest.mark.slow)
        for n in models.names()
    ),
]
"""Every model on every backbone."""


@pytest.fixture(params=BUILT, ids="-".join)
def built(request):
    return request.param


@pytest.fixture
def name(built):
    return built[0]


@pytest.fixture
def model(small, built):
    return small(built[0], backbone=built[1])


@pytest.fixture
def trained(model, fit):
    """A few steps of three lanes, in float64."""
    return fit(model, END, SEEDS, start=START).state


@pytest.fixture
def ready(trained, built, model, tiny, pictures):
    """Trained, with standing statistics: what a sampler gets."""
    if built[1] == "conv":  # of so few channels with so small initial weights nothing but grey would come
        for tensors in trained.params.values():
            for name, tensor in tensors.items():
                tensor.mul_(20 if name.endswith("weight") and tensor.ndim > 2 else 1)
    fill_standing_statistics(model, tiny, trained, SEEDS, pictures, 8)
    return trained


def latents(model, data, count, lanes=3):
    return torch.stack(
        [draw(model.prior(data), count, k, device=CPU, dtype=torch.float64) for k in range(lanes)]
    )


def same(flat, state, other):
    assert flat(state).keys() == flat(other).keys()
    for key, tensor in flat(state).items():
        assert torch.equal(tensor, flat(other)[key]), key


def near(flat, state, other, tolerance=1e-9):
    assert flat(state).keys() == flat(other).keys()
    for key, tensor in flat(state).items():
        torch.testing.assert_close(flat(other)[key], tensor, rtol=tolerance, atol=tolerance, msg=key)


def test_declarations(name, model, tiny):
    assert model.version
    networks = model.networks(tiny)
    trained = [net for player in model.players for net in player.trains]
    assert set(trained) <= set(networks)
    assert len({player.name for player in model.players}) == len(model.players)
    assert all(player.repeats >= 1 for player in model.players)
    assert any(player.uses_data for player in model.players)
    assert type(model).__doc__


@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 8, 8)])
def test_samples_have_the_shape_of_the_data_and_lie_in_range(name, shape, lane_nets, model):
    from genbench.models.protocol import Nets

    data = DataInfo("any", shape)
    state = initial_state(model, data, [1], device=CPU, dtype=torch.float64)
    modules = {net: module.eval() for net, module in skeletons(model, data).items()}
    for scale in (1, 30):
        tensors = {
            net: {
                **{n: scale * t[0] for n, t in state.params[net].items()},
                **{n: t[0] for n, t in state.buffers[net].items()},
            }
            for net in modules
        }
        x = model.sample(Nets(modules, tensors), latents(model, data, 7, 1)[0])
        assert x.shape == (7, *shape)
        assert x.min() >= -1
        assert x.max() <= 1
        assert x.std() > 0
    assert x.abs().max() > 0.9  # both ends can be reached: black and white are -1 and 1


def test_gradient_reaches_every_trained_parameter(model, tiny, pictures, lane_nets):
    state = initial_state(model, tiny, [1], device=CPU, dtype=torch.float64)
    nets, params = lane_nets(model, state)
    x = pictures[:8].double() / 127.5 - 1
    for player in model.players:
        noise = {n: draw(d, 8, n, device=CPU, dtype=torch.float64) for n, d in player.noise.items()}
        gradients = grad(lambda p, player=player, noise=noise: player.loss(nets(p), Batch(x, noise))[0])(
            {net: params[net] for net in player.trains}
        )
        for net, tensors in gradients.items():
            for key, gradient in tensors.items():
                assert gradient.isfinite().all(), (player.name, net, key)
                # the last bias of a critic adds the same to both of its expectations
                critic_bias = player.name == "critic" and gradient.shape == (1,)
                assert gradient.abs().max() > 0 or critic_bias, (player.name, net, key)


def test_a_player_changes_its_own_networks_only(model, tiny, pictures):
    from genbench.train.program import inputs_of
    from genbench.train.settings import Settings
    from genbench.train.update import stacked_update

    settings = Settings(steps=1, batch_size=8, device=CPU)
    for player in model.players:
        state, fresh = (initial_state(model, tiny, SEEDS, device=CPU) for _ in range(2))
        order, noise, corrected = inputs_of(player, SEEDS, 0, pictures, settings)
        stacked_update(skeletons(model, tiny), player, None)(
            state.params,
            {},
            state.buffers,
            state.slots[player.name],
            {key: c[0, 0] for key, c in corrected.items()},
            pictures,
            order[0, 0],
            {key: n[0, 0] for key, n in noise.items()},
        )
        for net, tensors in state.params.items():
            changed = any(not torch.equal(t, fresh.params[net][key]) for key, t in tensors.items())
            assert changed == (net in player.trains)


def test_deterministic(model, fit, flat, trained):
    torch.manual_seed(99)  # nothing may depend on torch's own generator
    same(flat, trained, fit(model, END, SEEDS, start=START).state)


def test_seeds_differ(model, tiny, trained):
    fresh = initial_state(model, tiny, SEEDS, device=CPU)
    for tensors in (*fresh.params.values(), *trained.params.values()):
        weights = max(tensors.values(), key=torch.numel)
        assert not torch.allclose(weights[0], weights[1], atol=1e-3)


def test_a_lane_is_the_lone_run_of_its_seed(model, fit, flat, trained):
    for lane, seed in enumerate(SEEDS):
        alone = fit(model, END, [seed], start=START).state
        for key, tensor in flat(alone).items():
            together = flat(trained)[key][lane : lane + 1]
            torch.testing.assert_close(together, tensor, rtol=1e-9, atol=1e-9, msg=key)


def test_every_trained_tensor_moves(model, tiny, trained):
    fresh = initial_state(model, tiny, SEEDS, device=CPU, dtype=torch.float64)
    for player in model.players:
        for net in player.trains:
            for key, tensor in trained.params[net].items():
                critic_bias = player.name == "critic" and tensor.shape[1:] == (1,)
                assert critic_bias or not torch.equal(tensor, fresh.params[net][key]), (net, key)


def header_of(state, seed):
    return Header(
        model="any",
        label="any",
        options={},
        data=DataInfo("tiny", (1, 12, 12)),
        seed=seed,
        step=state.step,
        precision="float32",
        trial="t",
        code="c",
    )


def through_files(state, folder):
    paths = [folder / f"{seed}.safetensors" for seed in SEEDS]
    for lane, (path, seed) in enumerate(zip(paths, SEEDS, strict=True)):
        save_lane(path, header_of(state, seed), state, lane)
    return load(paths, device=CPU)[1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_saved_loaded_and_continued_is_straight_on(model, fit, flat, tmp_path, dtype):
    straight = fit(model, END, SEEDS, start=START, master=dtype).state
    middle = START + 3  # of a block
    restored = through_files(fit(model, middle, SEEDS, start=START, master=dtype).state, tmp_path)
    assert restored.step == middle
    same(flat, straight, fit(model, END, SEEDS, state=restored, master=dtype).state)


def test_saving_on_the_way_changes_nothing(model, fit, flat, trained, tmp_path):
    saved = []
    every = fit(
        model,
        END,
        SEEDS,
        start=START,
        save_every=5,
        on_save=lambda training: saved.append(through_files(training.state, tmp_path)),
    ).state
    same(flat, trained, every)
    assert [state.step for state in saved] == [30, 35, 38]


def test_every_batch_norm_is_filled_before_sampling(small, built, tiny, pictures):
    model = small(built[0], batch_norm=True, backbone=built[1])
    state = initial_state(model, tiny, SEEDS, device=CPU, dtype=torch.float64)
    modules = skeletons(model, tiny)
    fill_standing_statistics(model, tiny, state, SEEDS, pictures, 8)
    layers = [
        (net, path)
        for net, module in modules.items()
        for path, layer in module.named_modules()
        if isinstance(layer, BatchNorm)
    ]
    for net, path in layers:
        mean, var = (state.buffers[net][f"{path}.standing_{what}"] for what in ("mean", "var"))
        assert mean.isfinite().all()
        assert (mean.abs().amax(1) > 1e-6).all(), (net, path)
        assert (var >= 0).all()
        assert ((var - 1).abs().amax(1) > 1e-3).all(), (net, path)
        assert not torch.equal(var[0], var[1])


def test_samples_after_loading_are_those_before(model, tiny, ready, tmp_path):
    restored = through_files(ready, tmp_path)
    before, after = (
        sample_lanes(model, tiny, state, SEEDS, 20, device=CPU)[0] for state in (ready, restored)
    )
    assert torch.equal(before, after)
    assert before.shape == (3, 20, *tiny.shape)
    assert before.dtype == torch.uint8
    assert before.double().std() > 1


def test_a_sample_does_not_depend_on_its_batch_mates(model, tiny, ready, lane_nets):
    z = latents(model, tiny, 9)
    for lane in range(3):
        nets, _ = lane_nets(model, ready, lane, training=False)
        together = model.sample(nets(), z[lane])
        for k in (0, 8):
            alone = model.sample(nets(), z[lane, k : k + 1])
            torch.testing.assert_close(together[k : k + 1], alone, rtol=1e-9, atol=1e-12)
        shifted = model.sample(nets(), z[lane] + torch.eye(9)[:, :1].double())  # the first one moves
        assert not torch.allclose(shifted[0], together[0], rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(shifted[1:], together[1:], rtol=1e-9, atol=1e-12)


def test_the_sampler_does_not_mix_samples_or_lanes(model, tiny, ready):
    generate = sampler(model, tiny, ready)
    z = latents(model, tiny, 9)
    images, finite = generate(z)
    assert finite.tolist() == [True] * len(SEEDS)
    assert torch.equal(generate(z[:, :4])[0], images[:, :4])
    assert torch.equal(generate(z[:, [8]])[0], images[:, [8]])
    assert not torch.equal(images[0], images[1])


def test_the_first_samples_do_not_depend_on_how_many_are_asked_for(model, tiny, ready):
    grids = {
        count: sample_lanes(model, tiny, ready, SEEDS, count, device=CPU)[0] for count in (4, 25, CHUNK + 3)
    }
    assert [grid.shape[1] for grid in grids.values()] == [4, 25, CHUNK + 3]
    assert torch.equal(grids[25][:, :4], grids[4])
    assert torch.equal(grids[CHUNK + 3][:, :25], grids[25])
    assert not torch.equal(grids[CHUNK + 3][:, CHUNK:], grids[4][:, :3])


def test_equal_seeds_sample_from_equal_latents(model, tiny, ready):
    by_lane = sample_lanes(model, tiny, ready, (1, 1, 2), 5, device=CPU)[0]
    other = sample_lanes(model, tiny, ready, (2, 1, 1), 5, device=CPU)[0]
    assert torch.equal(by_lane[1], other[1])
    assert not torch.equal(by_lane[0], other[0])


def test_bounds_are_of_each_image_alone(model, tiny, pictures, ready):
    if not isinstance(model, Bounded):
        with pytest.raises(TypeError, match="does not bound"):
            elbo(model, tiny, ready, 0, 1, pictures)
        return
    bounds = elbo(model, tiny, ready, 1, 1, pictures)
    assert bounds.shape == (len(pictures),)
    assert bounds.isfinite().all()
    assert (bounds < 0).all()  # the likelihood of a pixel is at most one
    changed = pictures.clone()
    changed[0] = 255 - changed[0]
    torch.testing.assert_close(elbo(model, tiny, ready, 1, 1, changed)[1:], bounds[1:], rtol=1e-9, atol=0)
    assert not torch.allclose(elbo(model, tiny, ready, 0, 1, pictures), bounds, rtol=1e-4)


def quietly(fit, *arguments, **settings):
    """Train with warnings of genbench as errors: a compiler that fails is only warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", GenbenchWarning)
        return fit(*arguments, **settings)


@pytest.mark.slow
def test_no_graph_breaks(model, fit, flat, trained, monkeypatch):
    """Captured whole by torch.compile, and run as captured: this needs no C++ compiler."""
    compiles, real = [], torch.compile

    def capture(update, **options):
        compiles.append(options)
        return real(update, **{**options, "backend": "eager"})

    program.forget_programs()
    monkeypatch.setattr(program, "compiler_missing", lambda device: "")
    monkeypatch.setattr(torch, "compile", capture)
    training = quietly(fit, model, END, SEEDS, start=START, compile="always")
    assert training.program.compiled
    assert [options["fullgraph"] for options in compiles] == [True] * len(model.players)
    near(flat, trained, training.state)


@pytest.mark.slow
@pytest.mark.skipif(bool(compiler_missing(CPU)), reason="no compiler here")
@pytest.mark.parametrize("built", [(n, b) for b in ("mlp", "conv") for n in models.names()], ids="-".join)
def test_compiled_is_eager(small, fit, flat, built):
    program.forget_programs()
    run = partial(quietly, fit, small(built[0], backbone=built[1]), END, SEEDS, start=START)
    compiled, eager = run(compile="always"), run()
    assert compiled.program.compiled
    assert not eager.program.compiled
    near(flat, eager.state, compiled.state)
    for (_, logs), (_, expected) in zip(compiled.curves, eager.curves, strict=True):
        for key, values in expected.items():
            assert logs[key] == pytest.approx(values, rel=1e-9, abs=1e-9), key


@pytest.mark.slow
@pytest.mark.skipif(bool(compiler_missing(CPU)), reason="no compiler here")
@pytest.mark.parametrize("name", models.names())
def test_compiled_bfloat16_is_close_to_eager_bfloat16(small, fit, name):
    program.forget_programs()
    run = partial(
        quietly, fit, small(name), END, SEEDS, start=START, master=torch.float32, compute=torch.bfloat16
    )
    compiled, eager = run(compile="always"), run()
    assert compiled.program.compiled
    assert compiled.diverged == [None] * 3
    for (_, logs), (_, expected) in zip(compiled.curves, eager.curves, strict=True):
        for key, values in expected.items():
            assert logs[key] == pytest.approx(values, rel=0.05, abs=0.05), key
