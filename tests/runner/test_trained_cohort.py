"""A cohort trained: checkpoints, losses, looks on the way, functions, traces and bounds, lane by lane."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Reference
from genbench.models.vae import VAE
from genbench.runner import cohort as cohorts
from genbench.runner.cohort import train_cohort
from genbench.runner.game import lane_game
from genbench.runner.halfway import Halfway
from genbench.runner.measuring import measure_cohort
from genbench.runner.phases import Phases
from genbench.runner.scribe import Scribe
from genbench.runner.snapshot import take_snapshot
from genbench.runner.target import Track
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Budget, Cohort, DataSpec, ModelSpec, Trial
from genbench.train.checkpoint import load
from genbench.train.energy import Meter
from genbench.train.sampling import elbo, log_weights, sample_lanes
from genbench.train.settings import Settings
from genbench.train.standing import fill_standing_statistics
from genbench.train.state import lane_tensors
from genbench.train.training import past_of

CPU = torch.device("cpu")
PLANE = DataInfo("plane", (2,))
SEEDS = (5, 2, 9)
NARROW = {"name": "mlp", "hidden": [6]}
OPTIONS = {
    "gan": {
        "latent": 3,
        "generator": {**NARROW, "batch_norm": True},
        "discriminator": {**NARROW, "batch_norm": True},
    },
    "vae": {"latent": 2, "encoder": NARROW, "decoder": NARROW},
}
TRAIN = torch.from_numpy(np.random.default_rng(0).normal(-2, 1, (50, 2)).astype(np.float32))
TEST = torch.from_numpy(np.random.default_rng(1).normal(2, 1, (31, 2)).astype(np.float32))
SETTINGS = Settings(
    steps=72, batch_size=7, device=CPU, compile="never", save_every=36, evaluate_every=30, trace_every=32
)


class Looks(list):
    """Copies of what is looked at: training goes on with its tensors."""

    def __call__(self, snapshot):
        self.append(copy.copy(snapshot))
        vars(self[-1])["then"] = copy.deepcopy(snapshot.training.state), snapshot.spent
        return False


class Made:
    """A cohort, and what was seen of it on the way."""

    def __init__(self, name, folder, told, *, settings=SETTINGS, seeds=SEEDS, **more):
        spec = ModelSpec(name, name, "1", OPTIONS[name])
        budget = Budget(settings.steps, settings.batch_size, "float32")
        self.plan = Cohort(tuple(Trial(spec, DataSpec("plane", "h"), budget, seed) for seed in seeds))
        self.directory = RunDirectory.create(folder, "suite", mark="abc1234")
        self.looks, self.kept, self.reached = Looks(), [], {}
        self.trained = train_cohort(
            self.plan,
            PLANE,
            TRAIN,
            TEST,
            settings,
            **{
                "samples": 40,
                "directory": self.directory,
                "reporter": told,
                "reached": self.reached,
                "evaluate": self.looks,
                "keep": lambda *what: self.kept.append(what),
                "halfway": None,
                "phases": Phases(lambda: 0.0, 0.0),
                "gauged": False,
                "opened": True,
                **more,
            },
        )
        self.model = cohorts.build_model(spec)

    def files(self, lane):
        return self.directory.trial(self.plan.trials[lane].id)


@pytest.fixture(scope="module")
def gan(tmp_path_factory, told_all_along):
    return Made("gan", tmp_path_factory.mktemp("gan"), told_all_along)


@pytest.fixture(scope="module")
def vae(tmp_path_factory, told_all_along):
    return Made("vae", tmp_path_factory.mktemp("vae"), told_all_along)


LANES = pytest.mark.parametrize("lane", range(3))


@LANES
def test_each_trial_keeps_its_own_lane(gan, lane):
    (header,), kept = load([gan.files(lane).checkpoint], device=CPU)
    trial = gan.plan.trials[lane]
    assert (header.seed, header.trial, header.step) == (SEEDS[lane], trial.id, 72)
    own, state = lane_tensors(kept, 0), gan.trained.training.state
    for net, tensors in lane_tensors(state, lane).items():
        for name, tensor in tensors.items():
            assert torch.equal(own[net][name], tensor), (net, name)
    curves = [json.loads(line) for line in gan.files(lane).curves.read_text().splitlines()]
    assert curves == [
        {"step": step, **{name: values[lane] for name, values in logs.items()}}
        for step, logs in gan.trained.training.curves
    ]
    assert [line["step"] for line in curves][-1] == 72 and len(curves) > 3
    assert gan.reached == {trial.id: 72 for trial in gan.plan.trials}


def test_looks_are_of_the_samples_and_the_price_at_their_step(gan):
    assert [look.then[0].step for look in gan.looks] == [30, 60]
    assert [step for step, _ in gan.trained.evaluations] == [30, 60]
    for look in (*gan.looks, gan.trained):
        state, spent = getattr(look, "then", (gan.trained.training.state, gan.trained.spent))
        filled, state = state.buffers, copy.deepcopy(state)
        for tensors in state.buffers.values():  # nothing may be left of what was filled in
            for tensor in tensors.values():
                tensor.zero_()
        fill_standing_statistics(gan.model, PLANE, state, SEEDS, TRAIN, 7)
        for net, tensors in state.buffers.items():  # of samples in the generator, of examples in the other
            assert tensors and all(torch.equal(filled[net][name], t) for name, t in tensors.items())
        drawn = sample_lanes(gan.model, PLANE, state, SEEDS, 40, device=CPU)
        assert torch.equal(look.samples, drawn.samples) and look.finite == (True,) * 3
        assert (spent.steps, spent.images) == (state.step, 7 * state.step)
        assert spent.flops == state.step * look.price.flops > 0
    assert gan.trained.price.lanes == 3
    assert gan.trained.spent.seconds == gan.trained.training.seconds / 3


@LANES
def test_each_lane_is_opened_as_itself(gan, lane):
    generator = gan.trained.generators[lane]
    assert (generator.seed, generator.latent, generator.scored_by) == (SEEDS[lane], 3, "discriminator")
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    nets = cohorts.generator_of(
        gan.model, PLANE, lane_tensors(gan.trained.training.state, lane), SEEDS[lane], CPU
    )
    assert torch.equal(generator.decode(z), nets.decode(z))
    others = [gan.trained.generators[other].decode(z) for other in range(3) if other != lane]
    assert not any(torch.equal(generator.decode(z), other) for other in others)


@LANES
def test_each_lane_has_its_own_trace(gan, lane):
    trace, training = gan.trained.traces[lane], gan.trained.training
    assert (trace.steps, trace.spacing, trace.middle, trace.player) == ((0, 32, 64), 32, 1, "generator")
    norms = {name: torch.cat(parts)[:, lane] for name, parts in training.gradient_norms.items()}
    assert trace.gradient_norms.keys() == norms.keys() == {"discriminator", "generator"}
    for name, norm in norms.items():
        assert torch.equal(trace.gradient_norms[name], norm) and len(norm) == 72
    assert trace.samples.shape == (3, 500, 2)
    assert trace.moved[0] == 0 and trace.displaced == pytest.approx(trace.moved[2].item(), rel=1e-6)
    other = gan.trained.traces[(lane + 1) % 3]
    assert not torch.equal(trace.samples[0], other.samples[0])
    assert trace.displaced != other.displaced


@LANES
def test_a_lane_alone_has_the_same_trace(gan, lane, tmp_path, told):
    settings = Settings(32, 7, CPU, compile="never", trace_every=32)
    (alone,) = Made("gan", tmp_path, told, settings=settings, seeds=SEEDS[lane : lane + 1]).trained.traces
    together = gan.trained.traces[lane]
    torch.testing.assert_close(alone.samples, together.samples[:2], rtol=1e-3, atol=1e-4)
    assert alone.moved[1] > 0
    torch.testing.assert_close(alone.moved, together.moved[:2], rtol=1e-3, atol=1e-5)
    for name, norms in alone.gradient_norms.items():
        torch.testing.assert_close(norms, together.gradient_norms[name][:32], rtol=1e-3, atol=1e-5)


@LANES
def test_bounds_are_of_the_test_examples_with_the_lanes_own_seed(vae, lane, monkeypatch):
    state, bounds = vae.trained.training.state, vae.trained.bounds[lane]
    nats = elbo(vae.model, PLANE, state, lane, SEEDS[lane], TEST).double()
    found = bounds.elbo()
    assert (found.mean, found.n) == (pytest.approx(nats.mean().item(), rel=1e-12), 31)
    assert found.standard_error == pytest.approx(nats.std().item() / 31**0.5, rel=1e-12)
    # of a part of them, evenly spread from the first to the last
    monkeypatch.setattr("genbench.runner.snapshot.WEIGHTED_EXAMPLES", 4)
    some = TEST[[0, 10, 20, 30]]
    weights = log_weights(vae.model, PLANE, state, lane, SEEDS[lane], some, 8)  # (draws, examples)
    expected = (weights.double().exp().mean(0)).log()
    again = take_snapshot(vae.plan, vae.model, PLANE, vae.trained.training, TEST, 10, vae.trained.price)
    few = again.bounds[lane].importance(8)
    assert (few.mean, few.n) == (pytest.approx(expected.mean().item(), rel=1e-6), 4)
    assert again.samples.shape == (3, 10, 2)


def test_a_lost_lane_keeps_its_last_good_checkpoint_and_the_step_at_which_it_was_lost(tmp_path, told):
    def poison(snapshot):
        if snapshot.training.state.step == 60:
            for tensor in snapshot.training.state.params["G"].values():
                tensor[1] = torch.nan
        return False

    made = Made("gan", tmp_path, told, evaluate=poison)
    first, lost, last = made.trained.training.diverged
    assert first is last is None and 60 < lost < 72
    headers = [load([made.files(lane).checkpoint], device=CPU)[0][0] for lane in range(3)]
    assert [header.step for header in headers] == [72, 36, 72]
    assert made.trained.finite == (True, False, True)


def test_a_lane_of_which_only_samples_are_not_finite_is_lost_at_the_end(tmp_path, told, monkeypatch):
    settings = Settings(3, 7, CPU, compile="never")
    sample = VAE.sample
    monkeypatch.setattr(VAE, "sample", lambda self, nets, z: sample(self, nets, z) * torch.nan)
    assert Made("vae", tmp_path, told, settings=settings).trained.training.diverged == [3, 3, 3]


def test_training_that_goes_on_goes_on_with_all_that_was_kept(gan, tmp_path, told):
    """A continued cohort begins with what was written down on the way."""
    parts = Settings(72, 7, CPU, compile="never", evaluate_every=30, trace_every=32, keep_seconds=0.0)
    kept = {}

    def keep(training, trace, looks):
        if training.state.step == 64:
            kept["halfway"] = copy.deepcopy(Halfway(past_of(training), trace, looks, None))

    Made("gan", tmp_path / "a", told, settings=parts, keep=keep)
    again = Made("gan", tmp_path / "b", told, settings=parts, halfway=kept["halfway"])
    assert [look.then[0].step for look in again.looks] == []
    assert [step for step, _ in again.trained.evaluations] == [30, 60]
    for lane in range(3):
        one, other = again.trained.traces[lane], gan.trained.traces[lane]
        assert one.steps == other.steps and torch.equal(one.samples, other.samples)
        assert one.displaced == other.displaced and torch.equal(one.moved, other.moved)
        curves = [json.loads(line) for line in again.files(lane).curves.read_text().splitlines()]
        assert [line["step"] for line in curves] == [step for step, _ in again.trained.training.curves]


def test_the_machine_is_gauged_only_where_a_measure_wants_it(tmp_path, told, monkeypatch):
    asked = []
    peaks = iter(([4e9, 3e9], [2e9]))
    meter = Meter("a test", lambda: (5,), (0,))

    def latency(model, data, state, lane, seed, count, device):
        asked.append((lane, seed, count, state.step))
        return [0.25]

    monkeypatch.setattr(cohorts, "latencies", latency)
    monkeypatch.setattr(cohorts, "matrix_product_peak", lambda device, dtype: next(peaks))
    monkeypatch.setattr(cohorts, "open_meter", lambda device: meter)
    settings = Settings(3, 7, CPU, compile="never")
    timing = Made("vae", tmp_path / "a", told, settings=settings, gauged=True).trained.timing
    assert asked == [(0, SEEDS[0], 200, 3)]
    assert (timing.latency_s, timing.peak_flops, timing.energy_of) == ((0.25,), (4e9, 3e9, 2e9), "a test")
    assert (timing.lanes, timing.images_per_step, timing.block_s) == (3, 7, ())
    not_wanted = Made("vae", tmp_path / "b", told, settings=settings).trained.timing
    assert (not_wanted.latency_s, not_wanted.peak_flops, not_wanted.joules) == ((), (), None)
    beside = replace(settings, processes=2)
    peaks = iter(([], []))
    others = Made("vae", tmp_path / "c", told, settings=beside, gauged=True).trained.timing
    assert "side by side" in others.energy_missing and others.processes == 2


def test_neither_functions_nor_traces_are_made_where_no_measure_wants_them(tmp_path, told):
    settings = Settings(3, 7, CPU, compile="never")
    trained = Made("vae", tmp_path, told, settings=settings, opened=False).trained
    assert (trained.generators, trained.traces) == ((), ())


@LANES
def test_each_lane_has_its_own_game(gan, lane, told):
    class Played(list):
        columns, per_cohort, traced, of_lanes, anchors, anchor = (), False, False, True, (), None

        def __call__(self, evidence):
            self.append(evidence.game())
            return ()

    played, none = Played(), np.array([], dtype=np.int64)
    reference = Reference(Dataset(PLANE, TRAIN.numpy(), none, TEST.numpy(), none, "here"), CPU)
    scribe = Scribe(journal=[], run="r", suite="s", env="e", code="c", protocol={})
    measure_cohort([played], gan.trained, reference, scribe, told, Track(None))
    state = gan.trained.training.state
    params, buffers = (
        {net: {name: t[lane] for name, t in tensors.items()} for net, tensors in tree.items()}
        for tree in (state.params, state.buffers)
    )
    alone = lane_game(gan.model, reference.dataset, params, buffers, SEEDS[lane])
    assert torch.equal(played[lane].w, alone.w)
    assert torch.equal(played[lane].field(alone.w), alone.field(alone.w))


def test_losses_are_written_lane_by_lane_as_they_come(tmp_path, told):
    there = []

    def look(snapshot):
        for lane, trial in enumerate(snapshot.cohort.trials):
            (file,) = tmp_path.rglob(f"{trial.id}/curves.jsonl")
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            curves = snapshot.training.curves
            wanted = [
                {"step": step, **{name: of[lane] for name, of in logs.items()}} for step, logs in curves
            ]
            there.append(lines == wanted != [])
        return False

    settings = Settings(34, 7, CPU, compile="never", evaluate_every=33)
    Made("vae", tmp_path, told, settings=settings, evaluate=look)
    assert there == [True] * 3
