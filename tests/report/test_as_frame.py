"""All records as one table for other programs: what is written is what was recorded."""

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import asdict

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.core.errors import OutputError
from genbench.core.record import Record, Status
from genbench.report.as_frame import frame_csv, frame_json, frame_parquet

Make = Callable[..., Record]


def flat(record: Record) -> dict[str, object]:
    """A record as its row should be, without what is missing."""
    row = asdict(record)
    row |= {f"version.{key}": version for key, version in row.pop("versions").items()}
    row |= {f"protocol.{key}": value for key, value in row.pop("protocol").items()}
    row |= (
        {"protocol.k": str(row["protocol.k"])} if "protocol.k" in row else {}
    )  # 5 in one, "many" in another
    return {name: cell for name, cell in row.items() if cell is not None}


@pytest.fixture(scope="module")
def records(run: list[Record], make: Make) -> list[Record]:
    """The synthetic run, and what is rare in one."""
    return [
        *run,
        make(seed=None, value=None, reason="no compiler", status=Status.SKIPPED, protocol={"k": 5}),
        make(value=1 / 3, error=1e-300, versions={"data": "abc"}, protocol={"k": "many", "radius": 3}),
        make(value=5e-324, protocol={"radius": 0.5, "quick": True}),
    ]


def same(rows: list[dict[str, object]], records: list[Record]) -> None:
    assert rows == [flat(record) for record in records]


def test_json_is_a_list_of_rows_with_nulls(records: list[Record]) -> None:
    rows = json.loads(frame_json(records))
    assert len({tuple(row) for row in rows}) == 1  # all keys in all rows
    same([{name: cell for name, cell in row.items() if cell is not None} for row in rows], records)


def test_parquet_keeps_types(records: list[Record]) -> None:
    frame = pd.read_parquet(io.BytesIO(frame_parquet(records)), dtype_backend="numpy_nullable")
    rows = [{k: v for k, v in row.items() if not pd.isna(v)} for row in frame.to_dict("records")]
    same(rows, records)
    assert str(frame["seed"].dtype) == "Int64" and str(frame["protocol.quick"].dtype) == "boolean"


def test_csv_reads_back_to_the_last_digit(records: list[Record]) -> None:
    rows = list(csv.DictReader(io.StringIO(frame_csv(records))))
    for row, record in zip(rows, records, strict=True):
        wanted = flat(record)
        assert all(cell == "" for name, cell in row.items() if name not in wanted)
        for name, cell in wanted.items():
            kind = float if isinstance(cell, int | float) and not isinstance(cell, bool) else str
            assert kind(row[name]) == kind(cell), name


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**63 - 1))
@pytest.mark.run
def test_every_number_survives(make: Make, value: float, seed: int) -> None:
    records = [make(value=value, seed=seed), make(value=None, seed=None, reason="none")]
    (row, empty) = json.loads(frame_json(records))
    assert (row["value"], row["seed"]) == (value, seed) and (empty["value"], empty["seed"]) == (None, None)
    row, empty = csv.DictReader(io.StringIO(frame_csv(records)))
    assert (float(row["value"]), int(row["seed"]), empty["value"], empty["seed"]) == (value, seed, "", "")


def test_a_protocol_of_numbers_too_large_for_a_column_is_text(make: Make) -> None:
    (row,) = json.loads(frame_json([make(protocol={"n": 10**30})]))
    assert row["protocol.n"] == str(10**30)
    frame_parquet([make(protocol={"n": 10**30}), make(protocol={"n": True})])


def test_names_do_no_harm(make: Make) -> None:
    hostile = "\x1b[31m=1+1\u202e\ud800"
    record = make(model=hostile, reason=hostile, versions={hostile: hostile}, protocol={hostile: hostile})
    for text in (frame_csv([record]), frame_json([record])):
        assert not set(text) & set("\x1b\u202e\ud800")
    assert ",'=1+1," in frame_csv([record]) and '"=1+1"' in frame_json([record])
    frame_parquet([record])


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OutputError, match=r"pip install 'genbench\[parquet\]'"):
        frame_parquet([make()])
