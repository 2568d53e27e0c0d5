"""What plugins and machines do wrong is told in words, and costs their own trials only."""

import sys
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchWarning, PluginError, told_by, warnings_to
from genbench.core.record import OUTCOME, Status
from genbench.core.registry import datasets, models
from genbench.data.dataset import Dataset
from genbench.models.mlp import MLP
from genbench.models.vae import VAE
from genbench.runner import job
from genbench.runner.prepare import load, locate
from genbench.train.accounting import flops_per_step
from genbench.train.sampling import elbo, examples_of, log_weights
from genbench.train.state import initial_state

IMAGES = DataInfo("images", (1, 4, 4))
SMALL = {"latent": 2, "encoder": MLP(hidden=(4,)), "decoder": MLP(hidden=(4,))}


class UnspeakableError(Exception):
    """Fails while it is told."""

    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no loss"), "ValueError: no loss"),
        (ValueError(), "ValueError"),
        (SystemExit("bye"), "SystemExit: bye"),
        (RuntimeError("compile error\n\n  with a log"), "RuntimeError: compile error with a log"),
        (ValueError("x" * 5000), f"ValueError: {'x' * 300}..."),
        (UnspeakableError(), "UnspeakableError: (what it says cannot be told: RuntimeError)"),
    ],
)
def test_an_error_of_others_is_one_short_line(error, told):
    assert told_by(error) == told


def test_what_every_cohort_finds_out_is_told_once():
    told = []
    with warnings_to(told.append):
        for text in ("no compiler", "no compiler", "torch.compile failed", "no compiler"):
            warnings.warn(text, GenbenchWarning, stacklevel=1)
    assert told == ["no compiler", "torch.compile failed"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, r"sample returns NoneType, expected a tensor of shape \(N, 1, 4, 4\)"),
        (torch.zeros(3, 1, 4, 4), "sample returns 3 examples for 7 latents"),
        (torch.zeros(7, 1, 4), r"sample returns examples of shape \(1, 4\), expected \(1, 4, 4\)"),
        (torch.tensor(0.0), r"examples of shape \(\)"),
        (torch.zeros(7, 1, 4, 4, dtype=torch.uint8), "type torch.uint8, expected floating-point"),
        (torch.zeros(7, 1, 4, 4, dtype=torch.complex64), "type torch.complex64, expected floating-point"),
    ],
)
def test_what_are_no_samples(given, told):
    with pytest.raises((TypeError, ValueError), match=told):
        examples_of(given, 7, IMAGES)


def losing(change):
    """A VAE whose loss is changed."""

    class Changed(VAE):
        def loss(self, nets, batch):
            return change(*VAE.loss(self, nets, batch), batch)

    return Changed(**SMALL)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda loss, logs, batch: None, r"a NoneType, expected \(loss, logs\)"),
        (lambda loss, logs, batch: (loss, "logs"), r"a tuple, expected \(loss, logs\)"),
        (lambda loss, logs, batch: (1.0, logs), "a float as 'loss', expected a real scalar"),
        (lambda loss, logs, batch: (loss * 1j, logs), r"complex64 tensor of shape \(\) as 'loss'"),
        (lambda loss, logs, batch: (loss.expand(3), logs), r"float32 tensor of shape \(3,\) as 'loss'"),
        (lambda loss, logs, batch: (loss, {"KL": 3.0}), "a float as 'KL'"),
        (lambda loss, logs, batch: (loss, {"x": batch.x}), r"shape \(8, 1, 4, 4\) as 'x'"),
    ],
)
def test_what_is_no_loss(change, told):
    with pytest.raises(TypeError, match=f"the loss of player 'autoencoder' returns .*{told}"):
        flops_per_step(losing(change), IMAGES, 8)


def test_a_loss_may_make_tensors_without_naming_a_device():
    """Labels of real and fake, for one: operations are counted on tensors without memory."""
    labels = losing(
        lambda loss, logs, batch: (loss + (torch.ones(len(batch.x)) * batch.x[:, 0, 0, 0]).sum(), logs)
    )
    plain = losing(lambda loss, logs, batch: (loss, logs))
    assert flops_per_step(labels, IMAGES, 8) == flops_per_step(plain, IMAGES, 8) > 0


@pytest.mark.parametrize("method", ["elbo", "log_weight"])
def test_a_bound_is_one_number_for_each_example(method):
    model = type("Wrong", (VAE,), {method: lambda self, nets, batch: torch.zeros(3, 3)})(**SMALL)
    state = initial_state(model, IMAGES, [0], device=torch.device("cpu"))
    examples = torch.zeros(5, 1, 4, 4, dtype=torch.uint8)
    with pytest.raises(ValueError, match=rf"{method} returns shape \(3, 3\), expected \(5,\)"):
        if method == "elbo":
            elbo(model, IMAGES, state, 0, 0, examples)
        else:
            log_weights(model, IMAGES, state, 0, 0, examples, draws=1)


def source(does):
    return type("Source", (), {"load": lambda self: does(), "locate": lambda self: does()})()


def raises():
    raise KeyError("no column")


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (raises, "fails to load: KeyError: 'no column'"),
        (lambda: sys.exit(0), "fails to load: SystemExit: 0"),
        (lambda: None, "loads a thing of type NoneType, not a Dataset"),
    ],
)
def test_a_data_set_that_cannot_be_loaded(does, told, monkeypatch):
    monkeypatch.setitem(datasets._origins, "mine", "plugin mine.py")
    with pytest.raises(PluginError, match=rf"dataset 'mine' \(plugin mine.py\) {told}"):
        load(source(does), "mine")


def test_a_data_set_that_cannot_tell_where_it_is(monkeypatch):
    monkeypatch.setitem(datasets._origins, "mine", "plugin mine.py")
    with pytest.raises(PluginError, match=r"dataset 'mine' .* fails to tell where .*KeyError: 'no column'"):
        locate(source(raises), "mine")


def test_a_plugin_changes_the_arithmetic_of_nobody_else():
    """``torch.set_default_dtype`` at the top of a plugin: other networks would begin with other numbers."""
    empty = np.zeros((0, 1, 4, 4), np.uint8), np.zeros(0, np.int64)
    dataset = Dataset(IMAGES, *empty, *empty, source="nowhere")
    try:
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        assert load(source(lambda: dataset), "mine") is dataset
        assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (torch.float32, True)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)


@pytest.mark.run
def test_what_one_model_does_wrong_costs_its_own_trials(tiny_suite, told, ends, monkeypatch, tmp_path):
    """All of them in one run, and between them a model that does nothing wrong."""
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda records, folder: None)
    monkeypatch.setattr(job, "write_report", lambda directory: None)
    monkeypatch.setattr("genbench.runner.control_rows.CONTROL_SEEDS", 1)

    def error(raised):
        def loss(self, nets, batch):
            raise raised

        return loss

    def sampler(change):
        return lambda self, nets, z: change(VAE.sample(self, nets, z))

    def overflow(self, nets, batch):
        loss, logs = VAE.loss(self, nets, batch)
        return torch.where(batch.noise["epsilon"][0, 0] > 0.5, torch.inf, 1.0) * loss, logs

    wrong = {
        "raises": ("loss", error(ValueError("x" * 999)), "FAILED", f"ValueError: {'x' * 300}..."),
        "exits": ("loss", error(SystemExit("bye")), "FAILED", "SystemExit: bye"),
        "unspeakable": ("loss", error(UnspeakableError()), "FAILED", "UnspeakableError: (what it says"),
        "forgets": ("loss", lambda self, nets, batch: None, "FAILED", "TypeError: the loss of player"),
        "recursive": ("loss", lambda self, nets, batch: self.loss(nets, batch), "FAILED", "RecursionError"),
        "greedy": ("loss", error(MemoryError("no room")), "FAILED", "MemoryError: no room"),
        "few": ("sample", sampler(lambda x: x[:3]), "FAILED", "ValueError: sample returns 3 examples"),
        "whole": ("sample", sampler(lambda x: x.int()), "FAILED", "TypeError: sample returns numbers"),
        "leaves": ("sample", lambda *_: sys.exit(4), "FAILED", "SystemExit: 4"),
        "nowhere": ("sample", sampler(lambda x: x * torch.nan), "DIVERGED", "not finite from step 4 on"),
        "unlucky": ("loss", overflow, "DIVERGED", "not finite from step"),
    }
    for name, (method, does, *_) in wrong.items():
        kind = dataclass(frozen=True, kw_only=True)(type(name, (VAE,), {method: does, "__annotations__": {}}))
        monkeypatch.setitem(models._things, name, kind)
        monkeypatch.setitem(models._origins, name, __name__)
    small = "latent=2, encoder={hidden=[8]}, decoder={hidden=[8]}"
    entries = ", ".join(f'{{name="{name}", {small}}}' for name in (*wrong, "vae"))
    suite = tiny_suite(
        "dataset=[{name='ring'}]",
        "train.steps=4",
        "samples=40",
        'measures=["known_modes"]',
        f"model=[{entries}]",
    )
    result = job.run(suite, out=tmp_path, reporter=told)
    outcomes = {(r.model, r.seed): (str(r.status), r.reason) for r in result.records if r.metric == OUTCOME}
    assert outcomes["vae", 0] == outcomes["vae", 1] == (Status.DONE, "")
    for name, (*_, status, reason) in wrong.items():
        for seed in (0, 1):
            assert outcomes[name, seed][0] == status, (name, outcomes[name, seed])
            assert outcomes[name, seed][1].startswith(reason), (name, outcomes[name, seed])
    assert result.failed == 2 * len(wrong)
    said = "\n".join(told.warnings)
    assert all(name in said for name in wrong)
    assert max(len(text) for text in told.warnings) < 600
    tables = result.directory.tables.read_text()
    assert "SystemExit: bye" in tables and "not finite from step 4 on" in tables
    assert not result.directory.unfinished.exists()
