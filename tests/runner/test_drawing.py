"""Images from checkpoints, and every way in which that cannot be."""

import json
from dataclasses import replace
from time import process_time

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import CheckpointError, GenbenchError, PluginError, RecordError
from genbench.core.record import OUTCOME
from genbench.runner.explain import explain
from genbench.runner.sample import build_model, find_checkpoint, sample
from genbench.suite.plan import ModelSpec
from genbench.train.checkpoint import load, save_lane


@pytest.fixture(scope="module")
def trial(finished):
    """The id of the VAE's first trial."""
    return next(r.trial for r in finished.records if r.model == "vae" and r.seed == 0 and r.metric == OUTCOME)


@pytest.fixture(scope="module")
def results(finished):
    return finished.path.parent.parent


@pytest.mark.run
def test_images_are_drawn_by_name_folder_or_file(finished, results, trial):
    images = sample(f"tiny/latest/{trial}", 5, results=results)
    assert images.shape == (5, 1, 28, 28) and images.dtype == np.uint8 and images.std() > 0
    folder = finished.directory.trial(trial)
    for name in (
        folder.path,
        folder.checkpoint,
        f"{finished.path}/{trial}",
        f"{finished.path}/trials/{trial}/",
    ):
        assert np.array_equal(sample(name, 5, results=results), images)


def test_more_images_begin_with_the_same_and_another_seed_gives_others(results, trial):
    first = sample(f"tiny/latest/{trial}", 5, results=results)
    assert np.array_equal(sample(f"tiny/latest/{trial}", 9, results=results)[:5], first)
    for seed in (1, -5):
        assert not np.array_equal(sample(f"tiny/latest/{trial}", 5, seed=seed, results=results), first)


def test_a_run_without_a_trial_lists_its_trials(finished, results, trial):
    for name in ("tiny/latest", str(finished.path)):
        with pytest.raises(CheckpointError, match=rf"is a run.*{trial} \(vae on digits, seed 0\)"):
            find_checkpoint(name, results)


def test_an_unknown_trial_lists_those_there_are(finished, results, trial):
    for name in ("tiny/latest/vae", f"{finished.path}/trials/none"):
        with pytest.raises(
            CheckpointError, match=rf"no checkpoint of a trial .*{trial} \(vae on digits, seed 0"
        ):
            find_checkpoint(name, results)


def test_an_unknown_run_is_told(results):
    for name in ("nothing", "tinny/latest/x", "tiny/nothing/x"):
        with pytest.raises(RecordError, match="unknown run"):
            find_checkpoint(name, results)


def test_a_run_without_checkpoints_says_so(tmp_path):
    run = tmp_path / "s" / "a-run"
    run.mkdir(parents=True)
    (run / "records.jsonl").touch()
    with pytest.raises(CheckpointError, match="It keeps no checkpoint"):
        find_checkpoint(run, tmp_path)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_a_damaged_checkpoint_is_told(finished, trial, tmp_path, damage):
    content = bytearray(finished.directory.trial(trial).checkpoint.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    content = {"cut": content[:-100], "flipped": content, "empty": b"", "text": b"hello" * 99}[damage]
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=str(path)):
        sample(path, 2)


def test_a_model_that_is_not_here_asks_for_its_plugin(finished, trial, monkeypatch):
    from genbench.core.registry import models

    monkeypatch.setattr(models, "_builtin", {})
    monkeypatch.setattr(models, "_things", {})
    with pytest.raises(CheckpointError, match=r"'vae' that is not here: .*--plugin"):
        sample(finished.directory.trial(trial).checkpoint, 2)


@pytest.mark.run
@pytest.mark.parametrize(
    "claim",
    [
        {"latent": 10**12},
        {"latent": 10**30},
        {"decoder": {"name": "mlp", "hidden": [10**12]}},
        {"decoder": {"name": "mlp", "hidden": [10**12, 10**12]}},
        {"decoder": {"name": "mlp", "hidden": [1] * 2_000}},
        {"decoder": {"name": "mlp", "hidden": [1] * 10**5}},
        {"decoder": {"name": "conv", "channels": [10**9, 10**9]}},
        {"data": DataInfo("digits", (1, 10**6, 10**6))},
        {"data": DataInfo("digits", (10**12,) * 3)},
        {"data": DataInfo("digits", (2,) * 10**5)},
        {"data": DataInfo("digits", (0, 28, 28))},
        {"data": DataInfo("digits", (-1, 28, -28))},
    ],
    ids=lambda claim: str(claim)[:60],
)
@pytest.mark.parametrize("verb", [sample, explain])
def test_sizes_that_only_a_header_claims_take_neither_memory_nor_time(finished, trial, tmp_path, verb, claim):
    resource = pytest.importorskip("resource")

    (header,), state = load([finished.directory.trial(trial).checkpoint], device=torch.device("cpu"))
    options = {key: value for key, value in claim.items() if key != "data"}
    claimed = replace(
        header, options={**header.options, **options}, data=claim.get("data", header.data), trial="evil"
    )
    path = tmp_path / "checkpoint.safetensors"
    save_lane(path, claimed, state, 0)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, process_time()
    with pytest.raises(GenbenchError, match=r"checkpoint .*(is of a model|has a damaged)") as told:
        verb(path)
    assert process_time() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    assert len(str(told.value)) < 2_000


def test_a_model_that_was_changed_since_is_told(finished, trial, monkeypatch):
    from genbench.core.registry import models

    def other(self, nets, z):
        return nets.decoder(z[:, :2])

    monkeypatch.setattr(models.get("vae"), "sample", other)
    with pytest.raises(CheckpointError, match=r"cannot be drawn from: .*train it again"):
        sample(finished.directory.trial(trial).checkpoint, 2)


def test_what_is_no_generative_model_is_told(monkeypatch):
    from dataclasses import dataclass

    from genbench.core.registry import models

    @dataclass(frozen=True)
    class Half:
        prior: int = 1

    monkeypatch.setitem(models._things, "half", Half)
    monkeypatch.setitem(models._origins, "half", "plugin half.py")
    with pytest.raises(PluginError, match=r"'half' \(plugin half.py\) lacks players, networks, sample"):
        build_model(ModelSpec("half", "half", "1", {}))


def test_the_plan_can_be_previewed(tiny_suite, monkeypatch, tmp_path):
    from genbench.runner.preview import preview

    monkeypatch.delenv("GENBENCH_DATA", raising=False)
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    suite = tiny_suite("dataset.digits.name=mnist", "dataset.mnist.fallback=digits", quick=True)
    text = "\n".join(preview(suite, "cpu"))
    assert "suite tiny: 4 trials in 2 cohorts  QUICK" in text
    assert "vae on mnist: seeds 0, 1; 20 steps, 320 examples a seed" in text
    assert (
        "mnist: not found on this machine: it would be downloaded where that can be, or else digits used"
        in text
    )
    monkeypatch.setenv("GENBENCH_OFFLINE", "1")
    text = "\n".join(preview(suite, "cpu"))
    assert "GENBENCH_OFFLINE forbids a download; the run would use digits" in text


def test_a_preview_of_a_model_without_players_is_a_told_error(tiny_suite, monkeypatch):
    from genbench.core.registry import models
    from genbench.runner.preview import preview

    def players(self):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(models.get("vae"), "players", property(players))
    with pytest.raises(PluginError, match=r"'vae' .*cannot name its players: ZeroDivisionError: oops"):
        list(preview(tiny_suite(), "cpu"))


def test_the_doctor_looks_at_everything_and_says_what_a_lack_costs(monkeypatch, tmp_path):
    from genbench.runner.doctor import examine

    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "/nonexistent")
    findings = list(examine())
    assert all(finding.good or finding.cost for finding in findings)
    lacks = " ".join(f"{f.what} {f.cost}" for f in findings if not f.good)
    assert "cannot compile" in lacks and "install g++" in lacks
    assert "MNIST is not on this machine" in lacks and "GENBENCH_DATA" in lacks
    assert json.dumps([finding.what for finding in findings]).count("torch ") == 1
