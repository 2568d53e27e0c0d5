"""What stands in records and files when a run is not the plain one: fallbacks, costs, resumes, clocks."""

import json

import numpy as np
import pytest
import torch

from genbench.core.errors import CheckpointError, SuiteError
from genbench.core.record import OUTCOME
from genbench.core.registry import models
from genbench.measures import evidence
from genbench.runner import attempt, job
from genbench.runner.job import run
from genbench.runner.prepare import load_datasets
from genbench.runner.progress import describe_losses
from genbench.runner.sample import sample
from genbench.suite.load import load_suite

CHEAP = ("train.steps=4", "samples=40", 'measures=["throughput", "modes"]')


@pytest.fixture(autouse=True)
def no_plots(monkeypatch):
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda records, folder: None)
    monkeypatch.setattr(job, "write_report", lambda directory: None)


def write_idx(path, array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(head + array.tobytes())


@pytest.fixture
def own_images(tmp_path):
    """A suite with the user's own images under these labels, each with a brightness."""

    def write(**brightness):
        entries = ""
        for number, (label, grey) in enumerate(brightness.items()):
            entries += f'[[dataset]]\nname = "idx"\nlabel = "{label.rstrip("_")}"\n'
            for split in ("train", "test"):
                images, labels = (tmp_path / f"{split}-{number}-{what}" for what in ("images", "labels"))
                write_idx(images, np.full((6, 2, 2), grey, dtype=np.uint8))
                write_idx(labels, np.arange(6, dtype=np.uint8) % 2)
                entries += f'{split}_images = "{images}"\n{split}_labels = "{labels}"\n'
        path = tmp_path / "own.toml"
        path.write_text(f'name = "own"\n{entries}[[model]]\nname = "gan"\n')
        return load_suite(path)

    return write


def test_a_dataset_with_a_name_of_its_own_is_no_fallback(own_images):
    (loaded,) = load_datasets(own_images(mine=1))
    assert (loaded.spec.name, loaded.fallback, loaded.banner) == ("mine", False, "")


def test_equal_images_under_two_names_are_two_datasets(own_images):
    assert [item.spec.name for item in load_datasets(own_images(mine=1, yours=1))] == ["mine", "yours"]


def test_two_datasets_of_one_name_are_refused(own_images):
    suite = own_images(mine=1, mine_=2)
    with pytest.raises(SuiteError, match="would be called 'mine'"):
        load_datasets(suite)


@pytest.mark.run
def test_features_are_made_only_where_a_measure_wants_them(tiny_suite, told, monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise AssertionError("nobody asked for features")

    monkeypatch.setattr(evidence, "extractor_for", refuse)
    result = run(tiny_suite(*CHEAP[:2], 'measures=["throughput"]'), out=tmp_path, reporter=told)
    assert result.failed == 0
    assert {record.model for record in result.records} == {"gan", "vae"}


@pytest.mark.run
def test_a_trial_that_fails_after_training_tells_how_far_it_came(tiny_suite, told, monkeypatch, tmp_path):
    def stop(*_):
        raise RuntimeError("no more")

    monkeypatch.setattr(attempt, "measure_cohort", stop)
    result = run(tiny_suite(*CHEAP, only=["vae"]), out=tmp_path, reporter=told)
    ends = [record for record in result.records if record.metric == OUTCOME]
    assert [(end.value, end.step, str(end.status)) for end in ends] == [(4.0, 4, "FAILED")] * 2


@pytest.mark.run
def test_samples_that_are_not_finite_are_no_images(tiny_suite, told, monkeypatch, tmp_path):
    """Training may stay finite while the sampler does not; black images would be scored without a word."""
    vae = models.get("vae")
    monkeypatch.setattr(vae, "sample", lambda _, nets, z: nets.decoder(z) * torch.nan)
    result = run(tiny_suite(*CHEAP), out=tmp_path, reporter=told)
    ends = {(r.model, r.seed): str(r.status) for r in result.records if r.metric == OUTCOME}
    assert ends == {("gan", 0): "DONE", ("gan", 1): "DONE", ("vae", 0): "DIVERGED", ("vae", 1): "DIVERGED"}
    assert not any(r.value is not None for r in result.records if r.model == "vae" and r.metric == "modes.kl")
    (trial,) = {r.trial for r in result.records if (r.model, r.seed) == ("vae", 0)}
    with pytest.raises(CheckpointError, match="not finite"):
        sample(result.path / "trials" / trial, 4)


@pytest.mark.run
def test_a_throughput_that_fails_is_a_failure(tiny_suite, told, monkeypatch, tmp_path):
    from genbench.measures.throughput import Throughput

    monkeypatch.setattr(Throughput, "__call__", lambda *_: 1 / 0)
    result = run(tiny_suite(*CHEAP, only=["vae"]), out=tmp_path, reporter=told)
    assert result.failed == 2
    ends = [record for record in result.records if record.metric == OUTCOME]
    assert all("Throughput" in end.reason for end in ends)


@pytest.mark.run
def test_a_resume_elsewhere_keeps_both_environments(tiny_suite, told, monkeypatch, tmp_path):
    first = run(tiny_suite(*CHEAP, only=["vae"]), out=tmp_path, reporter=told)
    here = json.loads(first.directory.environment.read_text())
    real = job.capture
    monkeypatch.setattr(job, "capture", lambda *a: {**real(*a), "machine": "another"})
    said = json.loads(first.directory.resolved.read_text())["given"]
    assert said == {"set": list(CHEAP), "model": ["vae"], "seeds": None, "quick": False}
    # the same suite in other words is the same suite
    again = tiny_suite(*CHEAP, only=["vae"], seeds=2)
    run(again, out=tmp_path, resume=first.path, reporter=told)
    assert json.loads(first.directory.resolved.read_text())["given"] == {**said, "seeds": 2}
    assert json.loads(first.directory.environment.read_text()) == here
    (second,) = first.path.glob("environment-*.json")
    assert json.loads(second.read_text())["machine"] == "another"


def test_every_clock_is_written(finished):
    first, *_ = finished.path.glob("trials/*/timing.jsonl")
    lines = [json.loads(line) for line in first.read_text().splitlines()]
    phases = [line["phase"] for line in lines]
    assert phases[:2] == ["compile", "warm-up"] and phases[-1] == "evaluation"
    assert {"sampling", "latency"} < set(phases)
    assert all(line["seconds"] >= 0 for line in lines if line["phase"] != "peak")
    assert len([line["flops_per_s"] for line in lines if line["phase"] == "peak"]) == 6
    assert sum(line.get("steps", 0) for line in lines) == 20


def test_a_diverged_lane_does_not_blur_the_losses_of_the_others():
    assert describe_losses({"critic.loss": [3.0, float("nan"), 1.0]}) == "critic 2.000"
    assert describe_losses({"critic.loss": [float("nan")]}) == "critic diverged"
