"""One call for a user's own tests: this model on this suite is not worse than the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genbench.analyse.compare import Comparison, compare_runs
from genbench.analyse.gate import Gates, Judgement, judge, refuse_begun
from genbench.core.errors import GenbenchError, SuiteError, choose_from
from genbench.report.gate_lines import cleared_lines, gate_lines
from genbench.runner.confirm import confirm as train_again
from genbench.runner.gates import check_gates
from genbench.runner.job import run
from genbench.runner.measuring import chosen_measures
from genbench.runner.progress import Reporter
from genbench.store.loaded import load_run
from genbench.store.rundir import RunDirectory, resolve_run
from genbench.suite.load import load_suite
from genbench.suite.schema import Gate, Suite


class GateFailed(AssertionError):  # noqa: N818 - read as "GateFailed: WORSE vae on digits"
    """A gate is broken, or could not be judged; the message has a line for each."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found.

    Attributes:
        comparison: baseline against the new run.
        judgement: of the gates, after confirmation if there was one.
        path: directory of the new run.
        lines: the judgement in words.
    """

    comparison: Comparison
    judgement: Judgement
    path: Path
    lines: tuple[str, ...]


def assert_not_worse(
    suite: str | Path | Suite,
    baseline: str | Path,
    *,
    models: Sequence[str] = (),
    metrics: Sequence[str] = (),
    confirm: bool = False,
    device: str = "auto",
    out: str | Path = "results",
    reporter: Reporter | None = None,
) -> Outcome:
    """Run a suite and hold it against a baseline.

    Args:
        suite: a TOML file, or a loaded suite.
        baseline: a run, as ``load_run`` takes it.
        models: labels to train and to look at; all if empty.
        metrics: dotted names to gate, each with the usual margin, in place of the suite's own gates.
        confirm: whether what breaks a gate is trained again with fresh seeds before that counts.
        device: ``auto``, ``cpu`` or ``cuda``.
        out: folder of all results.
        reporter: told of progress.

    Raises:
        GateFailed: a gate is broken or could not be judged.
        GenbenchError: the suite or the baseline cannot be used, or nothing is gated.
        KeyboardInterrupt: the run was stopped; the message says how to go on.
    """
    __tracebackhide__ = True  # of pytest's: the message says it all
    chosen = _narrowed(suite, models) if isinstance(suite, Suite) else load_suite(suite, only=models)
    asked = tuple(Gate(metric=metric) for metric in metrics) or chosen.gate
    labels = [model.label for model in chosen.model]
    gates = Gates(tuple(gate for gate in asked if gate.model in (None, *labels)), chosen.alpha)
    if not gates.gates:
        raise GenbenchError(
            f"suite {chosen.name} has no gates for {', '.join(labels)}, so nothing can be worse. Add a "
            '[[gate]] to it, or name metrics: metrics=["quality.fid"].'
        )
    check_gates(chosen.model_copy(update={"gate": gates.gates}), chosen_measures(chosen.measures))
    base = load_run(baseline)
    place = resolve_run(baseline, "results")
    if isinstance(place, RunDirectory) and place.resolved.is_file():
        refuse_begun(place, f"the baseline {baseline}")
    kept = [label for label in labels if any(record.model == label for record in base)]
    compare_runs(
        base, base, models=kept
    )  # a baseline that nothing can be compared with is told before training
    result = run(chosen, device=device, out=out, reporter=reporter)
    if result.interrupted:
        raise KeyboardInterrupt(f"{result.path} was stopped before its end; resume it from there.")
    new = result.records
    comparison = compare_runs(base, new, models=labels, rules=gates.rules(), alpha=gates.alpha)
    judgement = judge(comparison, gates)
    cleared: tuple[str, ...] = ()
    if confirm and judgement.violations:
        second = train_again(
            judgement, base, new, suite=chosen, gates=gates, out=out, device=device, reporter=reporter
        )
        judgement, cleared = second.judgement, cleared_lines(second.cleared, second.seeds)
    lines = (*cleared, *gate_lines(judgement, gates, comparison))
    if not judgement.passed:
        raise GateFailed("\n".join([f"{chosen.name} against {baseline}:", *lines, f"new run: {result.path}"]))
    return Outcome(comparison, judgement, result.path, lines)


def _narrowed(suite: Suite, models: Sequence[str]) -> Suite:
    labels = [model.label for model in suite.model]
    for label in models:
        if label not in labels:
            raise SuiteError("models: " + choose_from("model of this suite", label, labels))
    kept = tuple(model for model in suite.model if not models or model.label in models)
    return suite.model_copy(update={"model": kept})
