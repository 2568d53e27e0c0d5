"""``genbench export`` to tables of all records, and to TensorBoard."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def here(results: Path) -> tuple[str, ...]:
    return ("tiny/latest", "--results", str(results))


def lines(results: Path) -> list[dict[str, object]]:
    (file,) = results.glob("tiny/*/records.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_csv_and_json_go_to_standard_output(genbench, here, results, fresh_folder):
    wanted = lines(results)
    said = genbench("export", *here, "--format", "csv")
    assert (said.code, said.err) == (0, "")
    frame = pd.read_csv(io.StringIO(said.out))
    assert frame["trial"].tolist() == [line["trial"] for line in wanted]
    said = genbench("export", *here, "--format", "json")
    rows = json.loads(said.out)
    assert [row["value"] for row in rows] == [line["value"] for line in wanted]
    assert not list(fresh_folder.glob("*.json"))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_of_several_runs(genbench, results, fresh_folder, of_another_run, form):
    (one,) = results.glob("tiny/*/records.jsonl")
    of_another_run(one, fresh_folder / "another.jsonl", "another")
    said = genbench("export", str(one), "another.jsonl", "--format", form, "-o", f"all.{form}")
    assert (said.code, said.err) == (0, "")
    assert said.out == f"{one}, another.jsonl for {form}: all.{form}\n"
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}[form]
    assert len(read(fresh_folder / f"all.{form}")) == 2 * len(lines(results))


def test_a_folder_for_tensorboard(genbench, here, fresh_folder):
    said = genbench("export", *here, "--to", "tensorboard", "-o", "logs")
    assert (said.code, said.err, said.out) == (0, "", "tiny/latest for tensorboard: logs, 4 trials\n")
    files = list((fresh_folder / "logs").rglob("*tfevents*"))
    assert len(files) == 1 + 4  # the run and the trials: nothing was said of a model as a whole
    again = genbench("export", *here, "--to", "tensorboard", "-o", "logs")
    assert again.code == 2 and "TensorBoard would draw both" in again.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--format", "csv", "--to", "tensorboard", "-o", "x"],
            "--format csv writes a file, --to tensorboard",
        ),
        (["--to", "tensorboard"], "--to tensorboard needs a place to write to: -o DIR"),
        (["--format", "parquet"], "--format parquet needs a place to write to: -o FILE"),
    ],
)
def test_what_does_not_go_together_exits_2(genbench, here, arguments, text):
    said = genbench("export", *here, *arguments)
    assert said.code == 2 and said.err.startswith(f"error: {text}") and said.out == ""


def test_pytest_benchmark_takes_one_run(genbench, results, fresh_folder, of_another_run):
    (one,) = results.glob("tiny/*/records.jsonl")
    of_another_run(one, fresh_folder / "another.jsonl", "another")
    said = genbench("export", str(one), "another.jsonl")
    assert said.code == 2 and "a file for pytest-benchmark is of one run" in said.err
