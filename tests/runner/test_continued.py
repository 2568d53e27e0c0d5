"""A run that was cut short is continued, and ends with the records of one that was not."""

import errno
import os
import signal
import sys
from random import Random

import pytest
from same_records import differences

from genbench.core.errors import Unfinished
from genbench.core.record import OUTCOME, Status
from genbench.runner import attempt, earlier, job
from genbench.runner.job import run
from genbench.store import journal
from genbench.store.claim import tried_again
from genbench.store.journal import read_records

CHEAP = (
    "measures=['modes']",
    "samples=50",
    "train.steps=96",
    "train.evaluate_every=32",
    "train.save_every=32",
)

KILLED = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    monkeypatch.setattr(job, "write_report", lambda directory: None)
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda *a: None)
    # helpers of the tests may be edited while they run; the code that trains is the same
    monkeypatch.setattr(earlier, "code_identity", lambda: "code")


@pytest.fixture(scope="module")
def straight(tiny_suite, tmp_path_factory):
    """The run that nothing happens to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "write_report", lambda directory: None)
        patch.setattr("genbench.runner.publish.write_plots", lambda *a: None)
        return run(tiny_suite(*CHEAP), out=tmp_path_factory.mktemp("straight"))


def killed(doing, *arguments, **options):
    """Do it in a process of its own, which has to end by SIGKILL."""
    child = os.fork()
    if child == 0:  # pragma: no cover - it is killed
        try:
            doing(*arguments, **options)
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, os.waitstatus_to_exitcode(status)


def killed_at_record(suite, out, count):
    """Run until so many records are written and half of the next; there the process is killed."""

    def work():
        real, written = journal.Journal.append, []

        def append(own, record):
            if len(written) == count:
                os.write(own._file, record.to_json().encode()[:40])
                os.kill(os.getpid(), signal.SIGKILL)
            real(own, record)
            written.append(record)

        journal.Journal.append = append
        run(suite, out=out, go_on=True)

    killed(work)


def keys(path):
    """Subject of each record of a journal; a list, so that a record that is there twice counts twice."""
    return sorted(
        (r.trial, r.model, str(r.seed), r.step, r.metric)
        for r in read_records(path / "records.jsonl")
        if r.status is not Status.INTERRUPTED
    )


@KILLED
@pytest.mark.run
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_a_random_record_it_ends_with_the_same_records(tiny_suite, straight, told, tmp_path, seed):
    suite, end = tiny_suite(*CHEAP), len(straight.records)
    first = Random(seed).randrange(end)
    killed_at_record(suite, tmp_path, first)
    (begun,) = (tmp_path / "tiny").iterdir()
    assert len(read_records(begun / "records.jsonl")) == first
    if seed % 2:  # and once more on the way
        killed_at_record(suite, tmp_path, Random(-seed).randrange(end - first))
    result = run(suite, out=tmp_path, go_on=True, reporter=told)
    assert result.path == begun and any("is continued; --fresh" in note for note in told.notes)
    assert keys(begun) == keys(straight.path)  # nothing is lost, and nothing repeated
    assert not differences(straight.path, begun)
    assert tried_again(result.directory) is None and not result.directory.progress.exists()


@pytest.mark.run
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
    assert keys(second.path) == keys(straight.path)


def killed_at_file(suite, out, count):
    """Run until so many files below ``out`` were opened, moved or removed; there the process is killed."""

    def work():
        seen = []

        def watch(event, arguments):
            if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(out) in str(arguments[0]):
                seen.append(event)
                if len(seen) == count:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        run(suite, out=out, go_on=True)

    killed(work)


@KILLED
@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_killed_again_and_again_at_any_file_it_is_the_same_run(tiny_suite, straight, tmp_path, seed):
    suite, rng = tiny_suite(*CHEAP), Random(seed)
    for _ in range(3):
        killed_at_file(suite, tmp_path, rng.randint(1, 30))
    result = run(suite, out=tmp_path, go_on=True)
    assert keys(result.path) == keys(straight.path)
    assert not differences(straight.path, result.path)


@pytest.mark.soak
def test_a_damaged_line_is_measured_again(tiny_suite, straight, tmp_path):
    suite = tiny_suite(*CHEAP)
    killed_at_record(suite, tmp_path, len(straight.records) - 3)
    (path,) = (tmp_path / "tiny").iterdir()
    records = path / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    mine = [place for place, line in enumerate(lines) if b'"seed":1' in line and b'"model":"gan"' in line]
    lines[mine[-3]] = lines[mine[-3]].replace(b'"value"', b'"vaIue"')
    records.write_bytes(b"".join(lines))
    killed_at_record(suite, tmp_path, 0)  # as soon as it is mended
    assert records.with_name("records.damaged-1.jsonl").exists()
    result = run(suite, out=tmp_path, go_on=True)
    assert keys(result.path) == keys(straight.path)
    assert not differences(straight.path, result.path)


@pytest.mark.soak
def test_elsewhere_what_was_in_training_is_one_training(tiny_suite, straight, told, monkeypatch, tmp_path):
    suite = tiny_suite(*CHEAP)
    killed_at_record(suite, tmp_path, int(0.9 * len(straight.records)))
    (begun,) = (tmp_path / "tiny").iterdir()
    there = read_records(begun / "records.jsonl")
    done = {record.trial for record in there if record.metric == OUTCOME}
    monkeypatch.setattr(earlier, "code_identity", lambda: "other code")
    result = run(suite, out=tmp_path, resume=begun, reporter=told)
    assert any("with other code or on another machine" in text for text in told.warnings)
    new = read_records(begun / "records.jsonl")[len(there) :]
    begun_again = {record.trial for record in new if record.metric == OUTCOME}
    assert begun_again and not begun_again & done
    for trial in begun_again:  # all of it, from its first evaluation on
        own = [(r.metric, r.step) for r in straight.records if r.trial == trial]
        assert [(r.metric, r.step) for r in new if r.trial == trial] == own
    assert result.failed == 0


@pytest.mark.soak
@pytest.mark.parametrize("full_after", [60, 150])
def test_a_disk_that_fills_stops_the_run_and_the_command_continues_it(
    tiny_suite, straight, monkeypatch, tmp_path, full_after
):
    suite, sync, calls = tiny_suite(*CHEAP), os.fsync, []

    def full(file):
        calls.append(file)
        if len(calls) > full_after:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(file)

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(Unfinished, match=r"No space left .* of 4 trials are done.*The same command"):
            run(suite, out=tmp_path, go_on=True)
    result = run(suite, out=tmp_path, go_on=True)
    assert keys(result.path) == keys(straight.path)
    assert not differences(straight.path, result.path)
