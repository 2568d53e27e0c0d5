"""Which run directory a run writes into, and what is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genbench.core.bounded import MIB, read_bytes
from genbench.core.environment import code_identity, environment_id
from genbench.core.errors import RecordError, SuiteError
from genbench.core.ids import JSON, content_hash
from genbench.core.record import OUTCOME, Status
from genbench.core.registry import plugins
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
        doubted: trials that begin anew, because lines of the journal that may have been theirs were damaged.
        journal: bytes of its whole lines.
    """

    outcomes: Mapping[str, Status] = field(default_factory=dict)
    controls: frozenset[str] = frozenset()
    kept: frozenset[tuple[str, str, int]] = frozenset()
    doubted: frozenset[str] = frozenset()
    journal: int = 0


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
    if wanted.unfinished:
        for run in _unfinished(suite, out, plan):
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
    """What code trains on what machine: what must be equal for a training to be continued."""
    named = {"genbench": code_identity(), "machine or packages": environment_id(environment)}
    return {**named, "plugin": content_hash(plugins())}


def earlier_of(run: RunDirectory, maker: Mapping[str, str]) -> Earlier:
    """What is there already in a claimed run directory, damaged records set aside; marks it as unfinished.

    Raises:
        RecordError: its records cannot be read.
        OutputError: nothing can be written there.
    """
    recovered = recover(run.records)
    records, doubted = recovered.records, recovered.doubted
    again = tried_again(run)
    if again is None:  # it had come to its end: what failed is tried again
        again = len(records)
    begin(run, again=again, maker=maker)
    ends = {r.trial: (place, r) for place, r in enumerate(records) if r.metric == OUTCOME}
    outcomes = {
        trial: end.status for trial, (place, end) in ends.items() if _stands(end.status, place, again)
    }
    anew = {trial for trial, end in ends.items() if trial not in outcomes and end[1].status is Status.FAILED}
    of_models = {(end.model, end.dataset) for trial, (_, end) in ends.items() if trial in anew}
    kept = frozenset(
        (r.trial, r.metric, r.step)
        for place, r in enumerate(records)
        if r.status not in (Status.INTERRUPTED, Status.FAILED)
        or (r.metric == OUTCOME and r.trial in outcomes)
        if not (r.trial in anew and place <= ends[r.trial][0])
        if not (r.seed is None and place < again and (r.model, r.dataset) in of_models)
        if r.trial not in doubted
    )
    # control rows are measured before any trial
    measured = frozenset(end.dataset for _, end in ends.values()) if not doubted else frozenset()
    left = {trial: status for trial, status in outcomes.items() if trial not in doubted}
    return Earlier(left, measured, kept, doubted, recovered.size)


def _stands(status: Status, place: int, again: int) -> bool:
    """Whether a trial that ended so, in the record at this place, is done."""
    return status in (Status.DONE, Status.DIVERGED) or (status is Status.FAILED and place >= again)


def _unfinished(suite: Suite, out: Path, plan: Sequence[Cohort]) -> list[RunDirectory]:
    """The runs of the very same suite that have not come to their end, the newest first."""
    runs = [RunDirectory(path.parent) for path in (out / suite.name).glob("*/unfinished.json")]
    asked = decisive(resolved_text(suite, plan))
    same = [run for run in runs if run.resolved.is_file() and decisive(_text(run.resolved)) == asked]
    return sorted(same, key=lambda run: run.name, reverse=True)


def _text(file: Path) -> str:
    try:
        return read_bytes(file, 16 * MIB).decode("utf-8", "replace")
    except OSError as error:
        raise RecordError(f"cannot read {file}: {error.strerror}. Give the directory of a run.") from error
