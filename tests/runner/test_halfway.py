"""What cohorts are continued from: two generations, damage set aside, only by whom it was made."""

from dataclasses import replace

import pytest
import torch

from genbench.core.errors import GenbenchWarning
from genbench.runner.cost import Spent
from genbench.runner.halfway import (
    Halfway,
    forget,
    forget_all,
    forget_done,
    keep,
    load_halfway,
    parts_halfway,
)
from genbench.runner.target import Track
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import Budget, Cohort, DataSpec, ModelSpec, Trial
from genbench.train.state import TrainState
from genbench.train.training import Past

CPU = torch.device("cpu")
TRIALS = tuple(
    Trial(ModelSpec("gan", "gan", "1", {}), DataSpec("ring", "abc"), Budget(100, 8, "float32"), seed)
    for seed in range(5)
)
COHORT = Cohort(TRIALS[:3])


def halfway(step, lanes=3):
    def tree(name):
        return {"G": {name: torch.full((lanes, 2), float(step))}}

    past = Past(
        state=TrainState(tree("w"), tree("b"), {"generator": {"G.w.m": torch.zeros(lanes, 2)}}, step),
        diverged=(None, 7, None)[:lanes],
        compiled=False,
        shared=False,
        compile_s=1.5,
        curves=((step, {"generator.loss": [0.5, float("nan"), 0.25][:lanes]}),),
        blocks=((step, 0.125),),
        joules=(float("nan"),),
        gradient_norms={"generator": torch.ones(step, lanes)},
        peak_memory=None,
        warmups=(0,),
        ended=False,
    )
    track = Track(None, {0: Spent(32, 0.1, 256, 10**12)}, {1: (0.1, 64)}, {2: ["Modes"]})
    return Halfway(past, None, ((32, 0.5),), track)


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path)


def load(run, cohort=COHORT, made_by="here", records=0):
    return load_halfway(run, cohort, made_by, None, CPU, records=records)


def test_what_was_kept_last_is_found(run):
    assert load(run) is None and parts_halfway(run, COHORT) == []
    keep(run, COHORT, "here", halfway(32))
    asked = halfway(64)
    assert asked.processes == 1
    keep(run, COHORT, "here", replace(asked, processes=3))
    found = load(run)
    assert found.processes == 3
    assert found.looks == asked.looks
    assert (found.track.met, found.track.best, found.track.closing) == (
        asked.track.met,
        asked.track.best,
        asked.track.closing,
    )
    assert found.past.state.step == 64 and found.past.diverged == asked.past.diverged
    assert torch.equal(found.past.state.params["G"]["w"], asked.past.state.params["G"]["w"])
    assert parts_halfway(run, COHORT) == [COHORT]
    assert len(list(run.progress.iterdir())) == 2  # this one and the one before


def damage(file, how):
    content = file.read_bytes()
    file.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "changed": content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
            "zeroed": bytes(len(content)),
            "empty": b"",
        }[how]
    )


@pytest.mark.parametrize("how", ["cut", "changed", "zeroed", "empty"])
def test_a_damaged_one_is_set_aside_and_the_one_before_it_taken(run, how):
    keep(run, COHORT, "here", halfway(32))
    keep(run, COHORT, "here", halfway(64))
    newest = run.progress / f"{COHORT.id}.safetensors"
    damage(newest, how)
    with pytest.warns(GenbenchWarning, match=r"is damaged .* set aside as .*\.damaged; gan on ring, 3 seeds"):
        assert load(run).past.state.step == 32
    assert not newest.exists() and newest.with_suffix(".damaged").exists()
    before = run.progress / f"{COHORT.id}.before.safetensors"
    damage(before, how)
    with pytest.warns(GenbenchWarning, match="set aside"):
        assert load(run) is None
    keep(run, COHORT, "here", halfway(96))
    assert load(run).past.state.step == 96


def test_with_other_code_or_elsewhere_it_is_not_used(run):
    keep(run, COHORT, "here", halfway(32))
    with pytest.warns(GenbenchWarning, match="with other code or on another machine, and begins anew"):
        assert load(run, made_by="there") is None
    assert load(run) is not None


def test_a_write_that_fails_leaves_what_was_there(run, monkeypatch):
    keep(run, COHORT, "here", halfway(32))
    monkeypatch.setattr("genbench.runner.halfway.write", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        keep(run, COHORT, "here", halfway(64))
    assert load(run).past.state.step == 32


def test_parts_are_as_they_were_trained(run):
    planned, parts = Cohort(TRIALS), [Cohort(TRIALS[3:]), Cohort(TRIALS[:3])]
    for part in parts:
        keep(run, part, "here", halfway(32, len(part.trials)))
    keep(run, parts[0], "here", halfway(64, 2))
    assert parts_halfway(run, planned) == parts[::-1]
    other = Cohort(tuple(replace(trial, seed=trial.seed + 10) for trial in TRIALS))
    assert parts_halfway(run, other) == []
    forget(run, [TRIALS[4].id], but=parts[0])
    assert parts_halfway(run, planned) == parts[::-1]
    forget(run, [TRIALS[4].id])
    assert parts_halfway(run, planned) == parts[1:]
    forget(run, [trial.id for trial in TRIALS])
    assert not list(run.progress.iterdir())  # the folder stays: another process may be about to write there
    forget(run, [TRIALS[0].id])
    forget_all(run)
    assert not run.progress.exists()
    forget(run, [TRIALS[0].id])


def test_what_is_no_such_file_is_left_alone(run):
    run.progress.mkdir()
    (run.progress / "notes.safetensors").write_text("mine")
    assert parts_halfway(run, COHORT) == []
    forget(run, [trial.id for trial in COHORT.trials])
    assert (run.progress / "notes.safetensors").read_text() == "mine"


def test_the_last_that_is_done_is_spared_until_the_next_one_is(run):
    first, second = Cohort(TRIALS[:3]), Cohort(TRIALS[3:])
    keep(run, first, "here", halfway(32))
    done = [trial.id for trial in first.trials]
    forget_done(run, done, but=first)
    assert parts_halfway(run, Cohort(TRIALS)) == [first]
    keep(run, second, "here", halfway(32, 2))
    forget_done(run, done[:2], but=second)  # a lane of the first is not done
    assert parts_halfway(run, Cohort(TRIALS)) == [first, second]
    forget_done(run, [trial.id for trial in TRIALS], but=second)
    assert parts_halfway(run, Cohort(TRIALS)) == [second]
    forget_done(run, [trial.id for trial in TRIALS])
    assert not list(run.progress.iterdir())


def test_one_that_is_ahead_of_the_journal_is_not_used(run):
    keep(run, COHORT, "here", halfway(32), records=10)
    keep(run, COHORT, "here", halfway(64), records=20)
    assert load(run, records=20).past.state.step == 64
    assert load(run, records=19).past.state.step == 32  # something was lost that is not made again
    keep(run, COHORT, "here", halfway(64), records=20)
    assert load(run, records=9) is None


def test_at_the_end_nothing_is_left_but_what_was_set_aside(run):
    keep(run, COHORT, "here", halfway(32))
    keep(run, Cohort(TRIALS[3:]), "here", halfway(32, 2))
    damage(run.progress / f"{COHORT.id}.safetensors", "cut")
    with pytest.warns(GenbenchWarning, match="set aside"):
        load(run)
    damage(run.progress / f"{Cohort(TRIALS[3:]).id}.safetensors", "empty")
    forget_all(run)
    assert [file.name for file in run.progress.iterdir()] == [f"{COHORT.id}.damaged"]
