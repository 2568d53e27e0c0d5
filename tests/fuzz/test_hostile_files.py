"""Suites and the lines beside trials that a stranger wrote: told in words, in bounded time and memory."""

import json
import os

import pytest

from genbench.core.bounded import MIB, open_regular, read_bytes, read_text
from genbench.core.errors import GenbenchError, RecordError, SuiteError
from genbench.store.blocks import read_blocks
from genbench.store.course import read_course
from genbench.store.curves import read_curves
from genbench.suite.load import load_suite, toml_value

REST = '[[dataset]]\nname = "digits"\n[[model]]\nname = "vae"\n'


@pytest.fixture
def put(tmp_path):
    def make(content):
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("seeds = " + "9" * 5000, "not valid TOML: Exceeds the limit"),
        ("seeds = 0x" + "f" * 9000, "whole number of more than 64 bits"),
        ("question = 99999999999999999999", "whole number of more than 64 bits"),
        ("a = " + "[" * 100_000, "nests tables or lists too deeply"),
        ("a = " + "[" * 20 + "]" * 20, "more than 16 deep"),
        ("a" + ".a" * 30_000 + " = 1", "line 1: more than 256 dots"),
        ("a = 1\na = 2", "not valid TOML"),
        ("[train]\n[train]", "not valid TOML"),
        ("name = 1979-05-27", "expected text in quotes"),
        ('name = "a\0b"', "not valid TOML"),
        ("\u2028name = 'a'", "not valid TOML"),
        (b"name = '\xff'", "not UTF-8"),
        (b"\xef\xbb\xbfname = 'a'", "not valid TOML"),
        (b"#" + b" " * (10 * MIB), "larger than 0.25 MiB"),
        ("alpha = nan", "alpha"),
        ("alpha = -inf", "alpha"),
    ],
    ids=lambda content: None if isinstance(content, bytes) else content[:12],
)
def test_suites_that_harm(put, content, told):
    with pytest.raises(SuiteError, match=told) as caught:
        load_suite(put(content if isinstance(content, bytes) else f"{content}\n{REST}"))
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", "../a", "~", "~root", "", " ", "a b", "a\\b", "/etc", "C:", "a" * 49, ".a", "-a", "é",
     "a\u0000", "a\u202eb", "a\n", "a\u001b[2J"],
)  # fmt: skip
@pytest.mark.parametrize("key", ["name", "label"])
def test_names_that_would_leave_the_results(put, name, key):
    text = json.dumps(name)
    content = f"name = {text}\n{REST}" if key == "name" else f'name = "fine"\n{REST}label = {text}\n'
    with pytest.raises(SuiteError, match=key):
        load_suite(put(content))


@pytest.mark.parametrize("name", ["CON", "nul", "com1", "LPT9", "aux.txt", "prn", "a."])
def test_names_that_no_windows_has_a_folder_for(put, name):
    with pytest.raises(SuiteError, match="name"):
        load_suite(put(f'name = "{name}"\n' + REST))


def test_values_of_the_command_line(put):
    assert toml_value("9" * 5000) == "9" * 5000
    assert toml_value("[" * 100_000).startswith("[[")
    with pytest.raises(SuiteError, match="expected"):
        load_suite(put('name = "a"\n' + REST), set_=["train.steps=" + "9" * 5000])


def test_a_name_like_no_other_is_told_at_once(put):
    """The nearest of long names is looked for among those of a plausible length only."""
    long = "".join(map(chr, range(0x4E00, 0x4E00 + 5000)))
    other = long[::-1]
    content = f'name = "a"\n{REST}label = "x"\n[[gate]]\nmetric = "m"\ndataset = "{other}"\n'
    with pytest.raises(GenbenchError):
        load_suite(put(content.replace('"digits"', f'"{long}"')))


READERS = [read_curves, read_course, read_blocks]


@pytest.mark.parametrize("read", READERS)
def test_files_beside_a_trial_that_are_none(tmp_path, read):
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(RecordError, match="larger than 16 MiB"):
        read(big)
    with pytest.raises(RecordError, match="cannot read"):
        read(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(RecordError, match="pipe or a device"):
            read(tmp_path / "pipe")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        "9" * 5000,
        "NaN",
        '{"step":NaN}',
        '{"step":1e999}',
        "\ufeff{}",
        "null",
        '"a"',
        "{}\0",
        "{",
    ],
    ids=lambda line: line[:12],
)
def test_lines_that_are_none(put, read, line):
    with pytest.raises(RecordError, match="line 1"):
        read(put(line + "\n"))


def test_numbers_that_no_column_holds(put):
    with pytest.raises(RecordError, match="line 1"):
        read_curves(put(f'{{"step":{2**63}}}\n'))
    with pytest.raises(RecordError, match="line 1"):
        read_blocks(put(f'{{"phase":"training","steps":{10**400},"seconds":1}}\n'))
    course = {"step": 1, "drift": None, "entropy": 1, "coverage": None, "quality_a": 1, "quality_b": 1}
    assert read_course(put(json.dumps({**course, "shares": [1]}) + "\n")) is not None
    for bad in ({"shares": ""}, {"shares": {}}, {"shares": [], "step": 2**63}):
        with pytest.raises(RecordError, match="line 1"):
            read_course(put(json.dumps({**course, **bad}) + "\n"))


def test_a_name_of_its_own_in_every_line_fills_no_memory(put):
    """Each name takes a place at each step: a table of the lines squared."""
    lines = "".join(f'{{"step":{n},"{n}":1}}\n' for n in range(101))
    with pytest.raises(RecordError, match="numbers of 101 names"):
        read_curves(put(lines))


def test_what_is_read_is_bounded_and_regular(tmp_path, put):
    path = put(b"x" * 100)
    assert read_bytes(path, 100) == b"x" * 100
    with pytest.raises(OSError, match="larger than"):
        read_bytes(path, 99)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "a\0b", 1)
    with pytest.raises(OSError, match="pipe or a device"):
        open_regular(tmp_path.__class__(os.devnull))
