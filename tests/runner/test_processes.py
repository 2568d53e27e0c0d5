"""Cohorts in processes of their own: the same records, and a process that dies costs its own cohort only."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from same_records import differences

from genbench.core import interrupt, registry
from genbench.core.errors import OutputError, Unfinished
from genbench.core.interrupt import ask, is_asked
from genbench.core.record import OUTCOME, Status
from genbench.core.registry import load_plugin
from genbench.runner import job, on_dataset
from genbench.runner.job import run
from genbench.store import journal
from genbench.store.journal import read_records
from genbench.suite.load import load_suite

MORE = (
    "measures=['throughput','modes']",
    "samples=60",
    "train.steps=96",
    "train.evaluate_every=32",
    "train.save_every=48",
)

PLUGIN = '''
"""Models that end their process, or say too much."""
import os, signal, subprocess, sys
from dataclasses import dataclass
from genbench.core.registry import models
from genbench.models.vae import VAE

print("the plugin is read", flush=True)

class Ending:
    def loss(self, nets, batch):
        print("no answer at all", flush=True)
        self.end()
        return VAE.loss(self, nets, batch)

@models.register("killed")
@dataclass(frozen=True, kw_only=True)
class Killed(Ending, VAE):
    """As the system ends what takes too much memory."""

    def end(self):
        os.kill(os.getpid(), signal.SIGKILL)

@models.register("leaves")
@dataclass(frozen=True, kw_only=True)
class Leaves(Ending, VAE):
    """As a library that gives up."""

    def end(self):
        os._exit(7)

@models.register("crashes")
@dataclass(frozen=True, kw_only=True)
class Crashes(Ending, VAE):
    """As a library with a wild pointer."""

    def end(self):
        import ctypes
        sys.stderr = None
        ctypes.string_at(0)

@models.register("prints")
@dataclass(frozen=True, kw_only=True)
class Prints(Ending, VAE):
    """Harmless."""

    def end(self):
        print('{"record": "no record"}', flush=True)
        os.write(1, b'{"done": {}}\\n')
        print(os.read(0, 1), subprocess.run(["head", "-c", "1"], check=True, capture_output=True).stdout)
'''


@pytest.fixture(autouse=True)
def _no_report(monkeypatch):
    monkeypatch.setattr(job, "write_report", lambda directory: None)
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda *a: None)
    monkeypatch.setattr(registry, "_plugins", {})  # of other tests


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "ending.py"
    path.write_text(PLUGIN)
    load_plugin(path)
    yield
    registry.models._forget(f"plugin {path}")


def workers():
    """Processes of this one that work on cohorts."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = status.read_text().rpartition(")")[2].split()[1]
            command = status.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == os.getpid() and b"genbench.runner.worker" in command:
            found.append(int(status.parent.name))
    return found


def outcomes(path):
    ends = [r for r in read_records(path / "records.jsonl") if r.metric == OUTCOME]
    return {(r.model, r.seed): (str(r.status), r.reason) for r in ends}


def test_two_processes_end_with_the_records_of_one(tiny_suite, told, tmp_path):
    suite = tiny_suite(*MORE)
    alone = run(suite, out=tmp_path / "alone")
    side_by_side = run(suite, out=tmp_path / "both", executor="processes:2", reporter=told)
    assert not differences(alone.path, side_by_side.path)
    alones, rows = (list(dict.fromkeys(r.model for r in of.records)) for of in (alone, side_by_side))
    assert rows == alones  # the order of rows in tables
    assert (side_by_side.done, side_by_side.failed) == (4, 0)
    assert {f"{model} on digits, 2 seeds" for model in ("gan", "vae")} <= set(told.begun)
    assert any("s of work in 2 processes: training" in note for note in told.notes)
    assert not list((side_by_side.path / "progress").glob("*"))
    timed = [r for r in side_by_side.records if r.metric.startswith("throughput.") and "lanes" in r.protocol]
    assert timed and {r.protocol["processes"] for r in timed} == {2}
    assert {r.protocol.get("processes") for r in alone.records} == {None}
    assert '"processes": 2' in (side_by_side.path / "environment.json").read_text()
    assert not workers()


@pytest.mark.run
@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("killed", "its process was killed by SIGKILL (perhaps the system was short of memory: "),
        ("leaves", "its process ended with exit code 7 in the middle of the work"),
        ("crashes", "its process was killed by SIGSEGV"),
    ],
)
@pytest.mark.usefixtures("plugin")
def test_a_process_that_dies_costs_its_own_cohort_only(tiny_suite, told, tmp_path, model, reason):
    text = tiny_suite().source
    own = f'[[model]]\nname = "{model}"\nencoder = {{ hidden = [16] }}\ndecoder = {{ hidden = [16] }}\n\n'
    (tmp_path / "tiny.toml").write_text(text.replace("[[model]]", own + "[[model]]", 1))
    suite = load_suite(tmp_path / "tiny.toml", set_=MORE, only=[model, "vae"])
    result = run(suite, out=tmp_path, executor="processes:1", reporter=told)
    ends = outcomes(result.path)
    assert {ends["vae", seed] for seed in (0, 1)} == {("DONE", "")}
    assert all(status == "FAILED" and reason in why for (of, _), (status, why) in ends.items() if of != "vae")
    assert (result.failed, result.done) == (2, 4)
    assert any(reason in warning for warning in told.warnings)
    assert not workers()


MEASURE = """
import os, signal, sys
from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.measures.evidence import Reading

FIRST, SECOND = (Column(f"ending.{name}", "", Better.NEITHER, meaning="none") for name in ("first", "second"))

@measures.register("ending")
class Ending:
    columns, per_cohort = (FIRST, SECOND), False

    def __call__(self, evidence):
        yield Reading(FIRST, 1.0, n=1)
        if evidence.bounds:
            os.kill(os.getpid(), signal.SIGKILL)
        yield Reading(SECOND, 2.0, n=1)
"""


@pytest.fixture
def load(tmp_path):
    """Write a plugin and load it; forgotten after the test."""
    made = []

    def loading(text, name="plugin.py"):
        path = tmp_path / name
        path.write_text(text)
        made.append((path, load_plugin(path).__name__))
        return path

    yield loading
    for path, name in made:
        for things in (registry.models, registry.measures):
            things._forget(f"plugin {path}")
        del sys.modules[name]


def test_numbers_that_are_there_stand_though_the_process_dies_while_it_measures(tiny_suite, load, tmp_path):
    load(MEASURE)
    changes = ("measures=['modes','ending']", "samples=50", "train.steps=96")
    result = run(tiny_suite(*changes, only=["vae"]), out=tmp_path, executor="processes:1")
    mine = [r for r in result.records if r.model == "vae" and r.seed == 0 and r.step == 96]
    found = {r.metric: str(r.status) for r in mine}
    assert len(found) == len(mine) and {r.step for r in mine if r.metric == OUTCOME} == {96}
    assert found["modes.kl"] == found["ending.first"] == "DONE"
    assert found["ending.second"] == found["cost.seconds"] == found[OUTCOME] == "FAILED"


@pytest.mark.run
def test_a_process_that_dies_while_it_has_nothing_to_do_costs_nothing(tiny_suite, monkeypatch, tmp_path):
    def draw(*_):
        for worker in workers():
            os.kill(worker, signal.SIGKILL)

    monkeypatch.setattr(on_dataset, "write_model_picture", draw)
    suite = tiny_suite("measures=['modes']", "samples=50")
    result = run(suite, out=tmp_path, executor="processes:1")
    assert set(outcomes(result.path).values()) == {("DONE", "")} and result.done == 4


def test_a_listener_that_fails_ends_the_cohort_and_not_the_run(tiny_suite, monkeypatch, tmp_path):
    real = journal.Journal.append

    def append(own, record):
        if record.model == "gan" and record.status is Status.DONE:
            raise ValueError("no such thing")
        real(own, record)

    monkeypatch.setattr(journal.Journal, "append", append)
    suite = tiny_suite("measures=['modes']", "samples=50")
    ends = outcomes(run(suite, out=tmp_path, executor="processes:1").path)
    assert {ends["vae", seed] for seed in (0, 1)} == {("DONE", "")}
    assert {ends["gan", seed] for seed in (0, 1)} == {("FAILED", "ValueError: no such thing")}


ELSEWHERE = """
import os
if os.getpid() != {pid}:
    raise RuntimeError("not here")
from genbench.core.registry import models
from genbench.models.vae import VAE
models.register("elsewhere")(type("Elsewhere", (VAE,), {{"__module__": __name__}}))
"""


def test_where_no_process_can_be_set_up_nothing_fails_and_the_run_stops(tiny_suite, load, tmp_path):
    load(ELSEWHERE.format(pid=os.getpid()))
    suite = tiny_suite("measures=['modes']", "samples=50", "model.vae.name='elsewhere'")
    with pytest.raises(Unfinished) as raised:
        run(suite, out=tmp_path / "out", executor="processes:2")
    told = "no process of its own can be set up for this run: plugin "
    assert told in str(raised.value) and "RuntimeError: not here" in str(raised.value)
    (found,) = (tmp_path / "out" / "tiny").iterdir()
    assert outcomes(found) == {} and (found / "unfinished.json").exists()
    assert not workers()


def test_a_plugin_that_was_changed_meanwhile_is_not_mixed_with_what_it_was(tiny_suite, load, tmp_path):
    path = load(MEASURE)
    path.write_text(MEASURE.replace("1.0", "7.0"))
    with pytest.raises(Unfinished, match=r"the plugin plugin\.py was changed while the run was at work"):
        run(tiny_suite("measures=['ending']", only=["gan"]), out=tmp_path / "out", executor="processes:1")


@pytest.mark.parametrize("heard", [b"", b'{"run": "cut o', b'{"run": "x"}\n'])
def test_a_process_whose_orders_end_anywhere_ends_too(heard):
    command = [sys.executable, "-m", "genbench.runner.worker"]
    done = subprocess.run(command, input=heard, capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 1)


@pytest.mark.usefixtures("plugin")
def test_what_a_plugin_prints_is_no_answer(tiny_suite, tmp_path, capfd):
    suite = tiny_suite("measures=['modes']", "samples=50", "model.vae.name='prints'", only=["prints"])
    result = run(suite, out=tmp_path, executor="processes:1")
    assert set(outcomes(result.path).values()) == {("DONE", "")}
    assert "no answer at all" in capfd.readouterr().err


@pytest.mark.run
def test_where_nothing_can_be_written_the_run_stops(tiny_suite, monkeypatch, tmp_path):
    real, written = journal.Journal.append, []

    def append(own, record):
        if record.model == "vae":
            raise OutputError("cannot write here: No space left on device.")
        real(own, record)
        written.append(record)

    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "append", append)
        with pytest.raises(Unfinished, match="No space left on device"):
            run(tiny_suite("measures=['modes']", "samples=50"), out=tmp_path, executor="processes:2")
    assert written and not workers()
    result = run(tiny_suite("measures=['modes']", "samples=50"), out=tmp_path, go_on=True)
    assert set(outcomes(result.path).values()) == {("DONE", "")} and result.done == 4


@pytest.mark.run
@pytest.mark.parametrize("after", ["processes:2", "inline"])
def test_put_down_it_is_continued_by_any_executor(tiny_suite, told, monkeypatch, tmp_path, after):
    suite = tiny_suite(*MORE, "train.steps=1000", "train.evaluate_every=0", "train.save_every=0")
    straight = run(suite, out=tmp_path / "straight")
    monkeypatch.setattr(told, "step", lambda step, *_: ask() if step > 200 else None)
    first = run(suite, out=tmp_path / "put down", executor="processes:2", reporter=told)
    assert first.interrupted and first.done < 4 and not is_asked() and not workers()
    assert "INTERRUPTED" in {status for status, _ in outcomes(first.path).values()}
    monkeypatch.undo()
    told.notes.clear()
    monkeypatch.setattr(job, "write_report", lambda directory: None)
    second = run(suite, out=tmp_path / "put down", executor=after, go_on=True, reporter=told)
    assert second.path == first.path and not second.interrupted
    assert any("continued from step" in note for note in told.notes)
    clocks = [r for r in second.records if r.metric == "cost.seconds" and r.status is Status.DONE]
    assert {r.protocol.get("processes") for r in clocks} == {2}  # in part they were disturbed
    records = second.directory.records
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join(line for line in lines if '"status":"INTERRUPTED"' not in line))
    assert not differences(straight.path, second.path)


@pytest.mark.run
def test_a_second_interrupt_kills(tiny_suite, told, monkeypatch, tmp_path):
    def stop(step, *_):
        if step > 100:
            monkeypatch.setattr(interrupt, "_asked", True)
            monkeypatch.setattr(interrupt, "_urgent", True)
            raise KeyboardInterrupt

    monkeypatch.setattr(told, "step", stop)
    suite = tiny_suite("measures=['modes']", "samples=50", "train.steps=100000")
    began = time.monotonic()
    result = run(suite, out=tmp_path, executor="processes:2", reporter=told)
    assert result.interrupted and not workers()
    assert "INTERRUPTED" in {status for status, _ in outcomes(result.path).values()}
    assert time.monotonic() - began < 100  # to their end it would take many minutes


RUN = """
import sys
from pathlib import Path
from genbench import load_suite, run
run(load_suite(sys.argv[1]), out=sys.argv[2], executor="processes:2", go_on=True)
"""


@pytest.mark.run
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for children")
def test_whoever_is_killed_no_process_is_left_and_the_run_is_continued(tiny_suite, tmp_path):
    """The script is not guarded by ``if __name__``: what works for it does not run it again."""
    straight = run(tiny_suite(*MORE, "train.steps=800"), out=tmp_path / "straight")
    (tmp_path / "tiny.toml").write_text(straight.directory.suite_file.read_text())
    text = (tmp_path / "tiny.toml").read_text()
    for old, new in {
        "samples = 100": "samples = 60\nmeasures = ['throughput','modes']",
        "steps = 20": "steps = 800\nevaluate_every = 32\nsave_every = 48",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "tiny.toml").write_text(text)
    command = [sys.executable, "-c", RUN, tmp_path / "tiny.toml", tmp_path / "killed"]
    for attempt in range(6):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            _, err = process.communicate(timeout=6 + 0.7 * attempt)
        except subprocess.TimeoutExpired:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            process.send_signal(signal.SIGKILL)
            process.wait()
            patience = time.monotonic() + 20
            while any(Path(f"/proc/{child}").exists() for child in children):
                assert time.monotonic() < patience, "a process was left"
                time.sleep(0.05)
            continue
        assert process.returncode == 0, err
        break
    else:
        assert subprocess.run(command, check=False).returncode == 0
    (found,) = (tmp_path / "killed" / "tiny").iterdir()
    assert not differences(straight.path, found)
