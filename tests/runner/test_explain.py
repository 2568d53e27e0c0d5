"""Looking into a trained trial: generators whose answers are known, and trials that are opened again."""

import dataclasses
import json
import math
import shutil

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from genbench.core.datainfo import DataInfo
from genbench.core.errors import CheckpointError, GenbenchError
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.data.digits import Digits
from genbench.measures.generator import Generator, Networks
from genbench.models.gan import GAN
from genbench.models.mlp import MLP
from genbench.report.explanation.content import Missing
from genbench.runner.explain import explain
from genbench.runner.explaining import directing, dissecting, probing, walking
from genbench.runner.explaining.attributing import attributions
from genbench.runner.explaining.labelling import Labels
from genbench.runner.explaining.looking import Lens, as_stored, quantiles
from genbench.runner.explaining.opening import open_trial
from genbench.runner.explaining.probing import probes
from genbench.runner.explaining.traversing import traversals
from genbench.runner.provenance import write_provenance
from genbench.runner.sample import build_model
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import DataSpec, make_plan
from genbench.train.checkpoint import Header, save_lane
from genbench.train.state import initial_state

CPU = torch.device("cpu")
A = torch.tensor([[0.0, 0.02], [0.04, 0.0], [0.0, 0.0], [0.0, 0.0]])
"""Four pixels of two latents: the second moves the first pixel, the first moves the second twice as much."""


@dataclasses.dataclass(frozen=True)
class Open:
    """What a lens needs of an opened trial."""

    generator: Generator


def linear(distribution="normal", score=None):
    """G(z) = 1/2 + A z through a hidden layer of three units, the last of them dead and the second unused."""
    to_hidden = torch.tensor([[0.0, 1.0], [5.0, 0.0], [0.0, 0.0]])

    def hidden(z):
        return {"G.1": z @ to_hidden.T}

    def without(z, layer, mask):
        h = hidden(z)[layer] * mask
        return (0.5 + (h * torch.tensor([1.0, 0.0, 0.0]))[:, :1] @ torch.ones(1, 4)).view(-1, 1, 2, 2)

    networks = Networks(hidden, without, lambda z: z @ to_hidden.T, None)
    decode = lambda z: (0.5 + z @ A.T).view(-1, 1, 2, 2)  # noqa: E731
    generator = Generator(
        2, distribution, 7, CPU, decode, score, "discriminator" if score else "", None, networks
    )
    return Lens(Open(generator), 3)


def test_quantiles_of_both_priors():
    u = torch.tensor([-2.5, 0.0, 1.0])
    assert torch.equal(quantiles(u, "normal"), u)
    inside = quantiles(u, "uniform")  # 2 Φ(u) - 1
    assert inside.tolist() == pytest.approx([-0.98758, 0, 0.682689], abs=1e-5)


def test_stored_as_samples_are():
    assert as_stored(torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 128, 255, 255]


def test_traversals_are_ordered_by_sensitivity_and_share_one_draw():
    lens = linear()
    found = traversals(lens)
    assert found.latents.tolist() == [1, 2]
    assert found.sensitivity == pytest.approx([0.04**2, 0.02**2])
    assert found.images.shape == (2, len(found.places), 1, 2, 2)
    assert (found.places[0], found.places[-1]) == (-2.5, 2.5)
    base = lens.draw(1, "traversal")[0]
    first, second = found.images.reshape(2, -1, 4)
    assert first[:, 1] == pytest.approx(0.5 + 0.04 * found.places, abs=1e-6)
    assert first[:, 0] == pytest.approx(float(0.5 + 0.02 * base[1]))
    assert second[:, 0] == pytest.approx(0.5 + 0.02 * found.places, abs=1e-6)
    assert traversals(linear("uniform")).images.max() < 0.5 + 0.04


def test_slerp_keeps_lengths_and_turns_evenly():
    one, other = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    z = walking.slerp(one, other, torch.tensor([0.0, 0.5, 1.0]))
    assert torch.allclose(z, torch.tensor([[2, 0], [2**0.5, 2**0.5], [0, 2]]), atol=1e-6)
    opposite = walking.slerp(one, -one, torch.tensor([0.5]))
    assert torch.allclose(opposite, torch.zeros(1, 2), atol=1e-5)


def test_on_a_straight_line_a_linear_generator_has_speed_one():
    lens = linear("uniform")
    found = walking.walk(lens, torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 0.5]))
    assert found.speeds == pytest.approx(1, abs=1e-3) and found.between == "draws"
    assert found.images[0].ravel() == pytest.approx([0.5, 0.46, 0.5, 0.5], abs=1e-6)
    # a quarter of a circle is longer than its chord, whatever the step
    bent = walking.walk(linear(), torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]))
    assert bent.speeds.mean() > 1.05
    still = walking.walk(lens, torch.ones(2), torch.ones(2))
    assert np.isnan(still.speeds).all()


def test_directions_of_a_linear_generator_are_its_axes():
    lens = linear()
    found = directing.directions(lens)
    by_name = {(strip.method, strip.number): strip for strip in found.strips}
    assert set(by_name) == {(m, k) for m in ("SeFa", "GANSpace") for k in (1, 2)} | {
        ("random", k) for k in (1, 2, 3)
    }
    first = by_name["SeFa", 1]  # the hidden layer takes the first latent five times
    pixels = first.images.reshape(-1, 4)
    assert np.ptp(pixels[:, 1]) == pytest.approx(0.04 * 2 * directing.REACH, abs=1e-5)
    assert np.ptp(pixels[:, 0]) < 1e-6
    z = lens.draw(directing.ACTIVATIONS, "directions")[: directing.DRAWS]
    size = lens.decode(z).square().flatten(1).sum(1)
    assert first.change == pytest.approx(float(((2 * 0.04) ** 2 / size).mean()), rel=1e-5)
    random = [strip.images for strip in found.strips if strip.method == "random"]
    assert not np.array_equal(random[0], random[1])


def test_units_that_do_nothing_have_no_effect_and_dead_ones_count():
    lens = linear()
    z = dissecting.labelled_draws(lens)
    labels = Labels(None, {}, {"second": z[:, 1].double().numpy(), "flat": np.zeros(len(z))}, "made up")
    (layer,) = dissecting.units(lens, labels).layers
    effects = dict(zip(layer.tested.tolist(), layer.effects, strict=True))
    assert effects[0] > 0 and effects[1] == effects[2] == 0
    assert layer.dead == pytest.approx(1 / 3) and layer.units == 3
    unit = next(unit for unit in layer.shown if unit.number == 0)
    assert (unit.related, unit.correlation, unit.control) == ("second", pytest.approx(1), False)
    brightest = z[z[:, 1].argsort(descending=True)[: dissecting.TOP]]
    assert np.array_equal(unit.images, lens.decode(brightest).numpy())
    (unlabelled,) = dissecting.units(lens, None).layers
    assert unlabelled.shown[0].related == "" and math.isnan(unlabelled.shown[0].correlation)


def test_rank_correlation_is_spearmans():
    one, other = np.random.default_rng(0).normal(size=(2, 50)).round(1)  # with ties
    assert dissecting._spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert math.isnan(dissecting._spearman(one, np.ones(50)))


def test_probes_are_fitted_to_some_and_judged_on_others():
    lens = linear()
    z = lens.draw(300, "probes")
    noise = torch.randn(300, generator=torch.Generator().manual_seed(0)).double().numpy()
    labels = Labels(
        (z[:, 1] > 0).long().numpy(), {"first": z[:, 0].double().numpy(), "noise": noise}, {}, "x"
    )
    found = probes(lens, None, labels, z)
    score = {(probe.layer, probe.target): probe for probe in found.probes}
    assert [probe.layer for probe in found.probes][::3] == ["latent", "G.1", "image"]
    assert score["latent", "first"].score > 0.99 and score["image", "first"].score > 0.99
    assert score["latent", "noise"].score < 0.1  # what cannot be known is not known of held-out examples
    assert score["latent", "class"].score > 0.9 and 0.3 < score["latent", "class"].trivial < 0.7
    assert found.examples == {"generator": (200, 100)} and found.label_of == "x"
    one = Labels(np.zeros(300, dtype=np.int64), {}, {}, "x")
    assert isinstance(probes(lens, None, one, z), Missing)


def test_a_pixel_that_hardly_varied_does_not_blow_a_probe_up():
    random = torch.Generator().manual_seed(1)
    x = torch.randn(60, 1, generator=random, dtype=torch.float64)
    faint = 1e-4 * torch.randn(60, 5, generator=random, dtype=torch.float64)
    faint[50:] += 1  # as in images that were not fitted to
    fitted = torch.arange(50)
    predicted = probing._ridge(probing._kernel(torch.cat([x, faint], 1), fitted), x, fitted)
    assert float((predicted[50:] - x[50:]).abs().max()) < 0.3


def test_without_a_score_or_captum_there_are_no_maps(monkeypatch):
    assert "has no score" in attributions(linear(), None).reason
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install" in attributions(linear(score=lambda x: x.flatten(1).sum(1)), None).reason


@pytest.mark.run
def test_maps_of_a_linear_score_are_exact():
    pytest.importorskip("captum")
    weights = torch.linspace(-1, 1, 64).view(1, 8, 8)
    lens = linear(score=lambda x: (x * weights).flatten(1).sum(1))
    wide = dataclasses.replace(
        lens.generator,
        decode=lambda z: (0.5 + 0.1 * z[:, :1].tanh() * torch.ones(1, 64)).view(-1, 1, 8, 8),
    )
    found = attributions(Lens(Open(wide), 3), None)
    assert found.kinds == ("generated", "generated", "planted", "planted")
    assert found.baseline == 0 and found.methods[0] == "integrated-gradients"
    # the sum over weights nearly cancels, so errors are told in parts of it
    assert np.abs(found.maps.sum((2, 3))[0] - found.scores).max() < 1e-4
    assert found.infidelity[[0, 3]].max() < 1e-6
    assert found.images[2][0][found.patch] == pytest.approx(1)
    assert np.isnan(found.inside[:, :2]).all() and (found.inside[:, 2:] > 0).all()
    assert found.maps[0, 0] == pytest.approx((found.images[0] * weights.numpy())[0], abs=1e-5)


@pytest.fixture(scope="module")
def run(tiny_suite, tmp_path_factory):
    """A run as its files are, of models that were never trained."""
    suite = tiny_suite("seeds=1")
    data = Digits().load()
    plan = make_plan(suite, {DataSpec("digits", data.hash): "float32"})
    directory = RunDirectory.create(tmp_path_factory.mktemp("explained"), "tiny", mark="0123456")
    write_provenance(directory, suite, plan, {})
    lines = []
    for cohort in plan:
        (trial,) = cohort.trials
        model = build_model(trial.model)
        header = Header(
            model=trial.model.name,
            label=trial.model.label,
            options=dict(trial.model.options),
            data=data.info,
            seed=trial.seed,
            step=0,
            precision="float32",
            trial=trial.id,
            code="0",
        )
        directory.make_trial(trial.id)
        state = initial_state(model, data.info, (trial.seed,), device=CPU)
        save_lane(directory.trial(trial.id).checkpoint, header, state, 0)
        lines.append(outcome(directory.name, trial.id, trial.model.label, Status.DONE, ""))
    directory.records.write_text("".join(lines))
    return directory, {cohort.model.label: cohort.trials[0].id for cohort in plan}


def outcome(run, trial, model, status, reason):
    """The last record of a trial, a line."""
    return (
        Record(
            run=run,
            suite="tiny",
            trial=trial,
            model=model,
            dataset="digits",
            seed=0,
            step=20,
            metric=OUTCOME,
            value=20.0,
            error=None,
            unit="steps",
            better=Better.NEITHER,
            n=1,
            lanes=1,
            status=status,
            reason=reason,
            env="e",
            code="0",
            at="2026-01-01T00:00:00Z",
        ).to_json()
        + "\n"
    )


def copied(run, folder):
    """The run somewhere else, to be damaged."""
    directory, trials = run
    shutil.copytree(directory.path, folder / "tiny" / directory.name)
    return RunDirectory(folder / "tiny" / directory.name), trials


@pytest.mark.run
def test_the_data_is_found_by_what_the_run_wrote_down(run):
    directory, trials = run
    opened = open_trial(directory.path / "trials" / trials["vae"], directory.path.parent, CPU)
    assert opened.reference.dataset.info.name == "digits" and opened.without_data == ""
    assert opened.run.path == directory.path and opened.ended == ""
    assert opened.header.model == "vae" and opened.generator.scored_by == "bound"


@pytest.mark.run
def test_other_data_under_the_name_is_refused(run, tmp_path):
    directory, trials = copied(run, tmp_path)
    content = json.loads(directory.resolved.read_text())
    content["dataset"][0]["hash"] = "another"
    directory.resolved.write_text(json.dumps(content))
    opened = open_trial(directory.path / "trials" / trials["gan"], tmp_path, CPU)
    assert opened.reference is None and "differs from what it was trained on" in opened.without_data


@pytest.mark.run
def test_a_run_that_does_not_say_what_its_data_was(run, tmp_path):
    directory, trials = copied(run, tmp_path)
    directory.resolved.write_text("{")
    opened = open_trial(directory.path / "trials" / trials["gan"], tmp_path, CPU)
    assert opened.reference is None and "does not say how to load it" in opened.without_data


@pytest.mark.run
def test_a_checkpoint_outside_of_a_run_has_no_data(run, tmp_path):
    directory, trials = run
    shutil.copy(directory.trial(trials["gan"]).checkpoint, tmp_path / "alone.safetensors")
    opened = open_trial(tmp_path / "alone.safetensors", tmp_path, CPU)
    assert opened.run is None and opened.reference is None and "outside of a run" in opened.without_data


@pytest.mark.run
def test_how_training_ended_is_told(run, tmp_path):
    directory, trials = copied(run, tmp_path)
    directory.records.write_text(
        outcome(directory.name, trials["gan"], "gan", Status.DIVERGED, "generator.loss is NaN at step 7")
    )
    opened = open_trial(directory.path / "trials" / trials["gan"], tmp_path, CPU)
    assert opened.ended == "DIVERGED: generator.loss is NaN at step 7"
    unfinished = open_trial(directory.path / "trials" / trials["vae"], tmp_path, CPU)
    assert "not come to its end" in unfinished.ended


def test_points_and_broken_numbers_are_refused(tmp_path):
    points = DataInfo("ring", (2,))
    model = GAN(latent=2, generator=MLP(hidden=(4,)), discriminator=MLP(hidden=(4,)))
    state = initial_state(model, points, (0,), device=CPU)
    header = Header(
        model="gan",
        label="gan",
        options=dataclasses.asdict(model),
        data=points,
        seed=0,
        step=0,
        precision="float32",
        trial="t",
        code="0",
    )
    save_lane(tmp_path / "points.safetensors", header, state, 0)
    with pytest.raises(GenbenchError, match=r"of ring, which are points.*genbench sample"):
        explain(tmp_path / "points.safetensors")
    images = dataclasses.replace(header, data=DataInfo("digits", (1, 28, 28)))
    state = initial_state(model, images.data, (0,), device=CPU)
    for tensor in state.params["G"].values():
        tensor.fill_(math.nan)
    save_lane(tmp_path / "nan.safetensors", images, state, 0)
    with pytest.raises(CheckpointError, match="not finite: the trial has diverged"):
        explain(tmp_path / "nan.safetensors")
    other = dataclasses.replace(images, options={**images.options, "latent": 3})
    save_lane(tmp_path / "other.safetensors", other, state, 0)
    with pytest.raises(CheckpointError, match=r"cannot be drawn from: RuntimeError.*train it again"):
        explain(tmp_path / "other.safetensors")


@pytest.mark.run
@pytest.mark.parametrize("name", ["gan", "vae"])
def test_everything_that_can_be_had_is_there(run, name):
    pytest.importorskip("captum")
    directory, trials = run
    found = explain(directory.path / "trials" / trials[name], seed=1)
    parts = [getattr(found, field.name) for field in dataclasses.fields(found)]
    assert not [part for part in parts if isinstance(part, Missing)]
    assert found.subject.dataset == "digits" and found.subject.draws == 1
    assert [walk.between for walk in found.paths.walks] == ["draws"] * 2 + ["test images"] * 2
    assert found.attributions.kinds == ("real",) * 2 + ("generated",) * 2 + ("planted",) * 2
    seen = "encoder" if name == "vae" else "discriminator"
    assert seen in found.probes.examples  # untrained, it may make one class only, and then no other is probed
    assert found.neighbours.searched == 1198
    errors = found.inversions.shown
    assert errors[0] <= errors[1] <= errors[2] and len(found.inversions.errors) == 60
    assert errors[0] == found.inversions.errors.min() and errors[2] == found.inversions.errors.max()


@pytest.mark.run
def test_without_data_the_rest_is_there_and_comes_out_the_same(run, tmp_path):
    directory, trials = run
    shutil.copy(directory.trial(trials["vae"]).checkpoint, tmp_path / "alone.safetensors")
    one, again = (explain(tmp_path / "alone.safetensors") for _ in range(2))
    missing = {f.name for f in dataclasses.fields(one) if isinstance(getattr(one, f.name), Missing)}
    assert missing == {"neighbours", "probes", "inversions"}
    assert one.paths.without_real and one.subject.without_data
    assert one.attributions.kinds == ("generated",) * 2 + ("planted",) * 2
    assert np.array_equal(one.traversals.images, again.traversals.images)
    assert np.array_equal(one.attributions.maps, again.attributions.maps, equal_nan=True)
    other = explain(tmp_path / "alone.safetensors", seed=9)
    assert not np.array_equal(one.traversals.images, other.traversals.images)
