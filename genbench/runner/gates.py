"""A suite's gates, checked before anything is trained: do they know their numbers, and can they ever fire?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genbench.analyse.gate import Gates, never_fires
from genbench.analyse.row import FAILED_SHARE
from genbench.analyse.significance import smallest_p
from genbench.core.errors import SuiteError, choose_from
from genbench.core.record import Better
from genbench.measures.evidence import Measure
from genbench.runner.cost import COLUMNS as COST
from genbench.runner.target import COLUMNS as TARGET
from genbench.suite.schema import Suite


def check_gates(suite: Suite, chosen: Sequence[Measure]) -> None:
    """Hold every gate's metric against what the suite measures.

    Raises:
        SuiteError: a metric that none of its measures has, that has no better direction, or that can never
            have the value of a bound; the message has the key path.
    """
    columns = {c.metric: c for c in (*(c for m in chosen for c in m.columns), *COST)}
    columns |= {c.metric: c for c in TARGET if suite.target}
    fit = [*(name for name, c in columns.items() if c.better is not Better.NEITHER), FAILED_SHARE]
    for number, gate in enumerate(suite.gate):
        where = f"gate[{number}]"
        if gate.metric == FAILED_SHARE and (gate.at_most is not None or gate.at_least is not None):
            raise SuiteError(f"{where}: how many seeds may fail is bounded by `failures`, without a metric.")
        if gate.metric is None or gate.metric == FAILED_SHARE:
            continue
        if gate.metric not in columns:
            raise SuiteError(
                f"{where}.metric: {choose_from('metric of this suite', gate.metric, fit)} "
                "`genbench list metrics` tells which of the measures has it; add that one to `measures`."
            )
        if gate.metric not in fit:
            raise SuiteError(
                f"{where}.metric: {gate.metric} has no better direction, so it cannot become worse. "
                f"Choose one of {', '.join(fit)}."
            )
        column = columns[gate.metric]
        for key, bound in (("at_least", gate.at_least), ("at_most", gate.at_most)):
            low, high = column.low, column.high
            if bound is None or ((low is None or bound >= low) and (high is None or bound <= high)):
                continue
            ends = [
                *([f"at least {low:g}"] if low is not None else []),
                *([f"at most {high:g}"] if high is not None else []),
            ]
            raise SuiteError(
                f"{where}.{key}: {gate.metric} is {' and '.join(ends)} (got {bound:g}). Choose a value "
                "that it can have."
            )


def doubts(suite: Suite, chosen: Sequence[Measure]) -> Iterator[str]:
    """What makes gates of a suite useless, a sentence each: seeds too few for them ever to fire."""
    seeds = len(suite.seed_list)
    gates = Gates(suite.gate, suite.alpha)
    rules = gates.rules()
    by_seed = [c.metric for measure in chosen if not measure.per_cohort for c in measure.columns]
    compared = [
        (entry.names[0], model.label, metric)
        for entry in suite.dataset
        for model in suite.model
        for metric in (*by_seed, *(c.metric for c in TARGET if suite.target), FAILED_SHARE)
        if rules(entry.names[0], model.label, metric).gated
    ]
    rows = len(compared)
    if (needed := never_fires(gates, rows, seeds)) is None:
        return
    unpaired = never_fires(gates, rows, seeds, paired=False)
    instead = (
        ""
        if unpaired
        else " So can seeds that are not the baseline's: they are no pairs, and then these are enough."
    )
    numbers = f"{rows} number" + "s" * (rows > 1)
    bar = f"{suite.alpha:g} / {rows} = {suite.alpha / rows:.2g}"
    yield (
        f"gates that compare can never fire against a baseline of the same {seeds} seeds, if the models "
        f"have all {numbers} under gates: p cannot fall below {smallest_p(seeds, seeds, paired=True):.2g}, "
        "and for so many it has to be "
        f"at most {bar}. With seeds = {needed} they can.{instead}"
    )
