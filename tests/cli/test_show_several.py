"""``genbench show`` of several runs: together where their protocols agree."""

import json
from pathlib import Path

import pytest

from genbench.core.record import Better, Record, Status

ABOUT = {
    "suite": "s", "dataset": "digits", "step": 10, "error": None, "unit": "", "n": 1, "lanes": 1,
    "status": Status.DONE, "reason": "", "versions": {"metric": "1"}, "env": "e", "code": "c", "at": "now",
}  # fmt: skip


@pytest.fixture
def runs(fresh_folder: Path) -> Path:
    """Two runs of one model, on two machines."""
    for place, device in enumerate(("box", "rack")):
        folder = fresh_folder / "results" / "s" / f"on-{device}"
        folder.mkdir(parents=True)
        lines = [
            Record(run=f"run{place}", trial=f"t{seed}", model="gan", seed=seed, metric=metric,
                   value=seed + 1.5, better=Better.LOWER, protocol=protocol, **ABOUT).to_json()
            for metric, protocol in (("quality.fid", {"n_fake": 10}), ("cost.seconds", {"device": device}))
            for seed in range(3)
        ]  # fmt: skip
        lines += [
            Record(run=f"run{place}", trial=f"t{seed}", model="gan", seed=seed, metric="trial.steps",
                   value=10.0, better=Better.NEITHER, protocol={}, **ABOUT).to_json()
            for seed in range(3)
        ]  # fmt: skip
        (folder / "records.jsonl").write_text("\n".join(lines) + "\n")
    return fresh_folder


def test_runs_stand_together_where_they_agree(genbench, runs):
    said = genbench("show", "s/on-box", "s/on-rack", "--format", "json")
    assert said.code == 0
    assert said.err == "note: digits, cost: on-box and on-rack stand apart: device box and rack.\n"
    tables = [
        (table["run"], table["group"], [row["name"] for row in table["rows"]])
        for table in json.loads(said.out)["tables"]
    ]
    assert tables == [
        ("run0 (on-box) + run1 (on-rack)", "quality", ["gan (on-box)", "gan (on-rack)"]),
        ("run0", "cost", ["gan (on-box)"]),
        ("run1", "cost", ["gan (on-rack)"]),
    ]


def test_one_run_needs_no_names(genbench, runs):
    said = genbench("show", "s/on-box", "--format", "json")
    assert (said.code, said.err) == (0, "")
    tables = json.loads(said.out)["tables"]
    assert [(table["run"], table["rows"][0]["name"]) for table in tables] == [("run0", "gan")] * 2


def test_a_run_twice_exits_2(genbench, runs):
    said = genbench("show", "s/on-box", "results/s/on-box")
    assert said.code == 2
    assert said.err.startswith("error: s/on-box and results/s/on-box are the same run")
