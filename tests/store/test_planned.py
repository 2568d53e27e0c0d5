"""Records of a run come in the order of its suite, whoever was done first."""

import json
from dataclasses import replace

import pytest

from genbench.core.record import Better, Record, Status
from genbench.store.journal import Journal
from genbench.store.planned import read_run
from genbench.store.rundir import RunDirectory

COHORTS = [(data, label) for data in ("digits", "ring") for label in ("gan", "vae", "gan")]  # divided in two


@pytest.fixture
def run(tmp_path):
    directory = RunDirectory.create(tmp_path, "suite", mark="abcdef0")
    cohorts = [{"dataset": data, "label": label, "name": label} for data, label in COHORTS]
    directory.resolved.write_text(json.dumps({"cohort": cohorts}))
    return directory


RECORD = Record(
    run="r", suite="s", trial="t", model="gan", dataset="digits", seed=0, step=0, metric="modes.kl",
    value=0.5,
    error=None, unit="", better=Better.LOWER, n=1, lanes=1, status=Status.DONE, reason="",
    versions={"metric": "1"}, protocol={}, env="e", code="c", at="2026-08-14T10:15:00Z",
)  # fmt: skip


WRITTEN = [
    ("digits", "real", 0), ("digits", "vae", 1), ("digits", "gan", 1), ("digits", "vae", 2),
    ("digits", "gan", 0), ("ring", "real", 0), ("ring", "vae", 0), ("ring", "gan", 0), ("digits", "real", 1),
]  # fmt: skip


def read_back(directory, written=WRITTEN):
    with Journal(directory.records) as journal:
        for row in written:
            dataset, model, step = row
            journal.append(replace(RECORD, dataset=dataset, model=model, step=step))
    return [(r.dataset, r.model, r.step) for r in read_run(directory)]


def test_rows_come_as_the_suite_has_them_and_each_in_the_order_of_writing(run):
    assert read_back(run) == [
        ("digits", "real", 0), ("digits", "real", 1), ("digits", "gan", 1), ("digits", "gan", 0),
        ("digits", "vae", 1), ("digits", "vae", 2), ("ring", "real", 0), ("ring", "gan", 0),
        ("ring", "vae", 0),
    ]  # fmt: skip


def test_what_was_not_planned_comes_last(run):
    rows = [("else", "gan", 0), ("digits", "vae", 0), ("digits", "new", 0), ("digits", "gan", 0)]
    assert [row[:2] for row in read_back(run, rows)] == [
        ("digits", "new"), ("digits", "gan"), ("digits", "vae"), ("else", "gan"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "resolved",
    [None, "", "[]", "{}", '{"cohort": 3}', '{"cohort": [1]}', '{"cohort": [{}]}', "[" * 100_000, '"\udc80"'],
)
def test_a_run_that_does_not_say_how_it_was_planned_is_left_as_it_is(run, resolved):
    run.resolved.unlink()
    if resolved is not None:
        run.resolved.write_bytes(resolved.encode("utf-8", "surrogateescape"))
    assert read_back(run) == WRITTEN
