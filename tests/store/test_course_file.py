"""Courses beside trials: what is written is read back, and damage is told."""

import json

import pytest

from genbench.core.errors import OutputError, RecordError
from genbench.store.course import Course, read_course, write_course
from genbench.store.rundir import RunDirectory

COURSE = Course(
    steps=(0, 32, 64),
    drift=(None, 0.5, 0.25),
    entropy=(0.1, 0.9, 1.0),
    coverage=(None, None, None),
    quality_a=(9.0, 4.0, 2.0),
    quality_b=(9.5, 4.5, None),
    shares=((1.0, 0.0), (0.5, 0.5), (0.25, 0.75)),
)
GOOD = {
    "step": 32, "drift": None, "entropy": 1, "coverage": 0.5, "quality_a": 1.0, "quality_b": 2.0,
    "shares": [1.0],
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "trials" / "x" / "stability.jsonl"


def test_what_is_written_is_read_back(file):
    write_course(file, COURSE)
    assert read_course(file) == COURSE
    first = json.loads(file.read_text().splitlines()[0])
    assert list(first) == ["step", "drift", "entropy", "coverage", "quality_a", "quality_b", "shares"]
    write_course(file, COURSE)  # a resumed run writes it anew
    assert len(file.read_text().splitlines()) == 3


def test_it_lies_beside_the_trial(tmp_path):
    assert RunDirectory(tmp_path).trial("x").stability == tmp_path / "trials" / "x" / "stability.jsonl"


def test_no_file_and_no_line_are_no_course(file, tmp_path):
    assert read_course(file) is None
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    assert read_course(empty) is None


@pytest.mark.parametrize(
    "line",
    [
        "", "[]", "7", "{}", "{", "[" * 100_000, json.dumps({**GOOD, "more": 1}),
        json.dumps({k: v for k, v in GOOD.items() if k != "drift"}),
        *(json.dumps({**GOOD, "step": step}) for step in (16, 15, "64", 64.5, True)),
        *(json.dumps({**GOOD, "step": 64, "drift": bad}) for bad in ("1", True, [1], float("nan"), 10**400)),
        *(json.dumps({**GOOD, "step": 64, "shares": bad}) for bad in (None, 1, ["a"], [1.0, 0.0], [None])),
    ],
)  # fmt: skip
def test_a_damaged_line_is_refused_with_its_number(tmp_path, line):
    file = tmp_path / "stability.jsonl"
    file.write_text(json.dumps({**GOOD, "step": 16}) + "\n" + line + "\n")
    with pytest.raises(RecordError, match=r"stability\.jsonl, line 2: not a snapshot at a later step"):
        read_course(file)


def test_a_file_that_cannot_be_read_or_written_is_told(tmp_path):
    file = tmp_path / "stability.jsonl"
    file.write_bytes(b"\xff\xfe\n")
    with pytest.raises(RecordError, match="cannot read"):
        read_course(file)
    with pytest.raises(OutputError):
        write_course(file / "below", COURSE)
