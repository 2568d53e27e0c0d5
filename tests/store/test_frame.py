from dataclasses import fields, replace
from pathlib import Path

import pytest

from genbench.core.record import Better, Record, Status
from genbench.store.frame import to_frame

RECORD = Record(
    run="r",
    suite="s",
    trial="t",
    model="m",
    dataset="d",
    seed=0,
    step=1,
    metric="quality.fid",
    value=1.0,
    error=None,
    unit="",
    better=Better.LOWER,
    n=10,
    lanes=1,
    status=Status.DONE,
    reason="",
    versions={"metric": "1"},
    protocol={"n_fake": 10, "quick": True},
    env="e",
    code="c",
    at="2026-08-14T10:15:00Z",
)


def test_one_row_a_record_with_flat_columns() -> None:
    cohort = replace(
        RECORD, seed=None, value=None, reason="no compiler", versions={}, protocol={"n_fake": 20}
    )
    frame = to_frame([RECORD, cohort])
    named = {f.name for f in fields(Record)} - {"versions", "protocol"}
    assert named | {"version.metric", "protocol.n_fake", "protocol.quick"} == set(frame.columns)
    assert frame["seed"].isna().tolist() == [False, True]
    assert frame["value"].isna().tolist() == [False, True]
    assert frame["protocol.n_fake"].tolist() == [10, 20]
    assert frame["protocol.quick"].isna().tolist() == [False, True]
    assert frame["better"].tolist() == ["lower", "lower"] and type(frame["better"][0]) is str


def test_no_records_have_the_same_columns_and_types() -> None:
    empty, one = to_frame([]), to_frame([replace(RECORD, versions={}, protocol={})])
    assert empty.dtypes.equals(one.dtypes)
    assert len(empty) == 0


def test_survives_a_csv_round_trip(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    to_frame([RECORD]).to_csv(tmp_path / "f.csv", index=False)
    assert pandas.read_csv(tmp_path / "f.csv")["protocol.n_fake"].tolist() == [10]


def test_a_key_of_one_kind_keeps_its_type_and_one_of_several_is_text() -> None:
    kinds = [1, 2.5], [1, "two"], [True, "yes"], [2**63, 1], [2**63 - 1, 1], [True, False]
    told = [1, 2.5], ["1", "two"], ["True", "yes"], [str(2**63), "1"], [2**63 - 1, 1], [True, False]
    types = ["Float64", "object", "object", "object", "Int64", "boolean"]
    for given, column, kind in zip(kinds, told, types, strict=True):
        records = [replace(RECORD, protocol={"key": value}) for value in given]
        cells = to_frame([*records, replace(RECORD, protocol={})])["protocol.key"]
        assert cells.tolist()[:2] == column and cells.isna().tolist() == [False, False, True]
        assert str(cells.dtype) == kind
