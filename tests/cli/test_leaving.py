"""How a run ends: Ctrl-C, a reader that leaves, trials that fail, terminals that cannot show everything."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = '''
import os, time
from dataclasses import dataclass
from genbench.core.registry import models
from genbench.models.vae import VAE

@models.register("slow")
@dataclass(frozen=True, kw_only=True)
class Slow(VAE):
    """Takes its time where it is told to."""

    def loss(self, nets, batch):
        time.sleep(float(os.environ.get("SLOW", "0")))
        return VAE.loss(self, nets, batch)

@models.register("raises")
@dataclass(frozen=True, kw_only=True)
class Raises(VAE):
    """Has no loss."""

    def loss(self, nets, batch):
        raise ValueError("no loss")
'''


def records_of(folder: Path) -> list[dict]:
    (path,) = folder.rglob("records.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def ends_of(folder: Path) -> list[tuple[str, int, str]]:
    return [(r["model"], r["seed"], r["status"]) for r in records_of(folder) if r["metric"] == "trial.steps"]


@pytest.mark.run
@pytest.mark.usefixtures("forgotten")
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(process, genbench, fresh_folder):
    (fresh_folder / "plugin.py").write_text(PLUGIN)
    arguments = ("run", "tiny.toml", "--plugin", "plugin.py", "--set", "model.vae.name=slow")
    running = process(*arguments, SLOW="0.2")
    for line in running.stdout:
        if line.startswith("slow on digits, 2 seeds: 6 steps"):
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130, err
    assert "Traceback" not in out + err
    (run,) = (fresh_folder / "results" / "tiny").iterdir()
    told = f"To go on, give the same command again, or with --resume {run}"
    assert told.replace(f"{fresh_folder}/", "") in out
    done = [("gan", 0, "DONE"), ("gan", 1, "DONE")]
    assert ends_of(fresh_folder) == [*done, ("slow", 0, "INTERRUPTED"), ("slow", 1, "INTERRUPTED")]
    before = records_of(fresh_folder)

    said = genbench(*arguments, "--resume", f"tiny/{run.name}")
    assert said.code == 0
    assert records_of(fresh_folder)[: len(before)] == before
    assert ends_of(fresh_folder)[4:] == [("slow", 0, "DONE"), ("slow", 1, "DONE")]
    assert "gan on digits: already done" in said.out and "digits: mode coverage" in said.out
    assert "interrupted" not in said.out.lower()


def test_ctrl_c_before_anything_was_trained(genbench, monkeypatch):
    def interrupted(suite):
        raise KeyboardInterrupt

    monkeypatch.setattr("genbench.runner.job.load_datasets", interrupted)
    said = genbench("run", "tiny.toml")
    assert said.code == 130 and "nothing is lost by it" in said.err


@pytest.mark.usefixtures("forgotten")
def test_failed_trials_exit_3_and_the_others_are_there(genbench, fresh_folder, on_ring):
    (fresh_folder / "plugin.py").write_text(PLUGIN)
    said = genbench("run", "tiny.toml", *on_ring, "--plugin", "plugin.py", "--set", "model.vae.name=raises")
    assert said.code == 3
    assert "warning: raises on ring, 2 seeds failed: ValueError: no loss. The others go on" in said.out
    assert "2 trials failed or diverged; " in said.out and "0/2" in said.out
    assert ends_of(fresh_folder)[:2] == [("gan", 0, "DONE"), ("gan", 1, "DONE")]


def piped(arguments: list[str], lines: int) -> tuple[int, str]:
    """The exit code and standard error of the command when its reader leaves after some lines."""
    command = [sys.executable, "-c", "from genbench.cli.app import main; main()", *arguments]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as running:
        for _ in range(lines):
            running.stdout.readline()
        running.stdout.close()
        err = running.stderr.read()
    return running.returncode, err


@pytest.mark.run
def test_a_run_whose_reader_leaves_is_interrupted_and_can_be_resumed(fresh_folder, genbench):
    code, err = piped(["run", "tiny.toml"], 6)
    assert code == 130 and "Traceback" not in err and "Exception" not in err
    assert {status for *_, status in ends_of(fresh_folder)} >= {"INTERRUPTED"}
    (run,) = (fresh_folder / "results" / "tiny").iterdir()
    said = genbench("run", "tiny.toml", "--resume", str(run))
    assert said.code == 0
    assert {end[:2]: end[2] for end in ends_of(fresh_folder)} == {
        (model, seed): "DONE" for model in ("gan", "vae") for seed in (0, 1)
    }


@pytest.mark.run
@pytest.mark.parametrize("arguments", [["show", "tiny/latest", "--format", "md"], ["list", "metrics"]])
def test_a_reader_that_leaves_is_no_problem(results, arguments):
    if arguments[0] == "show":
        arguments = [*arguments, "--results", str(results)]
    code, err = piped(arguments, 0)
    assert (code, err) == (0, "")


@pytest.mark.run
def test_a_terminal_that_knows_only_ascii(process, results):
    running = process("show", "tiny/latest", "--results", str(results), PYTHONIOENCODING="ascii")
    out, err = running.communicate()
    assert running.returncode == 0 and err == "" and "vae" in out


def in_terminal(folder: Path, arguments: list[str], columns: int, **env: str) -> str:
    """What the command writes to a real terminal of this width."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    child, handle = pty.fork()
    if child == 0:  # pragma: no cover - another process
        os.chdir(folder)
        os.environ.update({"TERM": "xterm-256color", **env})
        code = "from genbench.cli.app import main; main()"
        os.execv(sys.executable, [sys.executable, "-c", code, *arguments])
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("4H", 40, columns, 0, 0))
    chunks = []
    while True:
        try:
            chunk = os.read(handle, 1 << 16)
        except OSError:  # the way a closed terminal tells its end on Linux
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.waitpid(child, 0)
    os.close(handle)
    return b"".join(chunks).decode()


@pytest.mark.run
def test_a_real_terminal_shows_a_run_from_its_begin_to_its_end(fresh_folder):
    text = in_terminal(fresh_folder, ["run", "tiny.toml", "--model", "vae"], 80)
    assert "Traceback" not in text
    assert "vae on digits, 2 seeds" in text and "records: results/tiny/" in text
    assert "\x1b[?25h" in text.split("\x1b[?25l")[-1]  # the cursor is there again


@pytest.mark.run
def test_no_color_is_honoured(fresh_folder, results):
    arguments = ["show", "tiny/latest", "--results", str(results)]
    wrong = ["show", "nothing"]
    colour = "\x1b[31m", "\x1b[1;31m"
    assert any(code in in_terminal(fresh_folder, wrong, 80) for code in colour)
    for asked in (arguments, wrong):
        text = in_terminal(fresh_folder, asked, 80, NO_COLOR="1")
        codes = {part.partition("m")[0] for part in text.split("\x1b[")[1:]}
        assert codes <= {"0", "1", "2", "3"}, codes  # bold, dim and italic are no colours
