import json
import math
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genbench.core.errors import RecordError
from genbench.core.record import Better, Record, Status

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(1 - 2**63, 2**63 - 1)
PLAIN = st.one_of(st.text(), st.booleans(), WHOLE, FINITE)


@st.composite
def records(draw: st.DrawFn) -> Record:
    value = draw(st.none() | FINITE)
    texts = ("run", "suite", "trial", "model", "dataset", "metric", "unit", "env", "code", "at")
    return Record(
        **{name: draw(st.text()) for name in texts},  # type: ignore[arg-type]
        seed=draw(st.none() | WHOLE),
        step=draw(WHOLE),
        value=value,
        error=draw(st.none() | FINITE),
        better=draw(st.sampled_from(Better)),
        n=draw(WHOLE),
        lanes=draw(WHOLE),
        status=draw(st.sampled_from(Status)),
        reason=draw(st.text(min_size=1 if value is None else 0)),
        versions=draw(st.dictionaries(st.text(), st.text(), max_size=3)),
        protocol=draw(st.dictionaries(st.text(), PLAIN, max_size=3)),
    )


EXAMPLE: dict[str, object] = {
    **dict.fromkeys(
        ("run", "suite", "trial", "model", "dataset", "metric", "unit", "env", "code", "at"), "x"
    ),
    "seed": 0,
    "step": 1,
    "value": 1.5,
    "error": None,
    "better": "lower",
    "n": 1,
    "lanes": 1,
    "status": "DONE",
    "reason": "",
    "versions": {},
    "protocol": {},
    "schema": 1,
}


@given(records())
def test_round_trip(record: Record) -> None:
    line = record.to_json()
    assert "\n" not in line
    assert Record.from_json(line) == record


def test_the_example_is_a_record() -> None:
    assert Record.from_json(json.dumps(EXAMPLE)).value == 1.5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.one_of(st.text(), JSON.map(json.dumps)))
def test_garbage_is_a_record_error(line: str) -> None:
    with pytest.raises(RecordError):
        Record.from_json(line)


@settings(deadline=None, max_examples=250)
@given(name=st.sampled_from(sorted(EXAMPLE)), value=JSON)
@pytest.mark.run
def test_one_wrong_field_is_a_record_error_or_a_record(name: str, value: object) -> None:
    line = json.dumps({**EXAMPLE, name: value})
    try:
        record = Record.from_json(line)
    except RecordError:
        return
    # Whatever is let in can be written again: nothing half-checked gets through.
    assert Record.from_json(record.to_json()) == record


@pytest.mark.parametrize(
    "change",
    [
        {"value": 10**400},
        {"value": math.nan},
        {"value": math.inf},
        {"value": True},
        {"value": "1"},
        {"value": None},  # and no reason
        {"error": math.nan},
        {"step": 1.0},
        {"step": True},
        {"step": 2**63},
        {"seed": -(2**63)},
        {"n": 2**63},
        {"seed": "0"},
        {"better": "up"},
        {"better": []},
        {"status": "done"},
        {"versions": []},
        {"versions": {"metric": 1}},
        {"protocol": {"n": math.nan}},
        {"protocol": {"n": [1]}},
        {"protocol": None},
        {"schema": True},
        {"schema": 2},
        {"schema": "1"},
        {"model": None},
        {"extra": 1},
    ],
    ids=str,
)
def test_wrong_fields(change: dict[str, object]) -> None:
    with pytest.raises(RecordError):
        Record.from_json(json.dumps({**EXAMPLE, **change}))


def test_the_largest_numbers_are_read() -> None:
    most = 2**63 - 1
    largest = {"step": most, "n": most, "lanes": most, "seed": -most, "value": sys.float_info.max}
    record = Record.from_json(json.dumps({**EXAMPLE, **largest}))
    assert {name: getattr(record, name) for name in largest} == largest


def test_missing_field_is_named() -> None:
    with pytest.raises(RecordError, match="seed"):
        Record.from_json(json.dumps({key: value for key, value in EXAMPLE.items() if key != "seed"}))


def test_deep_nesting_is_a_record_error() -> None:
    with pytest.raises(RecordError):
        Record.from_json("[" * 100_000)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["value", "error"])
def test_a_number_that_is_not_finite_cannot_be_recorded(name: str, number: float) -> None:
    record = Record.from_json(json.dumps(EXAMPLE))
    content = {field: getattr(record, field) for field in EXAMPLE}
    with pytest.raises(RecordError, match="not finite"):
        Record(**{**content, name: number})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "odd",
    [
        {"n": 1.0},
        {"n": True},
        {"value": True},
        {"unit": None},
        {"versions": {"a": 1}},
        {"protocol": {"a": [1]}},
    ],
)
def test_what_could_not_be_read_again_is_not_written(odd: dict[str, object]) -> None:
    good = Record.from_json(json.dumps(EXAMPLE))
    with pytest.raises(RecordError, match=r"not a record: \w+ is .*, expected"):
        replace(good, **odd).to_json()  # type: ignore[arg-type]
