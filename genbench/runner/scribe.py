"""From readings to records: stamps every number with what is needed to judge it, and writes it at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from genbench.core.record import OUTCOME, Better, Column, Record, Status
from genbench.measures.evidence import Reading

STEPS = Column(OUTCOME, "steps", Better.NEITHER, meaning="training steps finished by the trial")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the numbers are about: a trial, a whole cohort (``seed`` None), or a control row.

    ``on_the_way`` says that training goes on after them: they never stand in for the final ones.
    """

    trial: str
    model: str
    model_version: str
    dataset: str
    seed: int | None
    step: int
    lanes: int
    protocol: dict[str, str | int | float | bool]
    on_the_way: bool = False


class Journal(Protocol):
    """Where records go: the journal of a run (``genbench.store.journal``), or a list."""

    def append(self, record: Record, /) -> None:
        """Keep one more."""


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes the records of one run.

    Attributes:
        journal: where to.
        run: name of the run.
        suite: name of the suite.
        env: id of the environment.
        code: genbench's version and commit.
        protocol: what every record of the run has in its protocol.
        outcomes: how each trial ended, by its id, as far as it has.
        written: (trial, metric, step, whether on the way) of what this process has written.
        kept: (trial, metric, step) of what an earlier process has written and still holds: it is not written
            again, so that a run that was continued has the records of one that was not disturbed.
        missed: the same of what it wrote as failed; a number may still come.
    """

    journal: Journal
    run: str
    suite: str
    env: str
    code: str
    protocol: dict[str, str | int | float | bool]
    outcomes: dict[str, Status] = field(default_factory=dict)
    written: set[tuple[str, str, int, bool]] = field(default_factory=set)
    kept: frozenset[tuple[str, str, int]] = frozenset()
    missed: frozenset[tuple[str, str, int]] = frozenset()

    def write(self, subject: Subject, readings: Iterable[Reading]) -> None:
        """Write readings as they come."""
        for reading in readings:
            self._append(subject, reading, Status.SKIPPED if reading.value is None else Status.DONE)

    def fail(self, subject: Subject, columns: Iterable[Column], status: Status, reason: str) -> None:
        """Write that these numbers are not there, and why; one that is there already stands."""
        for column in columns:
            if _key(subject, column) in self.written:
                continue
            self._append(subject, Reading(column, None, reason=reason), status)

    def outcome(self, subject: Subject, status: Status, reason: str = "") -> None:
        """Write how a trial ended: the last record of each trial."""
        self._append(subject, Reading(STEPS, float(subject.step), n=1, reason=reason), status)
        self.outcomes[subject.trial] = status

    def count(self, trials: Collection[str]) -> int:
        """How many numbers of these trials, or cohorts, are in the journal: of each at each step one."""
        stood = self.kept | self.missed
        return sum(trial in trials for trial, _, _ in {key[:3] for key in self.written} | stood)

    def _append(self, subject: Subject, reading: Reading, status: Status) -> None:
        column = reading.column
        place = (subject.trial, column.metric, subject.step)
        # what stood on the way is no final number: where there is none, that is written after it
        stands = self.missed if status is Status.FAILED else self.kept
        if place in stands and status is not Status.INTERRUPTED:
            self.written.add(_key(subject, column))
            return
        model = {"model": subject.model_version} if subject.model_version else {}
        self.journal.append(
            Record(
                run=self.run,
                suite=self.suite,
                trial=subject.trial,
                model=subject.model,
                dataset=subject.dataset,
                seed=subject.seed,
                step=subject.step,
                metric=column.metric,
                value=reading.value,
                error=reading.error,
                unit=column.unit,
                better=column.better,
                n=reading.n,
                lanes=subject.lanes,
                status=status,
                reason=reading.reason,
                versions={"metric": column.version, **model, **reading.versions},
                protocol={**self.protocol, **subject.protocol, **reading.protocol},
                env=self.env,
                code=self.code,
                at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        )
        self.written.add(_key(subject, column))


def _key(subject: Subject, column: Column) -> tuple[str, str, int, bool]:
    return subject.trial, column.metric, subject.step, subject.on_the_way
