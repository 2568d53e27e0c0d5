"""End to end: training gets the training split, measures get the test split, and lanes their seeds.

Every number of the run is computed again from what the data, the seeds and the suite say.
"""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.record import OUTCOME
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset
from genbench.measures.controls import control_samples
from genbench.metrics import authenticity, frechet_distance, kernel_distance
from genbench.models.optim import SGD, Adam
from genbench.runner import cohort as cohorts
from genbench.runner import control_rows
from genbench.runner.job import run
from genbench.suite.load import load_suite
from genbench.train.checkpoint import load
from genbench.train.sampling import elbo, sample_lanes
from genbench.train.settings import Settings
from genbench.train.standing import fill_standing_statistics
from genbench.train.state import initial_state
from genbench.train.trainer import train

SUITE = """
name = "split"
seeds = [5, 2, 9]
samples = 30
measures = ["quality", "memorization"]

[train]
steps = 40
batch_size = 6
evaluate_every = 20
compile = "never"
precision = "float32"

[[dataset]]
name = "halves"

[[model]]
name = "gan"
latent = 3
generator = { hidden = [5] }
discriminator = { hidden = [5] }
generator_optimizer = { name = "adam", lr = 0.02 }
discriminator_optimizer = { name = "sgd", lr = 0.05 }

[[model]]
name = "vae"
latent = 2
encoder = { hidden = [5] }
decoder = { hidden = [5] }
"""

CPU = torch.device("cpu")
PLANE = DataInfo("halves", (2,), ("near", "far"))
RANDOM = np.random.default_rng(0)
TRAIN = RANDOM.normal(-4, 1, (50, 2)).astype(np.float32)
TEST = RANDOM.normal(4, 1, (41, 2)).astype(np.float32)
"""The splits lie apart, so that no number is the same for both."""
DATA = Dataset(PLANE, TRAIN, np.arange(50) % 2, TEST, np.arange(41) % 2, "here")


@dataclass(frozen=True)
class Halves:
    """Points of which one sees whether they are for training."""

    def load(self):
        return DATA

    def locate(self):
        return "here"


@pytest.fixture(scope="module")
def seen():
    """Arguments of every training and every control row."""
    return {"train": [], "controls": []}


@pytest.fixture(scope="module")
def result(tmp_path_factory, seen):
    """The suite, run once."""
    folder = tmp_path_factory.mktemp("split")
    (folder / "suite.toml").write_text(SUITE)
    real_train, real_control = cohorts.train, control_rows.control_samples

    def watched(model, data, examples, seeds, settings, **hooks):
        seen["train"].append((model, examples.clone(), tuple(seeds), settings))
        return real_train(model, data, examples, seeds, settings, **hooks)

    def control(name, dataset, n, seed):
        drawn = real_control(name, dataset, n, seed)
        seen["controls"].append((name, dataset, n, seed, drawn))
        return drawn

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(datasets._things, "halves", Halves)
        patch.setitem(datasets._origins, "halves", __name__)
        patch.setattr(cohorts, "train", watched)
        patch.setattr(control_rows, "control_samples", control)
        for pictures in ("publish.write_plots", "job.write_report", "sample.write_scatter"):
            patch.setattr(f"genbench.runner.{pictures}", lambda *_, **__: None)
        return run(load_suite(folder / "suite.toml"), out=folder)


def trials(result, label):
    """Id by seed."""
    return {r.seed: r.trial for r in result.records if r.metric == OUTCOME and r.model == label}


def value(result, label, metric, seed, step=40):
    (number,) = {
        r.value for r in result.records if (r.model, r.metric, r.seed, r.step) == (label, metric, seed, step)
    }
    return number


def alone(seen, label, seed, steps=40):
    """One lane, trained by itself from the definition of the suite."""
    place = ["gan", "vae"].index(label)
    model = seen["train"][place][0]
    settings = Settings(steps=steps, batch_size=6, device=CPU, compile="never")
    state = initial_state(model, PLANE, [seed], device=CPU)
    training = train(model, PLANE, torch.from_numpy(TRAIN), [seed], settings, state=state)
    fill_standing_statistics(model, PLANE, training.state, [seed], torch.from_numpy(TRAIN), 6)
    return model, training.state


@pytest.mark.parametrize("place", [0, 1])
def test_training_gets_the_training_split_and_what_the_suite_says(seen, result, place):
    model, examples, seeds, settings = seen["train"][place]
    assert np.array_equal(examples.numpy(), TRAIN)
    assert seeds == (5, 2, 9)
    wanted = {
        "steps": 40,
        "batch_size": 6,
        "evaluate_every": 20,
        "save_every": 0,
        "trace_every": 0,
        "compute": None,
    }
    assert {name: getattr(settings, name) for name in wanted} == wanted
    if place == 0:
        by_name = {player.name: player.optimizer for player in model.players}
        assert by_name == {"discriminator": SGD(lr=0.05), "generator": replace(by_name["generator"], lr=0.02)}
        assert isinstance(by_name["generator"], Adam)


@pytest.mark.parametrize("label", ["gan", "vae"])
@pytest.mark.parametrize("seed", [5, 2, 9])
def test_every_trial_is_its_own_seed_and_its_numbers_are_those_of_its_samples(result, seen, label, seed):
    model, state = alone(seen, label, seed)
    trial = result.directory.trial(trials(result, label)[seed])
    (header,), kept = load([trial.checkpoint], device=CPU)
    assert (header.seed, header.step, header.label) == (seed, 40, label)
    for net, tensors in state.params.items():
        for name, tensor in tensors.items():
            torch.testing.assert_close(kept.params[net][name], tensor, rtol=1e-3, atol=1e-4)
    samples = sample_lanes(model, PLANE, kept, [seed], 30, device=CPU).samples[0]
    test, memory = torch.from_numpy(TEST), torch.from_numpy(TRAIN)
    for metric, expected in {
        "quality.fid": frechet_distance(test, samples),
        "quality.kid": kernel_distance(test, samples),
        "memorization.authenticity": authenticity(memory, samples),
    }.items():
        assert value(result, label, metric, seed) == pytest.approx(expected, rel=1e-3, abs=1e-3), metric
    bound = value(result, label, "quality.elbo", seed)
    if label == "gan":
        assert bound is None
    else:
        assert bound == pytest.approx(
            float(elbo(model, PLANE, kept, 0, seed, test).double().mean()), rel=1e-3
        )


@pytest.mark.parametrize("seed", [5, 2, 9])
def test_numbers_on_the_way_are_those_of_so_many_steps(result, seen, seed):
    model, state = alone(seen, "gan", seed, steps=20)
    samples = sample_lanes(model, PLANE, state, [seed], 30, device=CPU).samples[0]
    expected = frechet_distance(torch.from_numpy(TEST), samples)
    assert value(result, "gan", "quality.fid", seed, step=20) == pytest.approx(expected, rel=1e-3)
    assert value(result, "gan", "cost.images", seed, step=20) == 20 * 6
    assert value(result, "gan", "cost.images", seed) == 40 * 6


def test_losses_are_kept_with_their_lane(result, seen):
    for seed, trial in trials(result, "gan").items():
        lines = [json.loads(line) for line in result.directory.trial(trial).curves.read_text().splitlines()]
        assert [line["step"] for line in lines] == [20, 32, 40]
        model = seen["train"][0][0]
        settings = Settings(steps=20, batch_size=6, device=CPU, compile="never")
        training = train(model, PLANE, torch.from_numpy(TRAIN), [seed], settings)
        ((_, logs),) = training.curves
        assert lines[0] == pytest.approx({"step": 20, **{name: of[0] for name, of in logs.items()}}, rel=1e-3)


def test_control_rows_are_measured_like_models_on_the_split_they_are_for(result, seen):
    rows = {(name, seed): drawn for name, _, _, seed, drawn in seen["controls"]}
    assert {n for _, _, n, _, _ in seen["controls"]} == {30}
    inside = {tuple(row) for row in TRAIN.tolist()}
    for (name, seed), drawn in rows.items():
        again = control_samples(name, DATA, 30, seed)
        assert drawn.samples.equal(again.samples)
        if name in ("real", "memorized", "collapsed"):
            assert {tuple(row) for row in drawn.samples.tolist()} <= inside
        expected = frechet_distance(torch.from_numpy(TEST), drawn.samples)
        assert value(result, name, "quality.fid", seed, step=0) == pytest.approx(expected, rel=1e-9), name
        fresh = drawn.samples if drawn.held_out is None else torch.from_numpy(TEST)[drawn.held_out]
        wanted = authenticity(torch.from_numpy(TRAIN), fresh)
        assert value(result, name, "memorization.authenticity", seed, step=0) == pytest.approx(wanted), name
    names = ("real", "memorized", "collapsed", "gaussian", "noise")
    assert rows.keys() == {(name, seed) for name in names for seed in range(3)}


def test_records_say_of_what_they_are(result):
    for record in result.records:
        if record.metric == "quality.fid" and record.model in ("gan", "vae"):
            assert record.protocol["n_real"] == 41 and record.protocol["n_fake"] == 30
            assert (record.n, record.lanes, record.protocol["batch_size"]) == (30, 3, 6)
        if record.metric == "memorization.authenticity" and record.model in ("gan", "vae"):
            assert record.protocol["n_train"] == 50 and record.protocol["reference"] == "train"
    assert {r.step for r in result.records if r.model == "gan" and r.metric == "quality.fid"} == {20, 40}
    outcomes = [(r.model, r.seed, r.value) for r in result.records if r.metric == OUTCOME]
    assert sorted(outcomes) == sorted((label, seed, 40.0) for label in ("gan", "vae") for seed in (2, 5, 9))
