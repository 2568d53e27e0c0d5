"""Which run directory a run writes into, and what is there already."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from genbench.analyse.standing import last_attempts
from genbench.core.bounded import MIB, read_bytes
from genbench.core.environment import code_identity, environment_id
from genbench.core.errors import RecordError, SuiteError
from genbench.core.ids import JSON, bytes_hash, content_hash
from genbench.core.record import CONTROLS, OUTCOME, Record, Status
from genbench.core.registry import foreign_things, plugins
from genbench.runner.halfway import forget_all
from genbench.runner.provenance import decisive, resolved_text
from genbench.store.claim import begin, is_claimed, maker_of, tried_again
from genbench.store.journal import recover
from genbench.store.rundir import RunDirectory, resolve_run
from genbench.suite.plan import Cohort
from genbench.suite.schema import Suite


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a resumed run has already.

    Attributes:
        outcomes: how trials ended, by id.
        controls: names of datasets with control rows.
        kept: (trial, metric, step) of the numbers that stand.
        missed: the same of those that stand as failed.
        foreign: whether other code, or another machine, was at work on what has not come to its end.
    """

    outcomes: Mapping[str, Status] = field(default_factory=dict)
    controls: frozenset[str] = frozenset()
    kept: frozenset[tuple[str, str, int]] = frozenset()
    missed: frozenset[tuple[str, str, int]] = frozenset()
    foreign: bool = False

    def records_of(self, cohort: Cohort) -> int:
        """How many numbers of a cohort and its trials there are."""
        own = {cohort.id, *(trial.id for trial in cohort.trials)}
        return sum(trial in own for trial, _, _ in self.kept | self.missed)


@dataclass(frozen=True, slots=True)
class Resumption:
    """Whether to go on in an earlier run.

    Attributes:
        run: as a person names it; ``None`` for none in particular.
        unfinished: whether the newest run of the very same suite is to be continued, if it has not come to
            its end.
    """

    run: str | Path | None = None
    unfinished: bool = False


def choose_directory(
    suite: Suite, out: Path, wanted: Resumption, plan: Sequence[Cohort], maker: Mapping[str, str]
) -> tuple[RunDirectory, str]:
    """A new run directory, or the one to go on in; and what to tell of that.

    Args:
        suite: what is to be run.
        out: folder of all results.
        wanted: whether to go on in an earlier run.
        plan: the suite's cohorts.
        maker: of this process.

    Raises:
        OutputError: the directory cannot be made.
        RecordError: there is no such run.
        SuiteError: that run was of another suite.
    """
    if wanted.run is not None:
        found = resolve_run(str(wanted.run), out)
        if not isinstance(found, RunDirectory) or not found.resolved.is_file():
            raise RecordError(
                f"--resume {wanted.run}: not the directory of a run. Give the directory that the run printed."
            )
        if decisive(_text(found.resolved)) != decisive(resolved_text(suite, plan)):
            raise SuiteError(
                f"--resume {wanted.run}: the suite, its options, the data or the precision differ from "
                f"those of that run (see {found.resolved}). Start a new run, or give the same options."
            )
        return found, ""
    told = ""
    if wanted.unfinished and (run := _newest(suite, out, plan)) is not None and run.unfinished.exists():
        if is_claimed(run):
            told = f"{run.path} is a run of the same suite that is at work now; this is another one."
        elif other := [what for what, which in maker.items() if maker_of(run).get(what) != which]:
            told = (
                f"{run.path} did not come to its end, but was begun with another {' and '.join(other)}: "
                "this is a new run."
            )
        else:
            return run, "this run did not come to its end and is continued; --fresh begins a new one."
    mark = content_hash([trial.id for cohort in plan for trial in cohort.trials], digits=7)
    return RunDirectory.create(out, suite.name, mark=mark), told


def maker_here(environment: dict[str, JSON]) -> dict[str, str]:
    """What code trains on what machine: what must be equal for a training to be continued.

    Call it when all that a suite names is imported: the source files of what is not genbench's own are part
    of it.
    """
    own = {name: bytes_hash(_source(thing)) for name, thing in foreign_things().items()}
    threads, device = environment.get("threads"), str(environment.get("device"))
    machine = {**environment, "threads": 0, "device": device.removesuffix(f", {threads} threads")}
    named = {
        "genbench": code_identity(),
        "machine or packages": environment_id(machine),
        "number of threads": str(threads),
    }
    return {**named, "plugin": content_hash({"files": plugins(), "things": own})}


def _source(thing: object) -> bytes:
    """The file in which a model, data set or measure is written; nothing where that cannot be told."""
    try:
        return Path(inspect.getsourcefile(thing) or "").read_bytes()  # type: ignore[arg-type]
    except (OSError, TypeError):
        return b""


def earlier_of(run: RunDirectory, maker: Mapping[str, str], *, controls: bool) -> Earlier:
    """What is there already in a claimed run directory, damaged records set aside; marks it as unfinished.

    Where other code was at work on it, what cohorts could be continued from is removed.

    Args:
        run: claimed by this process.
        maker: of this process.
        controls: whether any measure has control rows.

    Raises:
        RecordError: its records cannot be read.
        OutputError: nothing can be written there.
    """
    there = recover(run.records)
    records = last_attempts(there)
    again = tried_again(run)
    if again is None:  # it had come to its end: what failed is tried again
        again = len(there)
    foreign = bool(before := maker_of(run)) and before != maker
    if foreign:  # before the mark says that what is in training was begun by this code
        forget_all(run)
    begin(run, again=again, maker=maker)
    places = {id(record): place for place, record in enumerate(there)}
    ends = {r.trial: r for r in records if r.metric == OUTCOME}
    outcomes = {t: r.status for t, r in ends.items() if _stands(r.status, places[id(r)], again)}
    anew = {trial for trial, end in ends.items() if trial not in outcomes and end.status is Status.FAILED}
    of_models = {(end.model, end.dataset) for trial, end in ends.items() if trial in anew}

    def is_of_this_attempt(record: Record) -> bool:
        if foreign:  # one training is not made of two
            return record.trial in outcomes or record.model in CONTROLS
        if record.seed is None and places[id(record)] < again:
            return (record.model, record.dataset) not in of_models
        return record.trial not in anew

    def is_tried_again(record: Record) -> bool:
        """A number of a control row that failed before the run came to its end."""
        failed = record.status is Status.FAILED and record.model in CONTROLS
        return failed and places[id(record)] < again

    mine = [r for r in records if is_of_this_attempt(r) and (r.metric != OUTCOME or r.trial in outcomes)]
    kept = frozenset(_key(r) for r in mine if r.status not in (Status.INTERRUPTED, Status.FAILED))
    missed = frozenset(_key(r) for r in mine if r.status is Status.FAILED and not is_tried_again(r)) - kept
    # control rows are measured before any trial, and go together where the journal was damaged
    rows = {r.dataset for r in records if r.model in CONTROLS}
    measured = {end.dataset for end in ends.values() if end.dataset in rows or not controls}
    measured -= {r.dataset for r in records if is_tried_again(r) and _key(r) not in kept}
    return Earlier(outcomes, frozenset(measured), kept, missed, foreign)


def _key(record: Record) -> tuple[str, str, int]:
    return record.trial, record.metric, record.step


def _stands(status: Status, place: int, again: int) -> bool:
    """Whether a trial that ended so, in the record at this place, is done."""
    return status in (Status.DONE, Status.DIVERGED) or (status is Status.FAILED and place >= again)


def _newest(suite: Suite, out: Path, plan: Sequence[Cohort]) -> RunDirectory | None:
    """The newest run of the very same suite; a directory that cannot be read is none of it."""
    asked = decisive(resolved_text(suite, plan))
    for path in sorted((out / suite.name).glob("*/resolved.json"), reverse=True):
        with suppress(RecordError):
            if decisive(_text(path)) == asked:
                return RunDirectory(path.parent)
    return None


def _text(file: Path) -> str:
    try:
        return read_bytes(file, 16 * MIB).decode("utf-8", "replace")
    except OSError as error:
        raise RecordError(f"cannot read {file}: {error.strerror}. Give the directory of a run.") from error
