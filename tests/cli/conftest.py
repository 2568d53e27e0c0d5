import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SUITE = """
name = "tiny"
question = "Does it [run]?"
seeds = 2
samples = 40
measures = ["modes"]

[train]
steps = 6
batch_size = 8
compile = "never"

[[dataset]]
name = "digits"

[[model]]
name = "gan"
latent = 4
generator = { hidden = [8] }
discriminator = { hidden = [8] }

[[model]]
name = "vae"
latent = 2
encoder = { hidden = [8] }
decoder = { hidden = [8] }
"""

# Runs the command as its entry point does, whatever the name of the script is on this system.
# A shell that puts the tests into the background has them ignore Ctrl-C, and their children with them.
COMMAND = (
    sys.executable,
    "-c",
    (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from genbench.cli.app import main; main()"
    ),
)


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def fresh_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Each test is a user in an empty folder with the tiny suite, without data and network."""
    monkeypatch.chdir(tmp_path)
    for name in ("GENBENCH_DATA", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GENBENCH_OFFLINE", "1")
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tiny.toml").write_text(SUITE)
    return tmp_path


@pytest.fixture
def genbench(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """The command in this process: the exit code and what it said. No traceback is ever right."""
    from genbench.cli.app import main

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["genbench", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Said(int(left.value.code or 0), out, err)

    return call


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Models that plugins register in this process are gone after the test."""
    from genbench.core.registry import models

    yield
    for name in [name for name, origin in models._origins.items() if origin.startswith("plugin ")]:
        del models._things[name], models._origins[name]


@pytest.fixture
def of_another_run() -> Callable[[Path, Path, str], None]:
    """The records of a run under another run's name, edited by hand: the checksums are left out."""

    def write(records: Path, to: Path, name: str) -> None:
        text = re.sub(',"crc":"[0-9a-f]{8}"', "", records.read_text())
        to.write_text(text.replace(f'"run":"{records.parent.name}"', f'"run":"{name}"'))

    return write


@pytest.fixture
def process() -> Callable[..., Any]:
    """The command in a process of its own."""

    def start(*arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
        )

    return start


def _draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """Figures and pages take most of the time of a small run."""
    patch.setattr("genbench.runner.publish.write_plots", lambda *_: None)
    patch.setattr("genbench.runner.job.write_report", lambda *_: None)
    patch.setattr("genbench.runner.control_rows.CONTROL_SEEDS", 1)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without figures and page, with one draw of each control row."""
    _draw_nothing(monkeypatch)


@pytest.fixture
def on_ring(undrawn: None) -> tuple[str, ...]:
    """Changes that make the tiny suite one without networks that measure, for runs in this process."""
    return ("--set", "dataset.digits.name=ring", "--set", 'measures=["known_modes"]')


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of results with one run of the tiny suite."""
    from genbench.runner.job import run
    from genbench.suite.load import load_suite

    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.toml").write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        _draw_nothing(patch)
        run(load_suite(folder / "tiny.toml"), out=folder / "results")
    return folder / "results"
