"""Faults as a user meets them: real processes, real limits, real files in the way."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and devices are those of Linux"),
]

SUITE = """
name = "tiny"
seeds = 2
samples = 40
measures = ["known_modes"]

[train]
steps = 6
batch_size = 8
compile = "never"

[[dataset]]
name = "ring"

[[model]]
name = "vae"
label = "mine"
latent = 2
encoder = { hidden = [8] }
decoder = { hidden = [8] }

[[model]]
name = "vae"
latent = 2
encoder = { hidden = [8] }
decoder = { hidden = [8] }
"""

PLUGIN = """
import os, resource, time, torch
from dataclasses import dataclass
from genbench.core.registry import models
from genbench.models.vae import VAE

print("hello from the plugin")

@models.register("mine")
@dataclass(frozen=True, kw_only=True)
class Mine(VAE):
    \"\"\"Does what the environment says.\"\"\"

    def loss(self, nets, batch):
        {body}
        return VAE.loss(self, nets, batch)
"""


COMMAND = (
    "import genbench.runner.publish as made\n"
    "made.write_plots = made.write_report = lambda *_: None  # most of the time; seen elsewhere\n"
    "from genbench.cli.app import main; main()"
)


def start(*arguments: str, **env: str) -> subprocess.Popen[str]:
    """The command in a process of its own, in the current folder."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
    )


@pytest.fixture
def ask(fresh_folder):
    """The command with the tiny suite: its exit code, and all it said."""
    (fresh_folder / "tiny.toml").write_text(SUITE)

    def call(*arguments, body="", **env):
        if body:
            (fresh_folder / "mine.py").write_text(PLUGIN.format(body=body))
            arguments = ("--plugin", "mine.py", "--set", "model.mine.name=mine", *arguments)
        started = start("run", "tiny.toml", *arguments, **env)
        out, err = started.communicate(timeout=900)
        assert "Traceback" not in out + err and "Exception ignored" not in out + err
        return started.returncode, out + err

    return call


def ends(folder: Path) -> dict[tuple[str, int], str]:
    """How each trial ended, by label and seed; the last word counts."""
    lines = [
        json.loads(line) for file in folder.rglob("records.jsonl") for line in file.read_text().splitlines()
    ]
    return {(r["model"], r["seed"]): r["status"] for r in lines if r["metric"] == "trial.steps"}


def test_memory_that_runs_out_costs_the_model_that_wanted_it(ask, fresh_folder):
    code, said = ask(body="torch.zeros(10**14, device=batch.x.device)")
    assert code == 3
    assert "can't allocate memory" in said and "The others go on" in said
    assert Counter((label, status) for (label, _), status in ends(fresh_folder).items()) == {
        ("mine", "FAILED"): 2,
        ("vae", "DONE"): 2,
    }


def test_a_file_that_cannot_grow_stops_the_run_and_it_can_be_resumed(ask, fresh_folder):
    """As a full disk does, but without one: files of this process may have 20 kB."""
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ['MOST']), resource.RLIM_INFINITY))"
    code, said = ask(body=limit, MOST="20000")
    assert code == 3, said
    assert "File too large" in said and "continue" in said
    (run,) = (fresh_folder / "results" / "tiny").iterdir()
    code, said = ask("--resume", str(run), body=limit, MOST="-1")
    assert code == 0, said
    assert set(ends(run).values()) == {"DONE"} and len(ends(run)) == 4


def test_a_compiler_that_is_killed_costs_speed_only(ask, fresh_folder):
    compiler = fresh_folder / "c++"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\nkill -9 $$\n')
    compiler.chmod(0o755)
    code, said = ask("--set", "train.compile=always", "--model", "vae", CXX=str(compiler))
    assert code == 0, said
    assert said.count("Training goes on without compilation") == 1 and "eager (compiling failed)" in said


def test_an_awkward_place_for_results_and_nobody_who_reads(fresh_folder):
    """A name with a line end, a dash and markup; standard output is closed, as daemons may have it."""
    (fresh_folder / "tiny.toml").write_text(SUITE)
    arguments = ["run", "tiny.toml", "--model", "vae", "--out=-a [red]ü\nb"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', sys.executable, "-c", COMMAND, *arguments],
        stderr=subprocess.PIPE, text=True, timeout=900, check=False, cwd=fresh_folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert set(ends(fresh_folder / "-a [red]ü\nb").values()) == {"DONE"}
