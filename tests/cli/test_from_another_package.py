"""docs/extending.md to the letter: what it shows as code works, as a file and as an installed package."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import genbench
from genbench.core.registry import datasets, measures
from genbench.runner.check.target import problems

GUIDE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")

MODULES = {
    "__init__": "",
    "models": """
from dataclasses import dataclass
from typing import ClassVar
from genbench.core.registry import models
from genbench.models.mlp import MLP
from genbench.models.ns_gan import NSGAN


@models.register("apple_gan")
@dataclass(frozen=True, kw_only=True)
class AppleGAN(NSGAN):
    '''The non-saturating GAN with small networks.'''
    version: ClassVar[str] = "1"
    generator: MLP = MLP(hidden=(16,))
    discriminator: MLP = MLP(hidden=(16,))
""",
    "data": """
import numpy as np
import genbench


@genbench.dataset("apple_moons")
def apple_moons(n: int = 400):
    '''Noise on a plane.'''
    return np.random.default_rng(0).normal(size=(n, 2)), np.arange(n) % 2
""",
    "metrics": """
import genbench


@genbench.metric("apple.mean", better="lower", low=0.0)
def mean(samples, reference):
    '''Distance between the means.'''
    return (samples.mean(0) - reference.mean(0)).norm()
""",
}

SUITE = """
name = "apples"
seeds = 2
samples = 60
measures = ["apple.mean"]

[train]
steps = 4
batch_size = 16
compile = "never"
evaluate_every = 2

[[dataset]]
name = "apple_moons"

[[model]]
name = "apple_gan"
"""


def blocks(language: str) -> list[str]:
    """All code of one language in the guide."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def plugin(tmp_path):
    """The guide's code with this in it, as a file; what it registers is gone afterwards."""

    def write(marker):
        (text,) = [block for block in blocks("python") if marker in block]
        path = tmp_path / "mine.py"
        path.write_text(text)
        return path

    yield write
    for registry in (datasets, measures):
        for name in [name for name in registry._things if not registry.is_builtin(name)]:
            del registry._things[name], registry._origins[name]


@pytest.mark.parametrize(
    ("marker", "kind", "name"),
    [
        ('@genbench.dataset("moons")', datasets, "moons"),
        ('@datasets.register("cross")', datasets, "cross"),
        ('@genbench.metric("mine.mean_distance"', measures, "mine.mean_distance"),
        ('@measures.register("tone")', measures, "tone"),
    ],
)
@pytest.mark.run
def test_what_the_guide_shows_is_sound(plugin, marker, kind, name):
    path = plugin(marker)
    assert problems(path) == []
    assert kind.origin(name) == f"plugin {path}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A package with what pip leaves of one that is installed, announced as the guide's pyproject says."""
    (project,) = [p for p in map(tomllib.loads, blocks("toml")) if p["project"]["name"] == "apples"]
    site = tmp_path_factory.mktemp("site")
    for name, text in MODULES.items():
        (site / "apples").mkdir(exist_ok=True)
        (site / "apples" / f"{name}.py").write_text(text)
    info = site / "apples-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: apples\nVersion: 0.1\n")
    lines = []
    for group, points in project["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (site / "rotten-1.0.dist-info").mkdir()  # a neighbour that does not import
    (site / "rotten-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: rotten\nVersion: 1.0\n"
    )
    (site / "rotten-1.0.dist-info" / "entry_points.txt").write_text(
        "[genbench.models]\nrotten = no_such_rotten:Model\n[genbench.measures]\nrotten.x = no_such_rotten:x\n"
    )
    return site


def command(*arguments, cwd, site=None, expect=0):
    """What a command says."""
    paths = [str(site)] if site else []
    paths += [str(Path(genbench.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-m", "genbench", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return done


@pytest.mark.run
@pytest.mark.timeout(600)
def test_model_data_and_metric_of_a_package_run_from_a_fresh_folder(installed, tmp_path):
    (tmp_path / "apples.toml").write_text(SUITE)
    listed = json.loads(command("list", "models", "--json", cwd=tmp_path, site=installed).stdout)
    found = {row["name"]: row for row in listed}
    assert found["apple_gan"]["from"] == "package apples 0.1"
    assert "No module named 'no_such_rotten'" in found["rotten"]["what it is"]
    assert found["gan"]["from"] == "genbench.models.gan"
    command("run", "apples.toml", "--quiet", cwd=tmp_path, site=installed)
    # records are complete without the package that made them
    shown = command("show", "apples/latest", "--format", "csv", cwd=tmp_path).stdout
    assert "apple_moons" in shown
    assert "apple.mean" in shown
    (run,) = [path for path in (tmp_path / "results" / "apples").iterdir() if not path.is_symlink()]
    records = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    of_metric = [r for r in records if r["metric"] == "apple.mean"]
    assert {r["model"] for r in of_metric} == {
        "apple_gan", "real", "memorized", "collapsed", "gaussian", "noise",
    }  # fmt: skip
    assert {r["step"] for r in of_metric if r["model"] == "apple_gan"} == {2, 4}
    assert all(r["better"] == "lower" and r["versions"]["metric"] == "1" for r in of_metric)
    refused = command("run", "apples.toml", "--dry-run", cwd=tmp_path, expect=2).stderr
    assert "unknown" in refused
    assert "apple" in refused
