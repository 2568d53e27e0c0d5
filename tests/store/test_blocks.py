"""Raw timed blocks, read back from what the runner writes."""

import json

import pytest

from genbench.core.errors import RecordError
from genbench.store.blocks import Blocks, read_blocks

PHASES = [
    {"phase": "compile", "seconds": 12.0},
    {"phase": "warm-up", "steps": 32, "seconds": 9.0},
    {"phase": "training", "steps": 32, "seconds": 0.5},
    {"phase": "training", "steps": 32, "seconds": 0.75, "joules": 3.0},
    {"phase": "training", "steps": 4, "seconds": 0.1},
    {"phase": "sampling", "images": 40, "seconds": 0.2},
    {"phase": "peak", "flops_per_s": 1e11},
    {"phase": "evaluation", "step": 100, "seconds": 1.0},
]


def written(folder, lines):
    file = folder / "timing.jsonl"
    file.write_text("".join(line + "\n" for line in lines))
    return file


def test_only_whole_blocks_after_the_warm_up_count(tmp_path):
    blocks = read_blocks(written(tmp_path, map(json.dumps, PHASES)))
    assert blocks == Blocks(32, (0.5, 0.75))
    assert blocks.step_s == (0.5 / 32, 0.75 / 32)


def test_what_was_not_timed_is_none(tmp_path):
    assert read_blocks(tmp_path / "timing.jsonl") is None
    assert read_blocks(written(tmp_path, map(json.dumps, PHASES[:2]))) is None


@pytest.mark.parametrize(("steps", "seconds"), [(1, 1e-9), (10**9, 999_999_999.0)])
def test_blocks_may_be_as_small_or_long_as_any_run_makes_them(tmp_path, steps, seconds):
    line = json.dumps({"phase": "training", "steps": steps, "seconds": seconds})
    assert read_blocks(written(tmp_path, [line])) == Blocks(steps, (seconds,))


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "3",
        '{"seconds": 1}',
        '{"phase": "training", "seconds": 1}',
        '{"phase": "training", "steps": 0, "seconds": 1}',
        '{"phase": "training", "steps": 32, "seconds": 0}',
        '{"phase": "training", "steps": 32, "seconds": NaN}',
        '{"phase": "training", "steps": 32, "seconds": 1e999}',
        '{"phase": "training", "steps": 32, "seconds": "1"}',
    ],
)
def test_a_damaged_line_is_named(tmp_path, line):
    file = written(tmp_path, [json.dumps(PHASES[2]), line])
    with pytest.raises(RecordError, match=r"timing.jsonl, line 2: not a timed phase.*or delete it"):
        read_blocks(file)


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(RecordError, match="cannot read"):
        read_blocks(tmp_path)
    (tmp_path / "timing.jsonl").write_bytes(b"\xff\n")
    with pytest.raises(RecordError, match="cannot read"):
        read_blocks(tmp_path / "timing.jsonl")
