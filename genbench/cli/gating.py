"""Which gates ``genbench compare`` holds a comparison against, and when it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from genbench.analyse.compare import Comparison
from genbench.analyse.gate import Gates, load_gates, refuse_begun
from genbench.core.errors import RecordError
from genbench.report.comparison_notes import unfinished
from genbench.store.rundir import RunDirectory, resolve_run
from genbench.suite.load import load_suite


def gates_of(runs: Sequence[str], results: Path, suite: Path | None, *, needed: bool) -> Gates:
    """The gates of a suite file, else those that all of these runs were made with.

    Args:
        runs: of the new side.
        results: folder in which runs are looked for.
        suite: in place of what the runs were made with.
        needed: whether it is an error if there are none.

    Raises:
        RecordError: there are none, nobody knows, or the runs disagree; only where they are needed.
        SuiteError: the suite cannot be read.
    """
    if suite is not None:
        loaded = load_suite(suite)
        found = Gates(loaded.gate, loaded.alpha)
        if needed and not found.gates:
            raise RecordError(
                f"--gate: {suite} has no gates, so there is nothing to judge. Write a [[gate]]."
            )
        return found
    remedy = "Give a suite that has them: --gates SUITE.toml."
    each = []
    for run in runs:
        place = resolve_run(run, results)
        if isinstance(place, RunDirectory) and place.resolved.is_file():
            try:
                each.append(load_gates(place.resolved))
            except RecordError:
                if needed:
                    raise
        elif needed:
            raise RecordError(f"--gate: nothing beside the records of {run} tells its gates. {remedy}")
    alike = len(each) == len(runs) and all(one == each[0] for one in each)
    if needed and not alike:
        raise RecordError(f"--gate: the runs {', '.join(runs)} were made with different gates. {remedy}")
    if needed and not each[0].gates:
        raise RecordError(
            f"--gate: {', '.join(runs)} was made without gates: there is nothing to judge. {remedy}"
        )
    return each[0] if alike else Gates()


def narrowed(gates: Gates, models: Sequence[str], metrics: Sequence[str]) -> Gates:
    """The gates about these models and metrics (all, if empty): what is left out on purpose is not undecided.

    Raises:
        RecordError: there is none.
    """
    kept = tuple(
        gate
        for gate in gates.gates
        if (not models or gate.model is None or gate.model in models)
        and (
            not metrics or gate.metric is None or any(f"{gate.metric}.".startswith(f"{m}.") for m in metrics)
        )
    )
    if not kept:
        raise RecordError(
            "--gate: no gate is about these --models and --metrics. Leave them out, or name others."
        )
    return replace(gates, gates=kept)


def left_out(gates: Gates, kept: Gates) -> tuple[str, ...]:
    """A line on gates that were not asked for, if there are any: who looks at less has to say so."""
    number = len(gates.gates) - len(kept.gates)
    if not number:
        return ()
    are = "gate is" if number == 1 else "gates are"
    return (f"NOTE  {number} {are} about other models or metrics, and not looked at (--models, --metrics)",)


def refuse_one_run(comparison: Comparison) -> None:
    """A run is never worse than itself, so a gate that compares it with itself guards nothing.

    Raises:
        RecordError: both sides hold the same run.
    """
    if both := sorted(set(comparison.base) & set(comparison.new)):
        raise RecordError(
            f"--gate: run {', '.join(both)} is on both sides, and nothing is worse than itself. Name the "
            "baseline first and the new run second."
        )


def refuse_unfinished(comparison: Comparison, runs: Mapping[str, Sequence[str]], results: Path) -> None:
    """Nothing is judged of runs that still go on, or were stopped.

    Args:
        comparison: that may lack numbers.
        runs: names of the runs of ``base`` and ``new``.
        results: folder in which runs are looked for.

    Raises:
        RecordError: trials have not come to an end; the message says how to go on.
    """
    for side, names in runs.items():
        for name in names:
            place = resolve_run(name, results)
            if isinstance(place, RunDirectory) and place.resolved.is_file():
                refuse_begun(place, f"--gate: the {side} run {name}")
    if not comparison.unfinished:
        return
    names = runs[comparison.unfinished[0].side]
    place = resolve_run(names[0], results)
    how = "SUITE.toml --resume RUN"
    if len(names) == 1 and isinstance(place, RunDirectory):
        how = f"{place.suite_file} --resume {place.path}"
    raise RecordError(
        f"--gate: {unfinished(comparison)}, so gates cannot be judged. Finish them with "
        f"`genbench run {how}`, or compare without --gate."
    )
