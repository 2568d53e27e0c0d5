"""Losses on the way, read back from what the runner writes."""

import pytest

from genbench.core.errors import RecordError
from genbench.store.curves import Curves, read_curves


@pytest.fixture
def file(tmp_path):
    return tmp_path / "curves.jsonl"


def test_every_name_has_a_number_or_none_for_each_step(file):
    file.write_text('{"step": 32, "g.loss": 0.7}\n{"step": 64, "g.loss": null, "g.gradient_norm": 2}\n')
    assert read_curves(file) == Curves((32, 64), {"g.loss": (0.7, None), "g.gradient_norm": (None, 2)})


def test_no_file_and_no_line_are_no_curves(file):
    assert read_curves(file) is None
    file.write_text("")
    assert read_curves(file) is None


def test_a_last_line_that_was_cut_off_is_left_out(file):
    file.write_text('{"step": 32, "g.loss": 0.7}\n{"step": 64, "g.lo')
    assert read_curves(file).steps == (32,)


@pytest.mark.parametrize(
    "line",
    [
        "", "[]", "7", "{}", '{"step": 32}', '{"step": 16}', '{"step": "64"}', '{"step": 64.5}',
        '{"step": true}', '{"step": 64, "g.loss": "1"}', '{"step": 64, "g.loss": NaN}',
        '{"step": 64, "g.loss": Infinity}', '{"step": 64, "g.loss": 1e999}', '{"step": 64, "g.loss": [1]}',
        '{"step": 64, "g.loss": true}', '{"step": 64, "g.loss": 1, "g.norm": "1"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_line_that_the_runner_does_not_write_is_refused_with_its_number(file, line):
    file.write_text('{"step": 32, "g.loss": 0.7}\n' + line + "\n")
    with pytest.raises(RecordError, match=r"curves\.jsonl, line 2: not losses at a later step"):
        read_curves(file)


def test_a_file_that_cannot_be_read_is_refused(file):
    file.write_bytes(b"\xff\xfe\n")
    with pytest.raises(RecordError, match="cannot read"):
        read_curves(file)
