"""Cohorts in processes of their own: the same records, and a process that dies costs its own cohort only."""

import os
import sys
from pathlib import Path

import pytest
from same_records import differences

from genbench.core import registry
from genbench.core.errors import Unfinished
from genbench.core.interrupt import ask, is_asked
from genbench.core.record import OUTCOME, Status
from genbench.core.registry import load_plugin
from genbench.runner import job
from genbench.runner.job import run
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
import os, signal
from dataclasses import dataclass
from genbench.core.registry import models
from genbench.models.vae import VAE

print("the plugin is read", flush=True)

@models.register("killed")
@dataclass(frozen=True, kw_only=True)
class Killed(VAE):
    """As the system ends what takes too much memory."""

    def loss(self, nets, batch):
        print('{"record": "no answer at all"}', flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
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


@pytest.mark.run
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


@pytest.mark.soak
@pytest.mark.usefixtures("plugin")
def test_a_process_that_dies_costs_its_own_cohort_only(tiny_suite, told, tmp_path):
    reason = "its process was killed by SIGKILL (perhaps the system was short of memory: "
    text = tiny_suite().source
    own = '[[model]]\nname = "killed"\nencoder = { hidden = [16] }\ndecoder = { hidden = [16] }\n\n'
    (tmp_path / "tiny.toml").write_text(text.replace("[[model]]", own + "[[model]]", 1))
    suite = load_suite(tmp_path / "tiny.toml", set_=MORE, only=["killed", "vae"])
    result = run(suite, out=tmp_path, executor="processes:1", reporter=told)
    ends = outcomes(result.path)
    assert {ends["vae", seed] for seed in (0, 1)} == {("DONE", "")}
    assert all(status == "FAILED" and reason in why for (of, _), (status, why) in ends.items() if of != "vae")
    assert (result.failed, result.done) == (2, 4)
    assert any(reason in warning for warning in told.warnings)
    assert not workers()


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
        registry.models._forget(f"plugin {path}")
        del sys.modules[name]


ELSEWHERE = """
import os
if os.getpid() != {pid}:
    raise RuntimeError("not here")
from genbench.core.registry import models
from genbench.models.vae import VAE
models.register("elsewhere")(type("Elsewhere", (VAE,), {{"__module__": __name__}}))
"""


@pytest.mark.soak
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


@pytest.mark.soak
def test_a_plugin_that_was_changed_meanwhile_is_not_mixed_with_what_it_was(tiny_suite, load, tmp_path):
    path = load("# nothing yet")
    path.write_text("# something else")
    with pytest.raises(Unfinished, match=r"the plugin plugin\.py was changed while the run was at work"):
        run(tiny_suite("measures=['modes']", only=["gan"]), out=tmp_path / "out", executor="processes:1")


@pytest.mark.soak
def test_put_down_it_is_continued_by_any_executor(tiny_suite, told, monkeypatch, tmp_path):
    suite = tiny_suite(*MORE, "train.steps=600", "train.evaluate_every=0", "train.save_every=0")
    straight = run(suite, out=tmp_path / "straight")
    monkeypatch.setattr(told, "step", lambda step, *_: ask() if step > 200 else None)
    first = run(suite, out=tmp_path / "put down", executor="processes:2", reporter=told)
    assert first.interrupted and first.done < 4 and not is_asked() and not workers()
    assert "INTERRUPTED" in {status for status, _ in outcomes(first.path).values()}
    monkeypatch.undo()
    told.notes.clear()
    monkeypatch.setattr(job, "write_report", lambda directory: None)
    second = run(suite, out=tmp_path / "put down", executor="inline", go_on=True, reporter=told)
    assert second.path == first.path and not second.interrupted
    assert any("continued from step" in note for note in told.notes)
    clocks = [r for r in second.records if r.metric == "cost.seconds" and r.status is Status.DONE]
    assert {r.protocol.get("processes") for r in clocks} == {2}  # in part they were disturbed
    records = second.directory.records
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join(line for line in lines if '"status":"INTERRUPTED"' not in line))
    assert not differences(straight.path, second.path)
