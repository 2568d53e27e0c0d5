"""Gates: which rows of a comparison must not be worse, and what must hold whatever the base."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from genbench.analyse.compare import Comparison, Rule, Rules
from genbench.analyse.estimates import centre
from genbench.analyse.row import Row, Verdict
from genbench.analyse.sides import ModelSide
from genbench.analyse.significance import seeds_to_reach, smallest_p
from genbench.core.bounded import MIB, read_text
from genbench.core.errors import RecordError
from genbench.core.record import OUTCOME
from genbench.store.journal import read_records
from genbench.store.rundir import RunDirectory
from genbench.suite.margin import ALPHA, Margin
from genbench.suite.schema import Gate


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of a suite, and how often any of them may raise a false alarm."""

    gates: tuple[Gate, ...] = ()
    alpha: float = ALPHA

    def rules(self, margin: Margin | None = None) -> Rules:
        """What counts as a difference in each row: as its gate says, and elsewhere ``margin``."""

        def rule(dataset: str, model: str, metric: str) -> Rule:
            asked = [gate for gate in self._of(dataset, model, metric) if gate.compares]
            allowed = [gate.margin for gate in asked if gate.margin is not None]
            if not asked:
                return Rule(margin)
            return Rule(allowed[-1] if allowed else None, gated=True)

        return rule

    def bounds(self, dataset: str, model: str, metric: str) -> tuple[float | None, float | None]:
        """The least and the most that a median may be."""
        mine = self._of(dataset, model, metric)
        least = [g.at_least for g in mine if g.at_least is not None]
        most = [g.at_most for g in mine if g.at_most is not None]
        return (least[-1] if least else None), (most[-1] if most else None)

    def failures(self, dataset: str, model: str) -> float | None:
        """The largest share of seeds that may fail, if there is one."""
        asked = [g.failures for g in self.gates if g.covers(dataset, model) and g.failures is not None]
        return asked[-1] if asked else None

    def _of(self, dataset: str, model: str, metric: str) -> list[Gate]:
        return [g for g in self.gates if g.metric == metric and g.covers(dataset, model)]


Broken = Literal["worse", "failed", "below", "above", "failures"]
"""What a gate did not let pass: a row that is WORSE, one that is FAILED, a median beyond a bound, or too many
seeds that failed."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One gate that one model breaks.

    Attributes:
        kind: which rule.
        dataset, model, metric: whose; ``metric`` is empty for ``failures``.
        row: the compared row; ``None`` for bounds, which need no base.
        value: what is beyond the bound: a median, infinite where most seeds were lost, or a share.
        bound: that it is beyond.
    """

    kind: Broken
    dataset: str
    model: str
    metric: str
    row: Row | None = None
    value: float = 0.0
    bound: float = 0.0


@dataclass(frozen=True, slots=True)
class Undecided:
    """A gate that nothing can be said of, and why; it is not passed."""

    dataset: str
    model: str
    metric: str
    why: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gates say of a comparison.

    Attributes:
        looked: how many rules were looked at.
        violations: rules that are broken.
        undecided: rules that could not be judged: no such numbers, or numbers that do not compare.
        unsure: gated rows whose verdict is UNSURE; they pass.
    """

    looked: int
    violations: tuple[Violation, ...]
    undecided: tuple[Undecided, ...]
    unsure: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether every rule was judged and none is broken."""
        return not self.violations and not self.undecided


def judge(comparison: Comparison, gates: Gates) -> Judgement:
    """Hold a comparison, made with ``gates.rules()``, against gates."""
    violations: list[Violation] = []
    undecided: list[Undecided] = []
    looked = 0
    gated = [row for row in comparison.rows if row.gated]
    for row in gated:
        looked += 1
        match row.verdict:
            case Verdict.WORSE | Verdict.FAILED:
                kind: Broken = "worse" if row.verdict is Verdict.WORSE else "failed"
                violations.append(Violation(kind, row.dataset, row.new_model, row.metric, row))
            case Verdict.GONE | Verdict.NEW | Verdict.INCOMPARABLE:
                undecided.append(_undecided(row))
    for (dataset, model), side in comparison.new_sides.items():
        absolute = list(_absolute(dataset, model, side, gates))
        looked += len(absolute)
        violations += [found for found, broken in absolute if broken]
    undecided += _without_numbers(comparison, gates)
    if not looked and not undecided:
        undecided.append(Undecided("any dataset", "any model", "", "there is no number to look at"))
    unsure = tuple(row for row in gated if row.verdict is Verdict.UNSURE)
    return Judgement(looked, tuple(violations), tuple(undecided), unsure)


def never_fires(gates: Gates, rows: int, seeds: int, *, paired: bool = True) -> int | None:
    """Seeds a side that gates need to fire at all, where these are too few; ``None`` where they can.

    With Holm's correction the smallest p of ``rows`` has to be at most ``alpha / rows``; and the smallest
    that any values of so many seeds can give is ``smallest_p``.

    Args:
        gates: with their alpha.
        rows: numbers of seeds that gates compare with a base.
        seeds: of each side.
        paired: whether both sides have the same seeds.
    """
    if not rows or smallest_p(seeds, seeds, paired=paired) <= gates.alpha / rows:
        return None
    return seeds_to_reach(gates.alpha / rows, paired=paired)


def load_gates(resolved: Path) -> Gates:
    """The gates that a run was made with.

    Args:
        resolved: its ``resolved.json``.

    Raises:
        RecordError: the file is missing or damaged.
    """
    try:
        content = json.loads(read_text(resolved, 16 * MIB))
        gates = TypeAdapter(tuple[Gate, ...]).validate_python(tuple(content.get("gate", ())))
        alpha = float(content.get("alpha", ALPHA))
        if not 0 < alpha < 1:
            raise ValueError(f"alpha {alpha} is not between 0 and 1")
        return Gates(gates, alpha)
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise RecordError(
            f"cannot read the gates of a run from {resolved}: {reason}. Give the suite that has them with "
            "--gates SUITE.toml."
        ) from error


def refuse_begun(run: RunDirectory, name: str) -> None:
    """Nothing is judged of a run whose trials have not all come to an end, even where no record shows it.

    Args:
        run: with a ``resolved.json``, which has every trial that was planned.
        name: of the run, for the message.

    Raises:
        RecordError: trials have no end, or the file is damaged; the message says how to go on.
    """
    ended = {record.trial for record in read_records(run.records) if record.metric == OUTCOME}
    try:
        cohorts = json.loads(read_text(run.resolved, 16 * MIB)).get("cohort", ())
        left = [
            f"{cohort['label']} on {cohort['dataset']}, seed {seed}"
            for cohort in cohorts
            for trial, seed in cohort["trials"].items()
            if trial not in ended
        ]
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise RecordError(
            f"{name}: cannot tell from {run.resolved} whether it has come to an end "
            f"({type(error).__name__}). Run the suite again."
        ) from error
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        raise RecordError(
            f"{name} has not come to its end: {left[0]}{more}. Go on with `genbench run {run.suite_file} "
            f"--resume {run.path}`."
        )


def _absolute(dataset: str, model: str, side: ModelSide, gates: Gates) -> Iterator[tuple[Violation, bool]]:
    """Every rule that needs no base, and whether it is broken."""
    limit = gates.failures(dataset, model)
    ended = len(side.ended) - len(side.unfinished)
    if limit is not None and ended:
        share = len(side.failed) / ended
        yield Violation("failures", dataset, model, "", value=share, bound=limit), share > limit
    for name, one in side.metrics.items():
        numbers = one.ordered() or [measured.value for measured in one.measured]
        least, most = gates.bounds(dataset, model, name)
        if not numbers:
            continue
        middle = centre(numbers, "median")
        if least is not None:
            yield Violation("below", dataset, model, name, value=middle, bound=least), middle < least
        if most is not None:
            yield Violation("above", dataset, model, name, value=middle, bound=most), middle > most


def _undecided(row: Row) -> Undecided:
    why = f"{row.verdict}: {row.why}"
    if row.verdict is Verdict.NEW:
        why += "; make the baseline anew"
    return Undecided(row.dataset, row.new_model, row.metric, why)


def _without_numbers(comparison: Comparison, gates: Gates) -> Iterator[Undecided]:
    """Bounds of what is gone, and gates that no number and no row answers to."""
    for row in comparison.rows:
        mine = [gate for gate in gates.gates if gate.covers(row.dataset, row.new_model)]
        asked = any(gate.metric == row.metric or not row.metric for gate in mine)
        if row.verdict is Verdict.GONE and asked and not row.gated:
            yield _undecided(row)
    for gate in gates.gates:
        there = [side for key, side in comparison.new_sides.items() if gate.covers(*key)]
        answered = bool(there)
        if gate.metric is not None:
            found = [side.metrics[gate.metric] for side in there if gate.metric in side.metrics]
            answered = any(not one.empty for one in found)
        rows = (row for row in comparison.rows if row.gated and gate.covers(row.dataset, row.new_model))
        if not answered and not any(row.metric in ("", gate.metric) for row in rows):
            about = gate.dataset or "any dataset", gate.model or "any model", gate.metric or "failures"
            yield Undecided(*about, "the new side has no such number")
