"""A number that cannot be written leaves its place to the reason; one that stands is not written again."""

import pytest

from genbench.core.errors import RecordError
from genbench.core.record import Better, Column, Status
from genbench.measures.evidence import Reading
from genbench.runner.scribe import Scribe, Subject

A, B = (Column(f"mine.{name}", "", Better.LOWER, meaning="x") for name in "ab")
SUBJECT = Subject("t", "m", "1", "d", 0, 32, 1, {})


class Kept(list):
    def append(self, record):
        record.to_json()
        super().append(record)


def scribe(**more):
    return Scribe(journal=Kept(), run="r", suite="s", env="e", code="c", protocol={}, **more)


@pytest.mark.parametrize(
    "odd", [Reading(A, float("nan")), Reading(A, "text"), Reading(A, None), Reading(A, 1.0, n=1.0)]
)
def test_what_cannot_be_written_is_a_failure_of_that_number(odd):
    mine = scribe()
    with pytest.raises((RecordError, TypeError)):
        mine.write(SUBJECT, [Reading(B, 1.0), odd])
    mine.fail(SUBJECT, (A, B), Status.FAILED, "because")
    assert [(r.metric, r.value, r.status) for r in mine.journal] == [
        ("mine.b", 1.0, Status.DONE),
        ("mine.a", None, Status.FAILED),
    ]


def test_what_stands_is_not_written_again_and_is_no_failure():
    mine = scribe(kept=frozenset({("t", "mine.a", 32)}))
    mine.write(SUBJECT, [Reading(A, 2.0)])
    mine.fail(SUBJECT, (A, B), Status.INTERRUPTED, "stopped")
    assert [(r.metric, r.status) for r in mine.journal] == [("mine.b", Status.INTERRUPTED)]
