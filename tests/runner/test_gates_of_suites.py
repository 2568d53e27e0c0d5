"""A suite's gates before training, and the second look at what breaks one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import genbench
from genbench.analyse.compare import compare_runs
from genbench.analyse.gate import Gates, judge, load_gates
from genbench.core.errors import GenbenchError, RecordError, SuiteError
from genbench.core.record import OUTCOME
from genbench.runner.confirm import confirm
from genbench.runner.gates import check_gates, doubts
from genbench.runner.measuring import chosen_measures
from genbench.runner.preview import preview
from genbench.runner.provenance import suite_of
from genbench.runner.regression import GateFailed, assert_not_worse
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import make_plan
from genbench.suite.schema import Gate, Suite

FID = "quality.fid"


def suite(*gates, seeds=2, measures=("modes",), models=("gan", "vae"), steps=6, **more) -> Suite:
    narrow = {"hidden": [8]}
    options = {
        "gan": {"latent": 4, "generator": narrow, "discriminator": narrow},
        "vae": {"latent": 2, "encoder": narrow, "decoder": narrow},
    }
    train = {"steps": steps, "batch_size": 8, "compile": "never", "precision": "float32"}
    return Suite.model_validate(
        {
            "name": "gated",
            "seeds": seeds,
            "samples": 60,
            "measures": measures,
            "train": train,
            "dataset": [{"name": "digits"}],
            "model": [{"name": name, **options[name]} for name in models],
            "gate": gates,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ({"metric": "modes.coverd"}, r"gate\[0\]\.metric: .*Did you mean 'modes.covered'"),
        ({"metric": FID}, r"gate\[0\]\.metric: .*add that one to `measures`"),
        ({"metric": "modes.kl", "at_least": -1}, r"gate\[0\]\.at_least: .*at least 0"),
        ({"metric": "cost.seconds", "at_most": 3}, None),
        ({"metric": "trial.failed", "allow": 0.1}, None),
        ({"failures": 0.5}, None),
        ({"metric": "modes.covered", "at_least": 3}, None),
    ],
)
def test_a_gate_knows_its_number(gate, said):
    gated = suite(gate)
    if said is None:
        check_gates(gated, chosen_measures(gated.measures))
        return
    with pytest.raises(SuiteError, match=said):
        check_gates(gated, chosen_measures(gated.measures))
    with pytest.raises(SuiteError, match=said):
        list(preview(gated, "cpu"))
    with pytest.raises(SuiteError, match=said):
        genbench.run(gated, device="cpu")


def test_a_number_without_a_direction_cannot_be_gated():
    gated = suite({"metric": "memorization.distance"}, measures=("memorization",))
    with pytest.raises(SuiteError, match="no better direction"):
        check_gates(gated, chosen_measures(gated.measures))


def told(gated):
    return list(doubts(gated, chosen_measures(gated.measures)))


def test_a_dry_run_doubts_gates_that_can_never_fire():
    (doubt,) = told(suite({"metric": "modes.covered"}, {"metric": "modes.kl"}, seeds=7))
    assert "same 7 seeds" in doubt and "below 0.016" in doubt and "0.05 / 4 = 0.013" in doubt
    assert "seeds = 8" in doubt and "not the baseline's" in doubt
    assert f"warning: {doubt}" in list(
        preview(suite({"metric": "modes.covered"}, {"metric": "modes.kl"}, seeds=7), "cpu")
    )
    assert not told(suite({"metric": "modes.covered"}, {"metric": "modes.kl"}, seeds=8))
    assert "not the baseline's" not in told(suite({"metric": "modes.covered"}, seeds=3))[0]


def test_only_numbers_of_seeds_that_a_gate_compares_are_counted():
    assert not told(suite({"metric": "modes.covered", "at_least": 2}, {"failures": 0.1}, seeds=2))
    assert not told(suite({"metric": "cost.seconds"}, seeds=2))  # one clock for all: no test, no p
    assert not told(suite({"metric": "modes.covered", "model": "gan"}, seeds=6))
    assert told(suite({"metric": "modes.covered"}, seeds=6))  # of two models
    assert told(suite({"metric": "modes.covered", "model": "gan"}, seeds=6, alpha=0.01))
    assert not told(suite(seeds=2))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with gates, ten seeds of a small VAE."""
    gated = suite({"metric": FID, "allow": "1%"}, seeds=10, measures=("quality",), models=("vae",), steps=30)
    return gated, genbench.run(gated, device="cpu", out=tmp_path_factory.mktemp("gated"))


@pytest.mark.run
def test_a_run_keeps_its_gates_and_can_be_repeated_from_what_it_keeps(finished):
    gated, result = finished
    assert load_gates(result.directory.resolved) == Gates(gated.gate, 0.05)
    again = suite_of(result.directory)
    assert again.gate == gated.gate and again.seed_list == gated.seed_list
    ids = {record.trial for record in result.records if record.metric == OUTCOME}
    resolved = json.loads(result.directory.resolved.read_text())
    from genbench.suite.plan import DataSpec

    data = {DataSpec(d["name"], d["hash"]): d["precision"] for d in resolved["dataset"]}
    assert {trial.id for cohort in make_plan(again, data) for trial in cohort.trials} == ids


@pytest.mark.parametrize("text", [None, "", "{}", '{"cohort": 3}', '{"cohort": [], "asked": []}'])
def test_a_run_that_does_not_tell_its_suite_cannot_be_repeated(tmp_path, text):
    if text is not None:
        (tmp_path / "resolved.json").write_text(text)
    with pytest.raises(RecordError, match="Run its suite again"):
        suite_of(RunDirectory(tmp_path))


@pytest.mark.run
def test_gates_may_change_while_a_run_goes_on(finished, tmp_path):
    gated, result = finished
    other = gated.model_copy(update={"gate": (Gate(failures=0.0),), "alpha": 0.01})
    resumed = genbench.run(other, device="cpu", out=result.path.parent.parent, resume=result.path)
    assert not resumed.failed
    assert load_gates(result.directory.resolved) == Gates(other.gate, 0.01)
    genbench.run(gated, device="cpu", out=result.path.parent.parent, resume=result.path)  # as it was


def shifted(records, by):
    """The same run, had its numbers been better: so that what is trained again looks worse."""
    return [
        replace(r, value=r.value * by, run="before") if r.metric == FID and r.value is not None else r
        for r in (replace(r, run="before") for r in records)
        if r.model == "vae"
    ]


def suspected(finished, base, new):
    gated, _ = finished
    gates = Gates(gated.gate)
    judgement = judge(compare_runs(base, new, rules=gates.rules()), gates)
    assert [v.metric for v in judgement.violations] == [FID]
    return judgement, gates


@pytest.mark.run
def test_what_fresh_seeds_show_too_stands(finished, tmp_path):
    gated, result = finished
    base = shifted(result.records, 0.5)
    judgement, gates = suspected(finished, base, result.records)
    found = confirm(judgement, base, result.records, suite=gated, gates=gates, out=tmp_path, device="cpu")
    assert [v.metric for v in found.judgement.violations] == [FID] and not found.cleared
    (path,) = found.paths
    assert path.parent == tmp_path / "gated-confirm"
    seeds = {r.seed for r in genbench.load_run(path) if r.seed is not None and r.model == "vae"}
    assert seeds == set(found.seeds) == set(range(10, 20))


@pytest.mark.run
def test_a_test_of_a_user_passes_on_what_it_was_made_with(finished, tmp_path):
    gated, result = finished
    found = assert_not_worse(gated, result.path, device="cpu", out=tmp_path)
    assert found.judgement.passed and found.path.parent == tmp_path / "gated"
    assert found.lines[-1] == "gate passed: 1 rule"


@pytest.mark.run
def test_a_test_of_a_user_fails_on_fewer_steps_and_says_which_gate(finished, tmp_path):
    gated, result = finished
    shorter = gated.model_copy(update={"train": gated.train.model_copy(update={"steps": 2})})
    with pytest.raises(GateFailed, match=r"(?s)WORSE  vae on digits: .*quality\.fid.*gate FAILED"):
        assert_not_worse(shorter, result.path, device="cpu", out=tmp_path)


@pytest.mark.run
def test_a_test_of_a_user_needs_something_to_hold_on_to(finished, tmp_path):
    gated, result = finished
    with pytest.raises(GenbenchError, match="no gates"):
        assert_not_worse(gated.model_copy(update={"gate": ()}), result.path, out=tmp_path)
    with pytest.raises(SuiteError, match=r"Did you mean 'quality\.fid'"):
        assert_not_worse(gated, result.path, metrics=["quality.fd"], out=tmp_path)
    assert not list(Path(tmp_path).iterdir())  # told before anything is trained
