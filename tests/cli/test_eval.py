"""``genbench eval``."""

import json
import re

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def one_draw(monkeypatch):
    """Of each control row: what is tested is the same for three."""
    monkeypatch.setattr("genbench.runner.control_rows.CONTROL_SEEDS", 1)


@pytest.fixture(scope="module")
def images():
    from genbench.core.registry import datasets

    return datasets.get("digits")().load().train_examples


@pytest.fixture
def file(fresh_folder, images):
    np.save("mine.npy", images[:200])
    return "mine.npy"


@pytest.mark.run
def test_samples_of_a_run_are_scored_like_the_run(genbench, results, fresh_folder):
    (checkpoint, *_) = sorted(results.glob("tiny/*/trials/*/checkpoint.safetensors"))
    assert genbench("sample", str(checkpoint), "-n", "200", "-o", "x.npy").code == 0
    said = genbench("eval", "x.npy", "--dataset", "digits")
    assert said.code == 0
    assert "warning" not in re.sub("warning: x has 200 samples: .*", "", said.err)
    for text in ("digits: sample quality", "digits: mode coverage", "digits: memorization", "suite eval"):
        assert text in said.out
    for row in ("x", "expected", "real", "memorized", "collapsed", "gaussian", "noise"):
        assert re.search(rf"^{row} ", said.out, re.MULTILINE), row
    assert {path.name for path in fresh_folder.iterdir()} <= {"x.npy", "tiny.toml", "cache"}


@pytest.mark.run
def test_a_range_that_begins_with_a_minus(genbench, images):
    np.save("tanh.npy", (images[:200] / 127.5 - 1).astype(np.float32))
    np.save("bytes.npy", images[:200])
    said = genbench(
        "eval", "tanh.npy", "bytes.npy", "--range", "-1.0 : 1", "--dataset", "digits", "--format", "csv"
    )
    rows = [line.split(",") for line in said.out.splitlines()]
    scores = {name: [row[7:12] for row in rows if row[4] == name] for name in ("tanh", "bytes")}
    assert said.code == 0 and scores["tanh"] == scores["bytes"] != []
    assert "bytes.npy is uint8, in which 0 is black and 255 white always: --range -1:1 is for" in said.err


@pytest.mark.run
def test_a_plugin_brings_a_dataset_and_a_measure(genbench, file, fresh_folder, monkeypatch):
    (fresh_folder / "plugin.py").write_text(PLUGIN)
    from genbench.core.registry import datasets, measures

    try:
        said = genbench(
            "eval",
            file,
            "--dataset",
            "few_digits",
            "--set",
            "count=300",
            "--plugin",
            "plugin.py",
            "--format",
            "csv",
        )
        assert said.code == 0 and "few digits" in said.out and "brightness.mean" in said.out
        with monkeypatch.context() as patch:
            patch.setattr(measures.get("brightness"), "__call__", lambda *_: 1 / 0)
            broken = genbench(
                "eval", file, "--dataset", "few_digits", "--set", "count=300", "--format", "csv"
            )
        assert broken.code == 3 and "ZeroDivisionError" in broken.err
        said = genbench("eval", file, "--dataset", "few_digits", "--set", "count=x", "--plugin", "plugin.py")
        assert said.code == 2 and "few_digits.count: expected a whole number (got 'x')" in said.err
    finally:
        for registry, name in ((datasets, "few_digits"), (measures, "brightness")):
            registry._things.pop(name, None)
            registry._origins.pop(name, None)


PLUGIN = """
from dataclasses import dataclass, replace
from typing import ClassVar
from genbench.core.record import Better, Column
from genbench.core.registry import datasets, measures
from genbench.data.digits import Digits
from genbench.measures.evidence import Reading

@datasets.register("few_digits")
@dataclass(frozen=True)
class Few:
    count: int = 9

    def load(self):
        all = Digits().load()
        return replace(
            all,
            info=replace(all.info, name="few digits"),
            train_examples=all.train_examples[: self.count],
            train_labels=all.train_labels[: self.count],
        )

    def locate(self):
        return "here"

@measures.register("brightness")
@dataclass(frozen=True)
class Brightness:
    columns: ClassVar = (Column("brightness.mean", "", Better.NEITHER),)
    per_cohort: ClassVar = False

    def __call__(self, evidence):
        yield Reading(self.columns[0], evidence.samples[:].float().mean().item(), n=len(evidence.samples))
"""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["nope.npy", "--dataset", "digits"],
            r"there is nothing at nope.npy. Give a .npy or .npz file, or a fol",
        ),
        (["mine.npy", "--dataset", "digtis"], r"unknown dataset 'digtis'. Did you mean 'digits'\? Valid: "),
        (["mine.npy", "--dataset", "mnist"], r"MNIST is not to be had. Tried: "),
        (["mine.npy", "--dataset", "ring"], r"mine.npy holds uint8; points are floating-point numbers"),
        (["mine.npy", "--dataset", "ring", "--range", "0:1"], r"--range: samples of 'ring' are points"),
        (["mine.npy", "--dataset", "digits", "--set", "x"], r"--set x: expected key=value"),
        (["mine.npy", "--dataset", "digits", "--set", "a=1"], r"digits.a: unknown option 'a'"),
        (["mine.npy", "--dataset", "digits", "--set", "name=ring"], r"digits.name: unknown option 'name'"),
        (
            ["mine.npy", "--dataset", "digits", "--range", "1"],
            r"--range 1: expected two numbers, the lower first",
        ),
        (
            ["mine.npy", "--dataset", "digits", "--range", "0:1"],
            r"--range 0:1: mine.npy is uint8, in which 0",
        ),
        (
            ["mine.npy", "--dataset", "digits", "--range", "-1.0 : 1"],
            r"--range -1:1: mine.npy is uint8, in which 0",
        ),
        (["mine.npy", "--dataset", "digits", "--range", "0:1:2"], r"--range 0:1:2: expected two numbers"),
        (
            ["mine.npy", "--dataset", "digits", "--range", "1:1"],
            r"--range 1:1: expected two numbers",
        ),
        (["mine.npy", "--dataset", "digits", "--range", "nan:1"], r"--range nan:1: expected two numbers"),
        (["mine.npy", "--dataset", "digits", "--plugin", "no.py"], r"no plugin file at no.py"),
        (["tiny.toml", "--dataset", "digits"], r"tiny.toml holds no samples that can be read"),
        (
            [".", "--dataset", "digits"],
            r"the folder \. has no images .* It has floats.npy, mine.npy, tiny.toml",
        ),
        (["floats.npy", "--dataset", "digits"], r"floats.npy holds float64 .* --range 0:1"),
    ],
)
def test_wrong_input_is_one_paragraph(genbench, file, images, arguments, text):
    np.save("floats.npy", images[:20] / 255)
    said = genbench("eval", *arguments)
    assert said.code == 2 and said.out == ""
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert re.search(text, said.err), said.err


@pytest.mark.parametrize(
    "arguments",
    [[], ["mine.npy"], ["--dataset", "digits"], ["mine.npy", "--dataset", "digits", "--format", "xml"]],
)
def test_wrong_usage(genbench, file, arguments):
    said = genbench("eval", *arguments)
    assert said.code == 2 and "Usage: genbench eval" in said.err


@pytest.mark.run
def test_warnings_are_apart_from_the_table(process, file, images):
    np.save("few.npy", images[:70])
    with process("eval", file, "few.npy", "--dataset", "digits", "--format", "json", COLUMNS="60") as running:
        out, err = running.communicate()
    assert running.returncode == 0 and json.loads(out)
    first, *others = err.splitlines()
    assert first.startswith("warning: the numbers of samples differ (mine 200, few 70), and so do the scores")
    assert all(line.startswith("warning: ") for line in others)
