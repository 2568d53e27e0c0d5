"""The same suite says the same: again, in another process or order, alone; and how far the rest moves."""

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from same_records import by_key, differences, is_time, tensors_of

from genbench.runner import job, on_dataset, sample, scribe
from genbench.runner.job import run
from genbench.store import rundir
from genbench.suite.load import load_suite

SUITE = """
name = "same"
seeds = 2
samples = 60
measures = ["modes", "quality"]

[train]
steps = 8
batch_size = 8
compile = "never"
precision = "float32"

[[dataset]]
name = "digits"

[[model]]
name = "gan"
latent = 8
generator = { hidden = [16], batch_norm = true }
discriminator = { hidden = [16] }

[[model]]
name = "ns_gan"
label = "conv"
latent = 8
generator = { name = "conv", channels = [3, 4], dense = 8 }
discriminator = { name = "conv", channels = [3, 4], dense = 8 }

[[model]]
name = "vae"
latent = 4
encoder = { hidden = [16] }
decoder = { hidden = [16] }
"""

PROGRAM = """
import sys
from genbench.runner import job
from genbench.suite.load import load_suite
job.publish = job.write_report = lambda *_: None
job.run(load_suite(sys.argv[1]), out=sys.argv[2])
"""

ALL_MODELS = "grids/digits.png"
"""The picture with a row a model: another order is another picture."""

ROUNDING = 1e-4
"""What ten steps may make of another order of adding up: measured 1.4e-7 over forty (see docs/)."""


@pytest.fixture
def _only_numbers(monkeypatch):
    """No control rows, pictures, tables and pages: they are another test's."""
    monkeypatch.setattr(on_dataset, "measure_controls", lambda *_, **__: None)
    monkeypatch.setattr(job, "publish", lambda *_: None)
    monkeypatch.setattr(job, "write_report", lambda *_: None)
    monkeypatch.setattr(sample, "write_scatter", lambda *_, **__: None)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """The suite's file, as it stands or with its models in the other order."""
    folder = tmp_path_factory.mktemp("same")
    head, *models = SUITE.split("[[model]]")
    turned = "[[model]]".join([head, *(f"{model.rstrip()}\n\n" for model in reversed(models))])
    (folder / "same.toml").write_text(SUITE)
    (folder / "turned.toml").write_text(turned)
    return lambda name="same": folder / f"{name}.toml"


@pytest.fixture(scope="module")
def first(suite, tmp_path_factory):
    """The run that all others are held to: everything but what is made of its records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "publish", lambda *_: None)
        patch.setattr(job, "write_report", lambda *_: None)
        return run(load_suite(suite()), out=tmp_path_factory.mktemp("first")).path


@pytest.mark.usefixtures("_only_numbers")
@pytest.mark.run
def test_twice_in_a_row(tmp_path):
    (tmp_path / "twice.toml").write_text(
        'name = "twice"\nseeds = 2\nsamples = 50\nmeasures = ["known_modes"]\n'
        '[train]\nsteps = 3\nbatch_size = 8\ncompile = "never"\n[[dataset]]\nname = "ring"\n'
        '[[model]]\nname = "vae"\nlatent = 2\nencoder = { hidden = [4] }\ndecoder = { hidden = [4] }\n'
    )
    one, two = (run(load_suite(tmp_path / "twice.toml"), out=tmp_path / name).path for name in "ab")
    assert differences(one, two) == []
    assert len(by_key(one)) == 30
    lines = [(run / "records.jsonl").read_bytes().count(b"\n") for run in (one, two)]
    assert lines[0] == lines[1]  # nothing is written twice


@pytest.mark.run
def test_what_is_not_the_same_is_told(tmp_path, numbers_of_a_run):
    """Of a changed number, one that is lacking, a curve and a parameter, each is found; of times, none."""
    a, b = numbers_of_a_run(tmp_path / "a"), numbers_of_a_run(tmp_path / "b", clock=2.0)
    assert differences(a, b) == []
    other = numbers_of_a_run(tmp_path / "c", fid=1.0 + 2**-52, weight=1e-45, loss="0.1", grids=False)
    found = differences(a, other)
    assert len(found) == 4
    assert found[0].startswith("quality.fid of vae on digits, seed 0, step 3 (t): value is 1.0 and 1.000000")
    assert found[1:] == [
        "trials/t/checkpoint.safetensors: params|G|w differs by 1.4e-45 at most",
        "trials/t/curves.jsonl differs",
        "only in a: grids/digits.png",
    ]
    assert differences(other, a)[3] == "only in a: grids/digits.png"


@pytest.fixture
def numbers_of_a_run():
    """Writes what a run of one trial leaves, as it is told."""
    from safetensors.numpy import save_file

    from genbench.core.record import Better, Record, Status
    from genbench.store.journal import Journal

    def write(path, *, fid=1.0, clock=1.0, weight=0.0, loss="0.10", grids=True):
        trial = path / "trials" / "t"
        trial.mkdir(parents=True)
        with Journal(path / "records.jsonl") as journal:
            for metric, value in (("quality.fid", fid), ("cost.seconds", clock)):
                journal.append(
                    Record(
                        run=path.name,
                        suite="s",
                        trial="t",
                        model="vae",
                        dataset="digits",
                        seed=0,
                        step=3,
                        metric=metric,
                        value=value,
                        error=None,
                        unit="",
                        better=Better.LOWER,
                        n=1,
                        lanes=1,
                        status=Status.DONE,
                        reason="",
                        env=path.name,
                        code=path.name,
                        at=path.name,
                    )
                )
        save_file(
            {"params|G|w": np.full(3, weight, np.float32)},
            trial / "checkpoint.safetensors",
            metadata={"genbench": f'{{"step": 3, "code": "{path.name}"}}'},
        )
        (trial / "curves.jsonl").write_text(f'{{"step": 3, "loss": {loss}}}\n')
        (path / "grids").mkdir()
        if grids:
            (path / "grids" / "digits.png").write_bytes(b"png")
        return path

    return write


@pytest.mark.run
@pytest.mark.parametrize("threads", [1, 2])
def test_another_process(first, suite, tmp_path, threads):
    """With other hashes, another folder, time zone and language; a second thread may add up otherwise."""
    elsewhere = {"PYTHONHASHSEED": "4321", "TZ": "Pacific/Auckland", "LC_ALL": "C", "LANG": "C"}
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(suite()), str(tmp_path / "out")],
        check=True,
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, **elsewhere, "OMP_NUM_THREADS": str(threads)},
    )
    (again,) = (tmp_path / "out" / "same").iterdir()
    if threads == 1 == int(os.environ["OMP_NUM_THREADS"]):
        assert differences(first, again) == []
    assert by_key(first).keys() == by_key(again).keys()
    assert_parameters_are_near(first, again, compared=6)


@pytest.mark.run
@pytest.mark.usefixtures("_only_numbers")
def test_order_and_company_change_nothing(first, suite, tmp_path):
    turned = run(load_suite(suite("turned")), out=tmp_path / "turned").path
    alone = run(load_suite(suite(), only=["conv"]), out=tmp_path / "alone").path
    looked = run(load_suite(suite(), set_=["train.evaluate_every=3"]), out=tmp_path / "looked").path
    for other in (turned, alone, looked):
        numbers = [what for what in differences(other, first) if not what.startswith((ALL_MODELS, "only in"))]
        if other == looked:  # the losses of a look are means of fewer steps
            numbers = [what for what in numbers if not what.endswith("curves.jsonl differs")]
        assert numbers == []
    assert {key[1] for key in by_key(alone)} == {"conv"}
    assert by_key(alone).keys() <= by_key(first).keys()
    mine = {key for key in by_key(first) if key[1] in ("gan", "conv", "vae")}
    assert by_key(turned).keys() == mine < by_key(looked).keys()


@pytest.mark.run
@pytest.mark.usefixtures("_only_numbers")
def test_lanes_add_up_in_another_order_and_move_by_rounding_alone(first, suite, tmp_path):
    by_one = run(load_suite(suite(), set_=["train.lanes=1"]), out=tmp_path / "one").path
    more = run(load_suite(suite(), set_=["train.lanes=1"], seeds=3), out=tmp_path / "more").path
    assert_parameters_are_near(first, by_one, compared=6)
    one, all_ = by_key(by_one), by_key(first)
    checked = 0
    for key, record in one.items():
        if key[3] is not None and not is_time(record.metric) and record.value is not None:
            assert record.value == pytest.approx(all_[key].value, rel=0.02, abs=0.02), key
            checked += 1
    assert checked > 6 * 10
    # two seeds are the first two of three
    grown = [what for what in differences(by_one, more) if not what.startswith(("grids/", "only in"))]
    assert grown == []
    assert one.keys() < by_key(more).keys()


def assert_parameters_are_near(a: Path, b: Path, *, compared: int) -> None:
    """Parameters of all trials agree but for rounding."""
    files = sorted(a.glob("trials/*/checkpoint.safetensors"))
    assert len(files) == compared
    for file in files:
        one, two = tensors_of(file), tensors_of(b / file.relative_to(a))
        for name in (name for name in one if name.startswith("params")):
            far = np.linalg.norm(one[name] - two[name])
            assert far <= ROUNDING * np.linalg.norm(one[name]) + 1e-6, (file, name)


class Jumps(datetime):
    """A clock that somebody sets again and again."""

    asked = 0

    @classmethod
    def now(cls, tz=None):
        cls.asked += 1
        return datetime.now(tz) + timedelta(hours=(0, -5, 48, -9600, 1)[cls.asked % 5])


@pytest.mark.run
def test_a_clock_that_jumps_changes_nothing_but_what_it_says(tiny_suite, finished, monkeypatch, tmp_path):
    monkeypatch.setattr(scribe, "datetime", Jumps)
    monkeypatch.setattr(rundir, "datetime", Jumps)
    monkeypatch.setattr(time, "time", lambda: Jumps.now().timestamp())
    result = run(tiny_suite("train.evaluate_every=8"), out=tmp_path)
    assert not differences(finished.path, result.path)
    assert Jumps.asked > 100
    at = [record.at for record in result.records]
    assert sorted(at) != at
    assert all(r.value >= 0 for r in result.records if r.metric == "cost.seconds")
    assert min(json.loads((result.path / "timing.json").read_text())[0]["phases_s"].values()) >= 0
