import os
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.core.errors import GenbenchWarning, OutputError, RecordError
from genbench.core.record import Better, Record, Status
from genbench.store.journal import Journal, read_records, recover

FIRST = Record(
    run="20260814T101500Z-ab12cd3",
    suite="mnist",
    trial="t0",
    model="gan",
    dataset="digits",
    seed=0,
    step=100,
    metric="quality.fid",
    value=12.5,
    error=0.25,
    unit="",
    better=Better.LOWER,
    n=2000,
    lanes=3,
    status=Status.DONE,
    reason="",
    versions={"metric": "1"},
    protocol={"n_fake": 2000, "quick": False},
    env="e0",
    code="0.1.0+ab12cd3",
    at="2026-08-14T10:15:00Z",
)
RECORDS = [
    FIRST,
    replace(FIRST, seed=1, value=None, error=None, status=Status.DIVERGED, reason="the loss is ∞\nat step 7"),
    replace(FIRST, seed=None, model="a\u2028b\x85c", metric="throughput.s_per_1000_steps"),
]
PLAIN = b"".join(record.to_json().encode() + b"\n" for record in RECORDS)
"""As lines were written before they had checksums."""


def sealed(line: bytes) -> bytes:
    return line[:-1] + b',"crc":"%08x"}' % zlib.crc32(line)


WHOLE = b"".join(sealed(line) + b"\n" for line in PLAIN.splitlines())


def write(path: Path, records: list[Record]) -> None:
    with Journal(path) as journal:
        for record in records:
            journal.append(record)


def test_reads_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "records.jsonl"
    write(path, RECORDS[:1])
    write(path, RECORDS[1:])
    assert path.read_bytes() == WHOLE
    assert read_records(path) == RECORDS


def test_each_record_is_synced_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "records.jsonl"
    synced: list[bytes] = []
    fsync = os.fsync

    def watch(file: int) -> None:
        fsync(file)
        synced.append(path.read_bytes())

    with Journal(path) as journal:
        monkeypatch.setattr("os.fsync", watch)
        for record in RECORDS:
            journal.append(record)
            assert synced[-1] == path.read_bytes()
    assert len(synced) == len(RECORDS)


@given(cut=st.integers(0, len(WHOLE)))
def test_truncated_anywhere_it_reads_a_prefix_and_takes_more(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "records.jsonl"
    path.write_bytes(WHOLE[:cut])
    lines_left = WHOLE[:cut].count(b"\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GenbenchWarning)
        before = read_records(path)
    assert before == RECORDS[: len(before)]
    assert lines_left <= len(before) <= lines_left + 1

    write(path, [FIRST])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_records(path) == [*before, FIRST]


@given(place=st.integers(0, len(WHOLE) - 2), other=st.integers(1, 255))
def test_a_changed_byte_is_never_believed(
    place: int, other: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("changed") / "records.jsonl"
    path.write_bytes(WHOLE[:place] + bytes([WHOLE[place] ^ other]) + WHOLE[place + 1 :])
    with pytest.raises(RecordError, match=r"records\.jsonl, line [123]"):
        read_records(path)
    with pytest.warns(GenbenchWarning, match=r"set aside as records\.damaged-1\.jsonl; .* is made again: "):
        found = recover(path)
    assert all(record in RECORDS for record in found)
    assert {record.model for record in found} <= {RECORDS[2].model}  # the models beside it are not there
    assert read_records(path) == list(found)
    assert path.with_name("records.damaged-1.jsonl").stat().st_size == len(WHOLE)
    assert recover(path) == found  # mended for good


def test_damage_costs_the_rows_beside_it_and_no_others(tmp_path: Path) -> None:
    def lines(model: str, dataset: str, trial: str) -> list[Record]:
        return [replace(FIRST, model=model, dataset=dataset, trial=trial, metric=f"m.{n}") for n in range(3)]

    rows = [
        *lines("real", "digits", "c0"), *lines("gan", "digits", "t0"), *lines("gan", "digits", "t1"),
        *lines("vae", "digits", "t2"), *lines("noise", "ring", "c1"), *lines("gan", "ring", "t3"),
    ]  # fmt: skip
    path = tmp_path / "records.jsonl"

    def mended(*damaged: int) -> set[str]:
        path.unlink(missing_ok=True)
        write(path, rows)
        whole = path.read_bytes().splitlines(keepends=True)
        for place in damaged:
            whole[place] = bytes(len(whole[place]) - 1) + b"\n"
        path.write_bytes(b"".join(whole))
        with pytest.warns(GenbenchWarning, match="set aside"):
            return {record.trial for record in recover(path)}

    every = {record.trial for record in rows}
    assert mended(4) == every - {"t0", "t1"}  # all seeds of the model: a lane may have gone altogether
    assert mended(3, 4, 5, 6, 7, 8) == every - {"c0", "t2"} - {"t0", "t1"}
    assert mended(9) == every - {"t0", "t1", "t2"}
    assert mended(0) == every - {"c0"}
    assert mended(13) == every - {"c1"}
    assert mended(len(rows) - 1) == every - {"t3"}


def test_lines_without_checksums_are_read(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(PLAIN)
    assert read_records(path) == RECORDS
    write(path, [FIRST])
    assert read_records(path) == [*RECORDS, FIRST]


def test_a_half_written_tail_is_nothing_to_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(WHOLE[:-20])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert recover(path) == tuple(RECORDS[:-1])
    assert list(tmp_path.iterdir()) == [path]
    assert recover(tmp_path / "none.jsonl") == ()


def test_a_second_damage_is_set_aside_too(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    for number in (1, 2):
        path.write_bytes(WHOLE + b"{half}\n" + WHOLE)
        with pytest.warns(GenbenchWarning, match=rf"line 4.*damaged-{number}"):
            recover(path)


def test_another_schema_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(PLAIN.replace(b'"schema":1', b'"schema":7'))
    for read in (read_records, recover):
        with pytest.raises(RecordError, match="a record of schema 7; this genbench reads schema 1"):
            read(path)
    assert list(tmp_path.iterdir()) == [path]


def test_half_written_tail_is_said(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(WHOLE[:-20])
    with pytest.warns(GenbenchWarning, match="half-written"):
        assert read_records(path) == RECORDS[:-1]


def test_whole_last_line_without_line_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(WHOLE[:-1])
    assert read_records(path) == RECORDS
    write(path, [FIRST])
    assert read_records(path) == [*RECORDS, FIRST]


def test_tail_longer_than_a_chunk_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(WHOLE + b"x" * 200_000)
    write(path, [])
    assert path.read_bytes() == WHOLE


@pytest.mark.parametrize("bad", [b"", b"{}", b"{half", b"\xff\xfe", b"[1]", b'{"schema":9}'])
def test_bad_line_names_file_and_line(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(FIRST.to_json().encode() + b"\n" + bad + b"\n" + WHOLE)
    with pytest.raises(RecordError, match=r"records\.jsonl, line 2: "):
        read_records(path)


def test_no_file_is_a_record_error(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot read"):
        read_records(tmp_path / "records.jsonl")


def test_unwritable_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="is a file, and would have to be a folder"):
        Journal(tmp_path / "file" / "records.jsonl")
    with pytest.raises(OutputError):
        Journal(tmp_path)  # a folder


def test_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "records.jsonl"
    os_write = os.write
    with Journal(path) as journal:
        journal.append(FIRST)

        def write_half(file: int, data: memoryview) -> int:
            if len(data) < 100:
                raise OSError(28, "No space left on device")
            return os_write(file, data[: len(data) // 2])

        with monkeypatch.context() as patch:
            patch.setattr("os.write", write_half)
            with pytest.raises(OutputError, match="No space left"):
                journal.append(RECORDS[1])
        journal.append(RECORDS[2])
    assert read_records(path) == [FIRST, RECORDS[2]]


def test_text_that_is_no_unicode_survives(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    record = replace(FIRST, value=None, error=None, status=Status.FAILED, reason="no file \udcff.png")
    write(path, [record])
    assert read_records(path) == [record]


def test_a_file_may_be_named_by_text(tmp_path: Path) -> None:
    write(tmp_path / "f", RECORDS)
    assert read_records(str(tmp_path / "f")) == RECORDS


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file cannot be deleted")
def test_a_journal_that_was_deleted_takes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    with Journal(path) as journal:
        journal.append(FIRST)
        path.unlink()
        with pytest.raises(OutputError, match="was deleted or replaced while the run was writing it"):
            journal.append(FIRST)


def test_a_pipe_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "records.jsonl")
    for read in (read_records, recover):
        with pytest.raises(RecordError, match="it is a pipe or a device"):
            read(tmp_path / "records.jsonl")


def test_what_a_stranger_wrote_is_quoted_in_short(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    long = '"' + "x" * 100_000 + '"'
    plain = FIRST.to_json()
    bad = (
        plain.replace('"schema":1', f'"schema":{long}'),
        plain.replace('"value":12.5', f'"value":{long}'),
        plain.replace('"value":12.5', f'"value":12.5,{long}:1'),
    )
    for line in bad:
        path.write_text(line + "\n")
        with pytest.raises(RecordError) as said:
            read_records(path)
        assert len(str(said.value)) < 600
