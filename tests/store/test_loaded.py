"""Runs as they were asked for, and what each is called beside the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.core.errors import RecordError
from genbench.store.loaded import distinct_names, load_runs


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (["results/mnist/baseline"], ["baseline"]),
        (["mnist/baseline", "mnist/latest"], ["baseline", "latest"]),
        (["mnist/baseline", "ci/baseline", "mnist/latest"], ["mnist/baseline", "ci/baseline", "latest"]),
        (["baseline", "ci/baseline"], ["baseline", "ci/baseline"]),
        (["a/x/records.jsonl", "b/y/records.jsonl"], ["x", "y"]),
        (["./here", "there/"], ["here", "there"]),
        (["/a/run", "/b/run"], ["a/run", "b/run"]),
        (["records.jsonl", "x"], ["records.jsonl", "x"]),
        (["same", "same"], ["same", "same (2)"]),
    ],
)
def test_the_shortest_name_that_tells_runs_apart(asked: list[str], names: list[str]) -> None:
    assert list(distinct_names(asked)) == names


@given(st.lists(st.text("ab/. ", max_size=6), max_size=5))
def test_no_two_names_are_the_same(asked: list[str]) -> None:
    names = distinct_names(asked)
    assert len(set(names)) == len(names) == len(asked)


def test_a_run_given_twice_or_empty_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "s" / "r").mkdir(parents=True)
    (tmp_path / "results" / "s" / "r" / "records.jsonl").touch()
    with pytest.raises(RecordError, match="no number was finished there"):
        load_runs(["s/r"])
    with pytest.raises(RecordError, match="no number was finished there"):
        load_runs(["results/s/r", "s/r"])
