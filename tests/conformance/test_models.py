"""What every registered model must do, whoever wrote it. Networks are narrow; nothing else is changed."""

import copy
import warnings
from functools import partial

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchWarning
from genbench.core.registry import models
from genbench.models.normalization import BatchNorm
from genbench.models.protocol import Bounded
from genbench.runner.check.finding import Outcome
from genbench.runner.check.model import CHECKS, COMPILED, examine
from genbench.runner.check.model_declared import built as built_with_defaults
from genbench.runner.check.model_declared import declared
from genbench.runner.check.model_samples import LARGE, scaled_samples
from genbench.runner.check.model_training import goes_on
from genbench.runner.check.subject import Subject
from genbench.train import program
from genbench.train.checkpoint import Header, load, save_lane
from genbench.train.device import compiler_missing
from genbench.train.sampling import CHUNK, elbo, sample_lanes, sampler
from genbench.train.standing import fill_standing_statistics
from genbench.train.state import initial_state, skeletons
from genbench.train.streams import BLOCK, draw

CPU = torch.device("cpu")
SEEDS = (1, 2, 3)
OFFERED = ("judge", "encode", "bound")
"""Checks of what a model need not have."""

START, END = BLOCK - 6, BLOCK + 6
"""Twelve steps whose inputs are drawn in two blocks."""

BUILT = [
    *((name, "mlp") for name in models.names()),
    pytest.param(("gan", "tanh_mlp"), marks=pytest.mark.run),
    *(pytest.param((name, "conv"), marks=pytest.mark.run) for name in models.names()),
]
"""Every model on every backbone."""


@pytest.fixture(scope="module", params=BUILT, ids="-".join)
def built(request):
    return request.param


@pytest.fixture(scope="module")
def subjects(small, built):
    """The model on grey and on coloured pictures, for the checks that `genbench check` makes."""
    model = small(built[0], backbone=built[1])
    return [
        Subject(model, DataInfo("images", (1, 12, 12))),
        Subject(model, DataInfo("colour images", (3, 8, 8))),
    ]


def held(check, subjects):
    """What a check found, told as `genbench check` tells it where it does not hold."""
    (finding,) = examine(subjects, [check])
    assert finding.outcome is not Outcome.FAILED, f"{finding.words}. {finding.remedy}"
    return finding.outcome


@pytest.mark.parametrize("name", models.names())
def test_what_a_model_says_of_itself(name):
    assert declared(models.get(name))
    assert built_with_defaults(name, models.get(name), {})


@pytest.mark.parametrize("check", [c for c in CHECKS if c.name != "captured"], ids=lambda check: check.name)
def test_a_check_holds(check, subjects):
    assert held(check, subjects) is Outcome.PASSED or check.name in OFFERED


@pytest.mark.run
@pytest.mark.parametrize("check", [c for c in CHECKS if c.name == "captured"], ids=lambda check: check.name)
def test_it_is_captured_whole(check, subjects):
    assert held(check, subjects) is Outcome.PASSED


@pytest.mark.run
@pytest.mark.skipif(bool(compiler_missing(CPU)), reason="no compiler here")
@pytest.mark.parametrize(
    "built", [(n, b) for b in ("mlp", "conv") for n in models.names()], ids="-".join, indirect=True
)
def test_compiled_is_eager(subjects):
    assert held(COMPILED, subjects) is Outcome.PASSED


def test_both_ends_of_grey_can_be_reached(subjects):
    for subject in subjects:
        assert scaled_samples(subject, LARGE).abs().max() > 0.9


@pytest.mark.run
def test_saved_loaded_and_continued_is_straight_on_in_float32(subjects):
    assert goes_on(subjects[0], torch.float32)


@pytest.mark.run
def test_bounds_are_of_images_alone(subjects, model, tiny, ready, pictures):
    if not isinstance(model, Bounded):
        with pytest.raises(TypeError, match="does not bound"):
            elbo(model, tiny, ready, 0, 1, pictures)
        return
    bounds = elbo(model, tiny, ready, 1, 1, pictures)
    assert (bounds < 0).all()  # the likelihood of a pixel is at most one
    assert not torch.allclose(elbo(model, tiny, ready, 0, 1, pictures), bounds, rtol=1e-4)


@pytest.fixture(scope="module")
def name(built):
    return built[0]


@pytest.fixture(scope="module")
def model(small, built):
    return small(built[0], backbone=built[1])


@pytest.fixture(scope="module")
def trained(model, fit):
    """A few steps of three lanes, in float64. No test changes it."""
    return fit(model, END, SEEDS, start=START).state


@pytest.fixture(scope="module")
def ready(trained, built, model, tiny, pictures):
    """Trained, with standing statistics: what a sampler gets. No test changes it."""
    trained = copy.deepcopy(trained)
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


def test_seeds_differ(model, tiny, trained):
    fresh = initial_state(model, tiny, SEEDS, device=CPU)
    for tensors in (*fresh.params.values(), *trained.params.values()):
        weights = max(tensors.values(), key=torch.numel)
        assert not torch.allclose(weights[0], weights[1], atol=1e-3)


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


@pytest.mark.run
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


def quietly(fit, *arguments, **settings):
    """Train with warnings of genbench as errors: a compiler that fails is only warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", GenbenchWarning)
        return fit(*arguments, **settings)


@pytest.mark.run
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
