"""Runs as they were asked for, and what each is called beside the others."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.core.errors import RecordError
from genbench.core.record import Better, Record, Status
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


def measured(run: str, at: str = "now") -> list[Record]:
    """What one model scored with three seeds, and the time it took."""
    return [
        Record(
            run=run, suite="s", trial=f"t{seed}", model="gan", dataset="digits", seed=seed, step=10,
            metric=metric, value=value, error=None, unit="", better=Better.LOWER, n=1, lanes=1,
            status=Status.DONE, reason="", env="e", code="c", at=at,
        )
        for seed in range(3)
        for metric, value in (("quality.fid", 1.5), ("cost.seconds", 2.0 + len(at)))
    ]  # fmt: skip


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, Sequence[Record]], str]:
    """Write records into a folder of this name."""

    def write(name: str, records: Sequence[Record]) -> str:
        (tmp_path / name).mkdir()
        lines = "".join(record.to_json() + "\n" for record in records)
        (tmp_path / name / "records.jsonl").write_text(lines)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (measured("r"), measured("r")),
        (measured("r"), measured("r")[:4]),  # copied while it was running
        (measured("r")[:4], measured("r")),
        (measured("q"), [*measured("r"), *measured("q")]),  # one of the two in a file
    ],
)
def test_a_copy_of_a_run_is_no_second_run(written, there: list[Record], here: list[Record]) -> None:
    one, other = written("one", there), written("other", here)
    name = there[0].run
    with pytest.raises(RecordError, match=rf"one and .*other hold the same run, '{name}': one of them is a"):
        load_runs([one, other])


def test_runs_that_share_a_name_or_numbers_are_no_copies(written) -> None:
    twins = [written("a", measured("r")), written("b", measured("r", at="later"))]
    assert len(load_runs([*twins, written("c", measured("q"))])) == 3
    same_scores = [
        replace(each, at="now") if each.metric == "quality.fid" else each
        for each in measured("r", at="later")
    ]
    assert len(load_runs([twins[0], written("d", same_scores)])) == 2  # two machines, in step
