"""The main job: what a run leaves behind, and that it can be believed and repeated."""

import json
from dataclasses import replace

import pytest

from genbench.core.record import CONTROLS, EXPECTED, OF_SAMPLES, OUTCOME, SAMPLED, Status
from genbench.runner.job import run


def test_everything_documented_is_there(finished, lines):
    here = {str(path.relative_to(finished.path)) for path in finished.path.rglob("*") if path.is_file()}
    trials = {r.trial for r in finished.records if r.metric == OUTCOME}
    assert len(trials) == 4
    expected = {"suite.toml", "resolved.json", "environment.json", "records.jsonl", "tables.md", "log.txt"}
    expected |= {"timing.json"}
    expected |= {
        f"trials/{trial}/{file}" for trial in trials for file in ("checkpoint.safetensors", "curves.jsonl")
    }
    expected |= {"grids/digits.png", "grids/digits-gan.png", "grids/digits-vae.png"}
    assert expected <= here
    hidden = {name for name in here if "/." in name or name.startswith(".")}
    assert hidden == {".lock"}  # nothing half-written is left
    assert not finished.directory.progress.exists() and not finished.directory.unfinished.exists()
    curve = lines(finished.directory.trial(min(trials)).curves)
    assert curve[-1]["step"] == 20 and len(curve[-1]) > 1
    assert (finished.failed, finished.interrupted) == (0, False)


@pytest.mark.run
def test_figures_and_a_page_are_made_last(tiny_suite, tmp_path):
    made = run(tiny_suite(only=["vae"], seeds=1), out=tmp_path)
    assert list(made.path.glob("plots/*.png"))
    page = (made.path / "report.html").read_text()
    assert "vae" in page and "data:image/png" in page  # with its samples
    assert "Time spent" in page  # and its time


def test_the_suite_is_kept_as_given_and_as_resolved(finished, tiny_suite):
    assert finished.directory.suite_file.read_text().startswith('\nname = "tiny"')
    resolved = json.loads(finished.directory.resolved.read_text())
    assert [data["precision"] for data in resolved["dataset"]] == ["float32"]
    assert resolved["train"]["steps"] == 20
    assert [c["label"] for c in resolved["cohort"]] == ["gan", "vae"]
    assert resolved["cohort"][0]["options"]["generator_optimizer"]["name"]  # defaults are written out
    assert {int(seed) for c in resolved["cohort"] for seed in c["trials"].values()} == {0, 1}
    assert resolved["given"] == {
        "set": ["train.evaluate_every=8"],
        "model": [],
        "seeds": None,
        "quick": False,
    }


def test_every_record_is_stamped(finished):
    environment = json.loads(finished.directory.environment.read_text())
    assert environment["packages"]["torch"]
    for record in finished.records:
        assert (record.run, record.suite, record.dataset) == (finished.path.name, "tiny", "digits")
        assert record.env == environment["id"] and record.code == environment["code"]
        assert record.protocol["quick"] is False
        assert record.versions["metric"]
        assert (record.value is None) == bool(record.reason)
        if record.model not in CONTROLS:
            assert record.versions["model"] and record.lanes == 2
            assert (record.protocol["precision"], record.protocol["batch_size"]) == ("float32", 16)


def test_a_quality_record_carries_its_protocol(finished):
    scored = [r for r in finished.records if r.metric == "quality.fid"]
    assert len(scored) == 3 * 2 * 2 + 3 * len(SAMPLED) + 1  # of three looks at two lanes each; of draws
    for record in scored:
        assert record.protocol["n_fake"] == 100
        assert record.n == (0 if record.model == EXPECTED else 100)
        assert record.protocol["n_real"] == 599 and record.protocol["reference"] == "test"
        assert record.protocol["extractor"] and record.versions["features"] and record.versions["data"]
        assert record.status is Status.DONE


def test_costs_belong_to_the_cohort(finished):
    costs = [r for r in finished.records if r.metric.startswith("throughput.")]
    assert {r.model for r in costs} == {"gan", "vae"}
    assert {r.seed for r in costs} == {None}
    assert not {r.trial for r in costs} & {r.trial for r in finished.records if r.seed is not None}


def test_control_rows_stand_beside_the_models(finished):
    for metric in ("quality.fid", "modes.covered"):
        rows = {r.model for r in finished.records if r.metric == metric}
        assert rows == {"gan", "vae", *OF_SAMPLES}
    tables = finished.directory.tables.read_text()
    assert all(name in tables for name in ("gan", "vae", *OF_SAMPLES))


def test_the_last_record_of_a_trial_says_how_it_ended(finished):
    trials = {r.trial for r in finished.records if r.seed is not None and r.model not in CONTROLS}
    for trial in trials:
        *_, last = (r for r in finished.records if r.trial == trial)
        assert (last.metric, last.status, last.value) == (OUTCOME, Status.DONE, 20)


@pytest.mark.run
def test_the_same_suite_gives_the_same_numbers_bit_for_bit(finished, tiny_suite, tmp_path):
    def content(result):
        kept = [r for r in result.records if not r.metric.startswith(("throughput.", "cost.seconds"))]
        return [replace(r, run="", at="") for r in kept]

    assert content(run(tiny_suite("train.evaluate_every=8"), out=tmp_path)) == content(finished)


@pytest.mark.run
def test_lanes_alone_are_the_lanes_together(finished, tiny_suite, numbers, lines, monkeypatch, tmp_path):
    drawn = {}
    monkeypatch.setattr(
        "genbench.runner.sample.write_grid",
        lambda path, images, labels: (
            drawn.update({path.name: labels}) if len(images) == len(labels) else None
        ),
    )
    alone = run(tiny_suite("train.lanes=1", "train.evaluate_every=8"), out=tmp_path)
    together = numbers(finished.records, "quality.")
    apart = numbers(alone.records, "quality.")
    assert apart.keys() == together.keys()
    assert apart == pytest.approx(together, rel=0.02, abs=0.02)
    for trial in {r.trial for r in alone.records if r.metric == OUTCOME}:
        curves = [lines(result.directory.trial(trial).curves)[-1] for result in (alone, finished)]
        assert curves[0] == pytest.approx(curves[1], rel=1e-3)
    # each part has a clock of its own, and its record does not take the other's place
    assert len({r.trial for r in alone.records if r.metric == "throughput.parameters"}) == 4
    # the pictures have every seed, whichever part it was trained in
    assert drawn == {"digits-gan.png": ["seed 0", "seed 1"], "digits-vae.png": ["seed 0", "seed 1"]}


@pytest.fixture(scope="module")
def stood_in(tiny_suite, told_all_along, tmp_path_factory):
    """A quick run where MNIST is not to be had."""

    changes = ("dataset.digits.name=mnist", "dataset.mnist.fallback=digits", "train.steps=3", "samples=30")
    suite = tiny_suite(*changes, 'measures=["modes"]', quick=True, only=["vae"], seeds=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GENBENCH_DATA", raising=False)
        patch.setenv("GENBENCH_OFFLINE", "1")
        patch.setenv("GENBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return run(suite, out=tmp_path_factory.mktemp("stood_in"), reporter=told_all_along), told_all_along


@pytest.mark.run
def test_a_fallback_is_announced_and_stamped(stood_in):
    result, told = stood_in
    assert any("mnist is not to be had here, so this run uses digits" in text for text in told.warnings)
    assert {r.dataset for r in result.records} == {"digits"}
    assert {r.protocol.get("fallback_for") for r in result.records} == {"mnist"}
    assert "fallback for mnist" in result.directory.tables.read_text()


@pytest.mark.run
def test_a_quick_run_says_so_everywhere(stood_in):
    result, _ = stood_in
    assert {r.protocol["quick"] for r in result.records} == {True}
    assert "QUICK" in result.directory.tables.read_text()


def test_nothing_is_made_where_the_data_is_missing(tiny_suite, monkeypatch, tmp_path):
    from genbench.core.errors import DataUnavailable

    monkeypatch.delenv("GENBENCH_DATA", raising=False)
    monkeypatch.setenv("GENBENCH_OFFLINE", "1")
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataUnavailable, match="MNIST is not to be had"):
        run(tiny_suite("dataset.digits.name=mnist"), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_slip_in_an_option_is_told_before_data_is_looked_for(tiny_suite, monkeypatch, tmp_path):
    from genbench.core.errors import SuiteError

    def looked(suite):
        raise AssertionError("data was loaded")

    monkeypatch.setattr("genbench.runner.job.load_datasets", looked)
    with pytest.raises(SuiteError, match=r"model\[0\]\.latnet"):
        run(tiny_suite("model.gan.latnet=3"), out=tmp_path)


def test_what_is_no_model_is_told_before_data_is_looked_for(tiny_suite, monkeypatch, tmp_path):
    from dataclasses import dataclass

    from genbench.core.errors import PluginError
    from genbench.core.registry import models

    @dataclass(frozen=True)
    class Half:
        latent: int = 1

    def looked(suite):
        raise AssertionError("data was loaded")

    monkeypatch.setitem(models._things, "half", Half)
    monkeypatch.setitem(models._origins, "half", "plugin half.py")
    monkeypatch.setattr("genbench.runner.job.load_datasets", looked)
    with pytest.raises(PluginError, match=r"'half' \(plugin half.py\) lacks prior"):
        run(tiny_suite('model=[{name="half"}]'), out=tmp_path)


def test_a_dataset_that_stands_in_for_another_is_not_run_twice(tiny_suite, monkeypatch, tmp_path):
    from genbench.core.errors import GenbenchWarning
    from genbench.runner.prepare import load_datasets

    monkeypatch.delenv("GENBENCH_DATA", raising=False)
    monkeypatch.setenv("GENBENCH_OFFLINE", "1")
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    suite = tiny_suite('dataset=[{name="mnist", fallback="digits"}, {name="digits"}]')
    with pytest.warns(GenbenchWarning, match="asks for digits elsewhere too"):
        (only,) = load_datasets(suite)
    assert (only.asked, only.spec.name, only.banner) == ("digits", "digits", "")
