"""A run that was cut short is continued, and ends with the records of one that was not."""

import json
import os
import shutil
import signal

import pytest

from genbench.analyse.standing import current
from genbench.core.errors import OutputError, SuiteError, Unfinished
from genbench.core.record import OUTCOME, Status
from genbench.core.registry import models
from genbench.runner import attempt, earlier, job
from genbench.runner.job import run
from genbench.store import journal
from genbench.store.claim import claimed, tried_again

CHEAP = (
    "measures=['modes']",
    "samples=50",
    "train.steps=96",
    "train.evaluate_every=32",
    "train.save_every=32",
)


@pytest.fixture(autouse=True)
def _no_report(monkeypatch):
    monkeypatch.setattr(job, "write_report", lambda directory: None)
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda *a: None)
    # helpers of the tests may be edited while they run; the code that trains is the same
    monkeypatch.setattr(earlier, "code_identity", lambda: "code")


def essence(records):
    times = ("cost.seconds", "target.seconds", "throughput.")
    return [
        (r.trial, r.model, r.seed, r.step, r.metric, r.value, r.error, r.status, r.reason, r.n, r.lanes)
        for r in records
        if not r.metric.startswith(times) and r.status is not Status.INTERRUPTED
    ]


@pytest.fixture(scope="module")
def straight(tiny_suite, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "write_report", lambda directory: None)
        patch.setattr("genbench.runner.publish.write_plots", lambda *a: None)
        return run(tiny_suite(*CHEAP), out=tmp_path_factory.mktemp("straight"))


class Killed(BaseException):
    """As if the process ended here: nothing is written for it."""


def cut_short(suite, out, monkeypatch, count=10**6, before="", half=False):
    """Run until so many records are written, or the first one of a model, perhaps half of it; and die."""
    real, written = journal.Journal.append, []

    def append(own, record):
        if len(written) == count or record.model == before:
            if half:
                os.write(own._file, record.to_json().encode()[:40])
            raise Killed
        real(own, record)
        written.append(record)

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "append", append)
        with pytest.raises(Killed):
            run(suite, out=out, go_on=True)


@pytest.mark.parametrize(
    "share", [*(pytest.param(share, marks=pytest.mark.run) for share in (0.2, 0.45, 0.97)), 0.75]
)
def test_killed_at_a_record_it_is_continued(tiny_suite, straight, told, monkeypatch, tmp_path, share):
    suite, count = tiny_suite(*CHEAP), int(share * len(straight.records))
    cut_short(suite, tmp_path, monkeypatch, count, half=True)
    (begun,) = (tmp_path / "tiny").iterdir()
    result = run(suite, out=tmp_path, go_on=True, reporter=told)
    assert result.path == begun and any("is continued; --fresh" in note for note in told.notes)
    assert essence(result.records) == essence(straight.records)
    for trial in {r.trial for r in straight.records if r.metric == OUTCOME}:
        for file in ("checkpoint.safetensors", "curves.jsonl"):
            one, other = (r.directory.trials / trial / file for r in (straight, result))
            if file == "curves.jsonl" or one.read_bytes() != other.read_bytes():
                assert _content(one) == _content(other), file
    # what has come to its end is not continued
    assert tried_again(result.directory) is None and not result.directory.progress.exists()


def _content(path):
    if path.suffix == ".jsonl":
        return path.read_text()
    from safetensors.numpy import load_file

    return {name: tensor.tobytes() for name, tensor in load_file(path).items()}


@pytest.mark.run
def test_a_damaged_line_is_measured_again(tiny_suite, straight, told, monkeypatch, tmp_path):
    suite = tiny_suite(*CHEAP)
    cut_short(suite, tmp_path, monkeypatch, len(straight.records) - 3)
    (path,) = (tmp_path / "tiny").iterdir()
    records = path / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    mine = [place for place, line in enumerate(lines) if b'"seed":1' in line and b'"model":"gan"' in line]
    lines[mine[-3]] = lines[mine[-3]].replace(b'"value"', b'"vaIue"')
    records.write_bytes(b"".join(lines))
    # and killed again as soon as it is mended, and once more while what was lost is made again
    cut_short(suite, tmp_path, monkeypatch, 0)
    assert records.with_name("records.damaged-1.jsonl").exists()
    cut_short(suite, tmp_path, monkeypatch, 20)
    result = run(suite, out=tmp_path, go_on=True, reporter=told)
    assert sorted(map(str, essence(result.records))) == sorted(map(str, essence(straight.records)))


@pytest.mark.run
def test_a_signal_while_an_outcome_is_written_loses_no_trial(tiny_suite, straight, monkeypatch, tmp_path):
    suite, real = tiny_suite(*CHEAP), journal.Journal.append

    def append(own, record):
        real(own, record)
        if record.metric == OUTCOME and record.model == "gan":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "append", append)
        assert run(suite, out=tmp_path, go_on=True).interrupted
    result = run(suite, out=tmp_path, go_on=True)
    assert essence(current(result.records)) == essence(current(straight.records))
    assert result.failed == 0


@pytest.mark.run
def test_elsewhere_what_was_in_training_is_one_training(tiny_suite, straight, told, monkeypatch, tmp_path):
    suite = tiny_suite(*CHEAP)
    cut_short(suite, tmp_path, monkeypatch, int(0.9 * len(straight.records)))
    (begun,) = (tmp_path / "tiny").iterdir()
    before = (begun / "records.jsonl").read_text()
    done = {
        record.trial for record in journal.read_records(begun / "records.jsonl") if record.metric == OUTCOME
    }
    kept = {trial: (begun / "trials" / trial / "checkpoint.safetensors").stat().st_mtime_ns for trial in done}
    monkeypatch.setattr(earlier, "code_identity", lambda: "other code")
    result = run(suite, out=tmp_path, resume=begun, reporter=told)
    assert any("with other code or on another machine" in text for text in told.warnings)
    assert (begun / "records.jsonl").read_text().startswith(before)
    assert kept == {t: (begun / "trials" / t / "checkpoint.safetensors").stat().st_mtime_ns for t in done}
    new = result.records[before.count("\n") :]
    begun_again = {record.trial for record in new if record.metric == OUTCOME}
    assert begun_again and not begun_again & done
    for trial in begun_again:  # all of it, from its first evaluation on
        own = [(r.metric, r.step) for r in straight.records if r.trial == trial]
        assert [(r.metric, r.step) for r in new if r.trial == trial] == own


def test_one_process_at_a_time(tiny_suite, straight, told):
    suite, out = tiny_suite(*CHEAP), straight.path.parent.parent
    with claimed(straight.directory), pytest.raises(OutputError, match="written by another process"):
        run(suite, out=out, resume=straight.path)


def test_what_is_another_run_is_not_continued(tiny_suite, straight, told, monkeypatch, tmp_path):
    suite = tiny_suite(*CHEAP, only=["vae"], seeds=1)
    cut_short(suite, tmp_path, monkeypatch, 3)
    (begun,) = (tmp_path / "tiny").iterdir()

    def begins(suite, reporter=told, **options):
        reporter.notes.clear()
        with monkeypatch.context() as patch:
            patch.setattr(job, "_work", lambda *a: True)  # only which directory it is
            return run(suite, out=tmp_path, reporter=reporter, **options).path

    def gone(path):
        assert path != begun
        shutil.rmtree(path)

    assert begins(suite, go_on=True) == begun
    gone(begins(tiny_suite(*CHEAP, "samples=60", only=["vae"], seeds=1), go_on=True))
    with claimed(earlier.RunDirectory(begun)):
        gone(begins(suite, go_on=True))
    assert any("at work now; this is another one" in note for note in told.notes)
    with monkeypatch.context() as patch:
        patch.setattr(earlier, "code_identity", lambda: "other code")
        gone(begins(suite, go_on=True))
    assert any("begun with another genbench: this is a new run" in note for note in told.notes)
    another = begins(suite)  # nobody asked to go on
    assert another != begun
    (another / "unfinished.json").unlink()
    gone(begins(suite, go_on=True))  # the newest one has come to its end


@pytest.mark.run
def test_what_failed_is_tried_again_only_in_a_run_that_had_ended(tiny_suite, told, monkeypatch, tmp_path):
    suite = tiny_suite(*CHEAP)
    real = attempt.train_cohort

    def gan_fails(cohort, *rest, **options):
        if cohort.model.label == "gan":
            raise ValueError("not today")
        return real(cohort, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(attempt, "train_cohort", gan_fails)
        cut_short(suite, tmp_path, monkeypatch, before="vae")
    (begun,) = (tmp_path / "tiny").iterdir()
    result = run(suite, out=tmp_path, go_on=True, reporter=told)
    ends = {(r.model, r.seed): r.status for r in result.records if r.metric == OUTCOME}
    assert result.path == begun and result.failed == 2 and len(ends) == 4
    again = run(suite, out=tmp_path, resume=begun, reporter=told)
    assert again.failed == 0 and again.path == begun
    assert sum(r.metric == OUTCOME for r in again.records) == 6


@pytest.mark.run
def test_a_disk_that_fills_stops_the_run_and_the_command_continues_it(
    tiny_suite, straight, told, monkeypatch, tmp_path
):
    suite, sync, calls = tiny_suite(*CHEAP), os.fsync, []

    def full(file):
        calls.append(file)
        if len(calls) > 150:
            raise OSError(28, "No space left on device")
        sync(file)

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(Unfinished, match=r"No space left .* of 4 trials are done.*The same command"):
            run(suite, out=tmp_path, go_on=True)
    result = run(suite, out=tmp_path, go_on=True, reporter=told)
    assert essence(result.records) == essence(straight.records)


def test_a_plugin_that_was_changed_is_another_maker(monkeypatch):
    environment = {"device": "any"}
    before = earlier.maker_here(environment)
    monkeypatch.setattr(earlier, "plugins", lambda: {"mine.py": "abc"})
    after = earlier.maker_here(environment)
    assert [name for name in before if before[name] != after[name]] == ["plugin"]
    assert models.names()


def test_fresh_and_resume_exclude_each_other(tmp_path):
    from genbench.cli.verbs.run import run as verb

    with pytest.raises(SuiteError, match="Give one of them"):
        verb(tmp_path / "no.toml", fresh=True, resume="latest")


def test_the_mark_says_whose_the_run_is(tiny_suite, monkeypatch, tmp_path):
    cut_short(tiny_suite(*CHEAP, only=["vae"], seeds=1), tmp_path, monkeypatch, 2)
    (mark,) = tmp_path.glob("tiny/*/unfinished.json")
    content = json.loads(mark.read_text())
    assert content["pid"] == os.getpid() and content["again"] == 0
    assert set(content["maker"]) == {"genbench", "machine or packages", "number of threads", "plugin"}


def test_a_signal_is_heeded_between_two_blocks_and_loses_nothing(
    tiny_suite, straight, told, monkeypatch, tmp_path
):
    suite = tiny_suite(*CHEAP[:3], "train.evaluate_every=32")
    real, updates = attempt.train_cohort, []

    def signalled(part, **rest):
        reporter = rest["reporter"]

        class Once:
            def __getattr__(self, name):
                return getattr(reporter, name)

            def step(self, step, speed, losses):
                updates.append((part.model.label, step))
                if part.model.label == "vae" and step == 64:
                    os.kill(os.getpid(), signal.SIGINT)

        return real(part, **{**rest, "reporter": Once()})

    monkeypatch.setattr(attempt, "train_cohort", signalled)
    first = run(suite, out=tmp_path, go_on=True)
    assert first.interrupted and (first.done, first.planned) == (2, 4)
    assert updates == [("gan", 32), ("gan", 64), ("gan", 96), ("vae", 32), ("vae", 64)]
    updates.clear()
    second = run(suite, out=tmp_path, go_on=True, reporter=told)
    assert updates == [("vae", 96)]  # nothing was trained twice
    assert any("vae on digits, 2 seeds: continued from step 64" in note for note in told.notes)
    assert essence(second.records) == essence(straight.records)
