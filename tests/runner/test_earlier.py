"""Contents of a resumed run, and the directory in which it goes on."""

from shutil import rmtree

import pytest

from genbench.core.errors import OutputError, RecordError, SuiteError
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.runner import earlier
from genbench.runner.earlier import Earlier, Resumption, choose_directory, earlier_of, maker_here
from genbench.runner.provenance import resolved_text
from genbench.store.claim import begin, claimed, finish, tried_again
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import DataSpec, make_plan

MAKER = {"genbench": "code", "plugin": "none"}
DATA = DataSpec("digits", "abc")


@pytest.fixture
def planned(tiny_suite):
    """The suite with changes, and its plan."""

    def plan(*changes, **options):
        suite = tiny_suite(*changes, **options)
        return suite, make_plan(suite, {DATA: "float32"})

    return plan


@pytest.fixture
def begun(planned, tmp_path):
    """A run that did not come to its end."""
    suite, plan = planned()
    run = RunDirectory.create(tmp_path, suite.name, mark="abc1234")
    run.resolved.write_text(resolved_text(suite, plan))
    run.records.touch()
    begin(run, again=0, maker=MAKER)
    return run


def chosen(planned, out, maker=MAKER, *, run=None, unfinished=True):
    suite, plan = planned
    return choose_directory(suite, out, Resumption(run, unfinished), plan, maker)


def test_the_same_command_goes_on_in_the_newest_run_that_has_not_ended(planned, begun, tmp_path):
    found, told = chosen(planned(), tmp_path)
    assert found == begun and told.startswith("this run did not come to its end and is continued; --fresh")
    assert chosen(planned(), tmp_path, unfinished=False)[0] != begun


@pytest.mark.parametrize("change", ["train.steps=21", "samples=99", "model.gan.latent=9", "seeds=3"])
def test_a_run_of_another_suite_is_not_continued(planned, begun, tmp_path, change):
    assert chosen(planned(change), tmp_path)[0] != begun
    with pytest.raises(SuiteError, match=r"--resume .*differ from .*Start a new run"):
        chosen(planned(change), tmp_path, run=begun.path)


def test_other_gates_are_the_same_run(planned, begun, tmp_path):
    assert chosen(planned("alpha=0.01"), tmp_path)[0] == begun


def test_a_run_of_others_that_ended_or_is_at_work_is_not_continued(planned, begun, tmp_path):
    found, told = chosen(planned(), tmp_path, {**MAKER, "genbench": "other"})
    assert found != begun and "begun with another genbench: this is a new run" in told
    assert chosen(planned(), tmp_path, {**MAKER, "genbench": "other"}, run=begun.path) == (begun, "")
    rmtree(found.path)
    with claimed(begun):
        found, told = chosen(planned(), tmp_path)
    assert found != begun and "at work now; this is another one" in told
    rmtree(found.path)
    finish(begun)
    assert chosen(planned(), tmp_path)[0] != begun


def test_what_is_no_run_is_not_resumed(planned, tmp_path):
    with pytest.raises(RecordError, match="unknown run 'nothing'"):
        chosen(planned(), tmp_path, run="nothing")
    (tmp_path / "records.jsonl").touch()
    with pytest.raises(RecordError, match="not the directory of a run"):
        chosen(planned(), tmp_path, run=tmp_path)
    with pytest.raises(OutputError, match=r"cannot make the folder .*--out DIR"):
        chosen(planned(), tmp_path / "records.jsonl" / "results")


def test_other_code_threads_machines_and_plugins_are_other_makers(monkeypatch):
    machine = {"device": "a CPU, 2 threads", "threads": 2, "torch": "1"}

    def changed(environment=machine):
        after = maker_here(environment)
        return [name for name in before if before[name] != after[name]]

    before = maker_here(machine)
    assert changed() == []
    assert changed({**machine, "torch": "2"}) == ["machine or packages"]
    assert changed({**machine, "threads": 1, "device": "a CPU, 1 threads"}) == ["number of threads"]
    with monkeypatch.context() as patch:
        patch.setattr(earlier, "code_identity", lambda: "other")
        assert changed() == ["genbench"]
    with monkeypatch.context() as patch:
        patch.setattr(earlier, "plugins", lambda: {"mine.py": "abc"})
        assert changed() == ["plugin"]
    monkeypatch.setattr(earlier, "foreign_things", lambda: {"model mine": Record})
    assert changed() == ["plugin"]


def record(metric, *, trial="t0", model="gan", seed=0, step=9, status=Status.DONE):
    return Record(
        run="r", suite="s", trial=trial, model=model, dataset="digits", seed=seed, step=step, metric=metric,
        value=1.0 if status is Status.DONE else None, error=None, unit="", better=Better.LOWER, n=1, lanes=2,
        status=status, reason="" if status is Status.DONE else "why", versions={}, protocol={}, env="e",
        code="c", at="now",
    )  # fmt: skip


def end(status=Status.DONE, **of):
    return record(OUTCOME, status=status, **of)


CONTROL = record("a", trial="c", model="real", seed=None, step=0)
TIMES = record("throughput.x", trial="cohort", seed=None)


@pytest.fixture
def there(begun):
    """Return what is found in a run with these records."""

    def found(*records, ended_at=None, maker=MAKER, controls=True):
        begun.records.write_text("".join(f"{each.to_json()}\n" for each in records))
        if ended_at is None:
            finish(begun)
        else:
            begin(begun, again=ended_at, maker=MAKER)
        with claimed(begun):
            return earlier_of(begun, maker, controls=controls)

    return found


def test_numbers_that_stand_are_kept_and_failed_ones_known(there):
    found = there(CONTROL, record("a"), record("b", status=Status.FAILED), TIMES, end(), ended_at=0)
    assert found.outcomes == {"t0": Status.DONE}
    assert found.controls == {"digits"} and not found.foreign
    assert found.kept == {("c", "a", 0), ("t0", "a", 9), ("cohort", "throughput.x", 9), ("t0", OUTCOME, 9)}
    assert found.missed == {("t0", "b", 9)}


def test_a_trial_without_an_end_keeps_its_numbers_and_control_rows_wait_for_one(there):
    found = there(CONTROL, record("a"), record("b", status=Status.INTERRUPTED), ended_at=0)
    assert found.outcomes == {} and found.missed == set()
    assert found.kept == {("c", "a", 0), ("t0", "a", 9)}
    assert found.controls == set()  # measured again, since they may not all be there
    assert there(record("a"), end(), ended_at=0).controls == set()  # lost with the start of the journal
    assert there(record("a"), end(), ended_at=0, controls=False).controls == {"digits"}


@pytest.mark.parametrize("status", [Status.DONE, Status.DIVERGED])
def test_what_is_done_or_diverged_is_never_trained_again(there, status):
    records = (CONTROL, record("a"), end(status))
    assert there(*records).outcomes == {"t0": status}
    assert there(*records, ended_at=3).outcomes == {"t0": status}


def test_what_failed_is_tried_again_only_where_the_run_had_come_to_its_end(there, begun):
    records = (CONTROL, record("a"), TIMES, end(Status.FAILED))
    standing = there(*records, ended_at=0)
    assert standing.outcomes == {"t0": Status.FAILED} and ("t0", "a", 9) in standing.kept
    assert tried_again(begun) == 0
    again = there(*records)
    assert again.outcomes == {} and again.kept == {("c", "a", 0)}  # neither its own nor its cohort's numbers
    assert tried_again(begun) == 4
    other = (record("a", trial="t1", model="vae"), record("x", trial="k", model="vae", seed=None))
    assert there(*records, *other).kept == {("c", "a", 0), ("t1", "a", 9), ("k", "x", 9)}
    # it failed again after it was begun again: its second end stands
    assert there(*records, end(Status.FAILED), ended_at=4).outcomes == {"t0": Status.FAILED}


def test_control_rows_that_failed_are_measured_again_where_the_run_had_ended(there):
    failed = record("b", trial="c", model="real", seed=None, step=0, status=Status.FAILED)
    records = (CONTROL, failed, record("a"), end())
    for begun_after in (0, 1):  # it failed in the attempt that goes on
        assert there(*records, ended_at=begun_after).missed == {("c", "b", 0)}
    assert there(*records, ended_at=2).missed == set()
    again = there(*records)
    assert again.missed == set() and again.controls == set() and ("c", "a", 0) in again.kept
    mended = record("b", trial="c", model="real", seed=None, step=0)
    assert there(*records, mended).controls == {"digits"}


def test_of_other_code_only_what_is_finished_and_control_rows_stand(there, begun):
    begun.progress.mkdir()
    (begun.progress / "x.safetensors").write_bytes(b"")
    mine = (CONTROL, record("a"), TIMES, end(), record("a", trial="t1", seed=1))
    found = there(*mine, ended_at=0, maker={**MAKER, "genbench": "other"})
    assert found.foreign and found.outcomes == {"t0": Status.DONE}
    assert found.kept == {("c", "a", 0), ("t0", "a", 9), ("t0", OUTCOME, 9)}
    assert not begun.progress.exists()


def test_numbers_of_a_cohort_are_counted_with_those_of_its_trials(planned):
    _, (gan, vae) = planned()
    ids = [trial.id for trial in gan.trials]
    kept = frozenset({(ids[0], "a", 1), (ids[1], "a", 1), (gan.id, "b", 1), (vae.id, "b", 1)})
    assert Earlier(kept=kept, missed=frozenset({(ids[0], "c", 1)})).records_of(gan) == 4
