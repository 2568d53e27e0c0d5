"""Each verb with right input."""

import json

import numpy as np
import pytest
from PIL import Image


def test_help_lists_every_verb_and_no_verb_shows_help(genbench):
    said = genbench("--help")
    assert said.code == 0
    assert all(verb in said.out for verb in ("run", "list", "show", "export", "sample", "doctor"))
    assert genbench().code == 2  # nothing was asked for


def test_version(genbench):
    from genbench import __version__

    said = genbench("--version")
    assert said.code == 0 and said.out.startswith(f"genbench {__version__} ({__version__}")


def test_a_run_tells_what_it_does_and_where_its_results_are(genbench, fresh_folder, on_ring):
    said = genbench(
        "run", "tiny.toml", *on_ring, "--seeds", "1", "--model", "vae", "--quick", "--out", "there"
    )
    assert said.code == 0 and said.err == ""
    (run,) = (fresh_folder / "there" / "tiny").iterdir()
    assert "Does it [run]?" in said.out
    assert "vae on ring, 1 seed: 6 steps" in said.out and "gan on ring" not in said.out
    assert "QUICK RUN: not for comparison" in said.out
    assert f"records: there/tiny/{run.name}/records.jsonl" in said.out
    assert "real" in said.out and "modes" in said.out


def test_quiet_prints_tables_and_nothing_else(genbench, on_ring):
    changes = (*on_ring, "--set", "train.steps=2")
    said = genbench("run", "tiny.toml", "-q", "--seeds", "1", "--model", "vae", *changes)
    assert said.code == 0 and said.out.startswith("ring: known modes")
    assert "Does it" not in said.out and "2 steps\n" not in said.out


@pytest.mark.run
def test_without_a_compiler_a_run_goes_on_and_says_so(genbench, monkeypatch, on_ring):
    monkeypatch.setenv("CXX", "/nonexistent")
    changes = (*on_ring, "--set", "train.compile=always", "--set", "train.steps=2")
    said = genbench("run", "tiny.toml", "--seeds", "1", "--model", "vae", *changes)
    assert said.code == 0
    assert " ".join(said.out.split()).count("warning: torch.compile needs a C++ compiler") == 1
    assert "install g++" in said.out
    assert "vae: 1 lane as one program, eager" in said.out


def test_a_dry_run_checks_everything_and_makes_nothing(genbench, fresh_folder):
    said = genbench("run", "tiny.toml", "--dry-run", "--quick", "--set", "samples=30")
    assert said.code == 0
    assert "suite tiny: 4 trials in 2 cohorts  QUICK" in said.out
    assert "gan on digits: seeds 0, 1; 6 steps" in said.out and "on 30 samples" in said.out
    assert sorted(path.name for path in fresh_folder.iterdir()) == ["tiny.toml"]
    said = genbench("run", "tiny.toml", "--dry-run", "--set", "model.vae.latent=0")
    assert said.code == 2 and said.out == ""


@pytest.mark.parametrize("what", ["models", "datasets", "metrics", "suites"])
def test_list(genbench, fresh_folder, what):
    (fresh_folder / "suites").mkdir()
    (fresh_folder / "tiny.toml").rename(fresh_folder / "suites" / "tiny.toml")
    (fresh_folder / "suites" / "bad.toml").write_text("x")
    one = {"models": "vae", "datasets": "digits", "metrics": "quality.fid", "suites": "suites/tiny.toml"}
    said = genbench("list", what)
    assert said.code == 0 and one[what] in said.out
    rows = json.loads(genbench("list", what, "--json").out)
    assert one[what] in {row.get("name", row.get("metric")) for row in rows}
    assert all(row.keys() == rows[0].keys() for row in rows)


def test_list_metrics_has_what_the_runner_writes_of_a_lane(genbench):
    rows = {row["metric"]: row for row in json.loads(genbench("list", "metrics", "--json").out)}
    assert rows["cost.seconds"]["unit"] == "s" and rows["cost.gflop"]["from"] == "every run"
    assert rows["target.steps"]["better"] == "lower" and "[target]" in rows["target.steps"]["from"]


def test_nothing_to_list_says_where_it_looked(genbench):
    assert "no suites here: suites are looked for in the folder suites/" in genbench("list", "suites").out


@pytest.mark.parametrize(
    ("kind", "has"),
    [
        ("rich", "digits: mode coverage"),
        ("md", "| model |"),
        ("csv", "model"),
        ("json", "["),
        ("latex", "\\begin{"),
    ],
)
def test_show_in_every_format(genbench, results, kind, has):
    said = genbench("show", "tiny/latest", "--results", str(results), "--format", kind)
    assert said.code == 0 and has in said.out and "vae" in said.out
    assert said.out.endswith("\n") and "\x1b" not in said.out
    if kind == "json":
        json.loads(said.out)


@pytest.mark.parametrize("columns", [60, 140])
def test_tables_fit_the_terminal(genbench, results, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    said = genbench("show", "tiny/latest", "--results", str(results))
    assert max(map(len, said.out.splitlines())) <= columns


def test_a_run_can_be_named_in_every_way(genbench, results):
    (run,) = (results / "tiny").iterdir()
    said = [
        genbench("show", name, "--results", str(results)).out
        for name in ("tiny/latest", f"tiny/{run.name}", str(run), str(run / "records.jsonl"))
    ]
    assert len(set(said)) == 1 and said[0]


def test_a_run_without_a_number_says_so(genbench, fresh_folder):
    (fresh_folder / "results" / "tiny" / "r").mkdir(parents=True)
    (fresh_folder / "results" / "tiny" / "r" / "records.jsonl").touch()
    said = genbench("show", "tiny/r")
    assert said.code == 2 and "tiny/r: no number was finished there" in said.err


@pytest.mark.run
def test_a_warning_is_one_paragraph_on_standard_error(process, results, fresh_folder):
    (records,) = results.glob("tiny/*/records.jsonl")
    (fresh_folder / "cut.jsonl").write_bytes(records.read_bytes() + b'{"run": "')
    with process("show", "cut.jsonl", COLUMNS="60") as running:
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0 and "digits: mode coverage" in out
    assert err.startswith("warning: cut.jsonl: the last line is half-written and was skipped")
    assert err.count("\n") == 1 and "Warning" not in err


def test_sample_writes_a_grid_or_the_images(genbench, results, fresh_folder):
    (checkpoint, *_) = sorted(results.glob("tiny/*/trials/*/checkpoint.safetensors"))
    name = f"tiny/latest/{checkpoint.parent.name}"
    sizes = {}
    for n in (4, 5):
        said = genbench("sample", name, "--results", str(results), "-n", str(n))
        assert (said.code, said.out) == (0, f"{n} images: grid.png\n")
        sizes[n] = Image.open(fresh_folder / "grid.png").size
    assert 28 < sizes[4][0] < sizes[5][0] and sizes[4][1] == sizes[5][1]  # two rows of two, and of three
    said = genbench("sample", str(checkpoint), "-n", "7", "-o", "x.npy", "--seed", "3")
    assert said.code == 0 and np.load(fresh_folder / "x.npy").shape == (7, 1, 28, 28)


def test_sample_into_what_cannot_be_written(genbench, results, fresh_folder):
    (checkpoint, *_) = results.glob("tiny/*/trials/*/checkpoint.safetensors")
    for name in ("folder.png", "folder.npy"):
        (fresh_folder / name).mkdir()
        said = genbench("sample", str(checkpoint), "-n", "2", "-o", name)
        assert said.code == 2 and said.err.startswith(f"error: cannot write {name}")


def test_doctor(genbench):
    said = genbench("doctor")
    assert said.code == 0 and "genbench" in said.out and "torch" in said.out
    assert "MNIST is not on this machine" in said.out


def test_list_metrics_has_room_for_meanings_in_a_narrow_terminal(genbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = genbench("list", "metrics").out.splitlines()
    assert max(map(len, lines)) <= 80
    there = next(n for n, line in enumerate(lines) if line.startswith("stability.critic_jsd"))
    assert lines[there + 1].startswith("    what a fresh critic can tell: lower bound on the")
    monkeypatch.setenv("COLUMNS", "140")
    wide = genbench("list", "metrics").out.splitlines()
    assert any("stability.critic_jsd" in line and "what a fresh critic" in line for line in wide)
