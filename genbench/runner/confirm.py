"""A second look before a gate fails: what is suspected is trained again, from seeds that nobody has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path

from genbench.analyse.compare import Comparison, compare_runs
from genbench.analyse.gate import Gates, Judgement, Violation, judge
from genbench.analyse.row import FAILED_SHARE, Verdict
from genbench.core.environment import code_version
from genbench.core.record import Record
from genbench.runner.job import run
from genbench.runner.progress import Reporter
from genbench.suite.schema import Suite


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What is left of a judgement after its suspects were trained again.

    Attributes:
        judgement: with the violations that the fresh seeds show too.
        cleared: violations that they do not show.
        seeds: the fresh seeds.
        paths: directories of the runs that were made for it.
    """

    judgement: Judgement
    cleared: tuple[Violation, ...]
    seeds: tuple[int, ...]
    paths: tuple[Path, ...]


def confirm(
    judgement: Judgement,
    base: Sequence[Record],
    new: Sequence[Record],
    *,
    suite: Suite,
    gates: Gates,
    out: str | Path = "results",
    device: str = "auto",
    reporter: Reporter | None = None,
) -> Confirmed:
    """Train the models that break a gate again with fresh seeds, and hold these against the base too.

    As many seeds as the suite has, none of which either side has; so they are independent of both and are
    compared without pairs. A violation stands unless the fresh seeds were judged by the same rule and do not
    break it. Both looks share the base, so they are not independent, but two false alarms in a row are rarer
    than one (docs/statistics.md), at the price of some power. Bounds and shares of failed seeds are facts of
    the run that broke them: they stand without a second look.

    Args:
        judgement: with violations; without any nothing is run.
        base: the records it was made against.
        new: the records it was made of.
        suite: that ``new`` was made with.
        gates: that were broken.
        out: folder of all results; the runs go to ``out/<suite>-confirm/``.
        device: as in ``run``.
        reporter: told of progress, and of a code that is not the one ``new`` was made with.

    Raises:
        GenbenchError: as ``run``.
        KeyboardInterrupt: a run was stopped.
    """
    compared = [violation for violation in judgement.violations if violation.row is not None]
    suspects = dict.fromkeys((v.dataset, v.model) for v in compared)
    if not suspects:
        return Confirmed(judgement, (), (), ())
    here, made_with = code_version(), {record.code for record in new}
    if reporter and made_with != {here}:
        reporter.warn(
            f"the new side was made with genbench {', '.join(sorted(made_with))}; the confirmation trains "
            f"with {here}, which is what is installed here."
        )
    known = {record.seed for record in (*base, *new)}
    seeds = tuple(islice((seed for seed in count() if seed not in known), len(suite.seed_list)))
    stands = [violation for violation in judgement.violations if violation.row is None]
    cleared: list[Violation] = []
    paths: list[Path] = []
    for dataset in dict.fromkeys(data for data, _ in suspects):
        labels = [model for data, model in suspects if data == dataset]
        result = run(_reduced(suite, dataset, labels, seeds), device=device, out=out, reporter=reporter)
        paths.append(result.path)
        if result.interrupted:
            raise KeyboardInterrupt
        again = compare_runs(
            [r for r in base if r.dataset == dataset],
            result.records,
            models=labels,
            rules=gates.rules(),
            alpha=gates.alpha,
        )
        second = {_key(one) for one in judge(again, gates).violations}
        for violation in (v for v in compared if v.dataset == dataset):
            (cleared if _was_judged(violation, again) and _key(violation) not in second else stands).append(
                violation
            )
    left = replace(judgement, violations=tuple(stands))
    return Confirmed(left, tuple(cleared), seeds, tuple(paths))


def _was_judged(violation: Violation, again: Comparison) -> bool:
    """Whether the fresh seeds have what the same rule compares."""
    if violation.metric == FAILED_SHARE and (violation.dataset, violation.model) in again.new_sides:
        return True
    silent = (Verdict.GONE, Verdict.NEW, Verdict.INCOMPARABLE)
    return any(
        (row.dataset, row.new_model, row.metric) == _key(violation) and row.verdict not in silent
        for row in again.rows
    )


def _key(violation: Violation) -> tuple[str, str, str]:
    return violation.dataset, violation.model, violation.metric


def _reduced(suite: Suite, dataset: str, labels: Sequence[str], seeds: tuple[int, ...]) -> Suite:
    """The suite with only these models on one dataset, and other seeds."""
    entries = tuple(entry for entry in suite.dataset if dataset in entry.names)
    return suite.model_copy(
        update={
            "name": f"{suite.name}-confirm",
            "seeds": seeds,
            "dataset": entries or suite.dataset,
            "model": tuple(model for model in suite.model if model.label in labels),
        }
    )
