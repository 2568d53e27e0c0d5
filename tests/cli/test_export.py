"""``genbench export``, and what pytest-benchmark makes of its files."""

import json
import shutil
import subprocess
import sys

import pytest

TIMED = ("train.steps=130", "name=timed", "measures=['throughput', 'modes']")


@pytest.fixture(scope="module")
def timed(results, tmp_path_factory):
    """The folder of results with a run of the tiny suite that is long enough to be timed."""
    from genbench.runner.job import run
    from genbench.suite.load import load_suite

    folder = tmp_path_factory.mktemp("export")
    suite = load_suite(
        results.parent / "tiny.toml",
        set_=TIMED,
    )
    run(suite, out=folder)
    return folder


def compare(*arguments):
    command = [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.run
def test_pytest_benchmark_compares_two_exported_runs(genbench, timed, fresh_folder):
    (run,) = (timed / "timed").iterdir()
    bare = fresh_folder / "bare"
    bare.mkdir()
    for name in ("records.jsonl", "environment.json"):
        shutil.copy(run / name, bare)
    said = genbench("export", "timed/latest", "--results", str(timed), "-o", "raw.json")
    assert (said.code, said.err) == (0, "")
    assert said.out == "timed/latest for pytest-benchmark: raw.json\n"
    said = genbench("export", str(bare), "-o", "median.json")
    assert said.code == 0 and said.err.startswith("warning: gan on digits, vae on digits: the raw timed")

    done = compare("raw.json", "median.json", "--columns=min,median,rounds,iterations", "--sort=name")
    assert "benchmark 'digits': 4 tests" in done.stdout and "WARNING" not in done.stdout + done.stderr
    rows = {" ".join(line.split()[:2]): line.split() for line in done.stdout.splitlines()}
    for model in ("gan", "vae"):
        raw, median = rows[f"{model} (raw)"], rows[f"{model} (median)"]
        assert raw[-2:] == ["3", "32"] and median[-2:] == ["1", "1"]
        assert raw[4] == median[4]  # both show the same median
    between = compare("raw.json", "median.json", "--between=median", "--name=long").stdout
    assert between.count("+0.0%") == 2 and "timed::digits::gan[2-" in between
    compare("raw.json", "--csv=table.csv")
    assert "gan" in (fresh_folder / "table.csv").read_text()


@pytest.mark.run
def test_it_goes_to_standard_output_unless_told_otherwise(genbench, timed, fresh_folder):
    said = genbench("export", "timed/latest", "--results", str(timed), "--format", "pytest-benchmark")
    assert said.code == 0
    gan, vae = json.loads(said.out)["benchmarks"]
    assert (gan["name"], vae["name"]) == ("gan", "vae")
    assert len(gan["stats"]["data"]) == 3 and gan["extra_info"]["metrics"]["modes.covered"]["n"] == 2
    assert list(fresh_folder.glob("*.json")) == []


@pytest.mark.run
def test_a_published_run_has_no_raw_blocks_and_says_so(genbench, fresh_folder):
    from pathlib import Path

    published = Path(__file__).parents[2] / "results" / "mnist" / "baseline"
    if not published.is_dir():
        pytest.skip("the published results are only in the source tree")
    said = genbench("export", str(published), "-o", "baseline.json")
    assert said.code == 0 and "their only round" in said.err
    table = compare("baseline.json").stdout
    assert all(model in table for model in ("gan", "ns_gan", "wgan", "vae"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nope"], "unknown run 'nope'. There are none"),
        (["tiny.toml"], "tiny.toml, line 1: not a record"),
        (["empty"], "empty: no number was finished there, so there is nothing to export"),
    ],
)
def test_a_run_that_is_none_exits_2(genbench, fresh_folder, arguments, text):
    (fresh_folder / "empty").mkdir()
    (fresh_folder / "empty" / "records.jsonl").touch()
    said = genbench("export", *arguments, "-o", "x.json")
    assert said.code == 2 and said.err.startswith(f"error: {text}")
    assert said.err.count("\n") == 1 and not (fresh_folder / "x.json").exists()


def test_a_run_that_was_not_timed_exits_2(genbench, results):
    said = genbench("export", "tiny/latest", "--results", str(results), "-o", "x.json")
    assert said.code == 2 and "error: no training of this run has a timed block" in said.err
    assert "warning: gan on digits is left out: its suite does not measure throughput" in said.err


@pytest.mark.run
def test_a_file_that_cannot_be_written_exits_2(genbench, timed, fresh_folder):
    (fresh_folder / "folder.json").mkdir()
    for name in ("folder.json", "tiny.toml/x.json"):
        said = genbench("export", "timed/latest", "--results", str(timed), "-o", name)
        assert said.code == 2 and said.err.startswith(f"error: cannot write {name}")


def test_an_unknown_format_is_wrong_usage(genbench):
    said = genbench("export", "x", "--format", "xml")
    assert said.code == 2 and "Usage: genbench export" in said.err and "pytest-benchmark" in said.err
