"""Ranks in tables, and below them: how they come about, and which models are best for their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genbench.analyse.estimates import Estimate
from genbench.analyse.rank import cost_of, not_dominated, rank_columns, told_apart
from genbench.analyse.sides import Side, sides
from genbench.analyse.summary import Summary
from genbench.core.record import Record, group_of
from genbench.report.headings import label_of, rank_of
from genbench.report.notes import is_quick
from genbench.report.numbers import MISSING, show
from genbench.report.untrusted import clean
from genbench.suite.margin import ALPHA, MEASURED

Ranks = Mapping[str, Mapping[str, int]]
"""By metric and model; without the metrics in which no order comes out."""

SECONDS = "cost.seconds"
QUALITY_GROUPS = ("quality", "known_modes")
"""Groups of which the first that there is stands against cost."""


def ranks_of(records: Sequence[Record]) -> Ranks:
    """Ranks of the models of one run on one dataset; none of a run of ``--quick``."""
    if is_quick(records):
        return {}
    models = _models(records)
    metrics = dict.fromkeys(name for by_metric in models.values() for name in by_metric)
    return rank_columns(models, list(metrics))


def rank_note(ranks: Ranks, metrics: Sequence[str]) -> list[str]:
    """How the ranks of these columns come about, where there are any."""
    if not any(metric in ranks for metric in metrics):
        return []
    note = (
        "#: rank in its column. Models that Mann-Whitney's test does not tell apart share one, and so do "
        f"those linked by a chain of such models (alpha {ALPHA:g}, Holm's correction over a column's pairs). "
        "A column without ranks has nothing to rank, no two that are told apart, or all in one such chain."
    )
    return [note]


@dataclass(frozen=True, slots=True)
class Front:
    """The models that are best for what training a lane cost.

    Attributes:
        metric: of quality, by whose ranks they are judged.
        models: those that no other one dominates.
        cost: what a lane of every model cost, in the unit of ``cost.seconds``.
    """

    metric: str
    models: tuple[str, ...]
    cost: Mapping[str, float]


def front_of(
    summary: Summary, group: str, models: Mapping[str, Mapping[str, Side]], ranks: Ranks
) -> Front | None:
    """The Pareto front of a group's quality and cost; ``None`` where fewer than two models have both."""
    cost = {name: seconds for name, by in models.items() if (seconds := cost_of(by.get(SECONDS))) is not None}
    metric, quality = _standing(summary, group, models, ranks)
    if sum(model in cost for model in quality) < 2:
        return None
    return Front(metric, not_dominated(quality, cost), cost)


def pareto_front(summary: Summary, records: Sequence[Record], ranks: Ranks) -> Front | None:
    """The Pareto front of one dataset, by its first group of quality; ``None`` of a quick run."""
    group = _quality_group(summary)
    return front_of(summary, group, _models(records), ranks) if group and not is_quick(records) else None


def pareto_note(summary: Summary, group: str, records: Sequence[Record], ranks: Ranks) -> list[str]:
    """Below the first table of quality: the models that are best for what training a lane cost."""
    if group != _quality_group(summary) or (front := pareto_front(summary, records, ranks)) is None:
        return []
    estimates = {row.model: row.cells[front.metric].estimate for row in summary.rows}
    unit = next(record.unit for record in records if record.metric == SECONDS)

    def told(model: str) -> str:
        guess = estimates[model]
        value = show(guess).value if guess else MISSING
        seconds = show(Estimate(front.cost[model], None, None, 1)).value
        return f"{clean(model)} ({value}, {seconds} {clean(unit)})"

    note = (
        f"Pareto front of {label_of(front.metric)} and the training time of a lane: "
        f"{', '.join(map(told, front.models))}. "
        f"Models of one rank count as equal there, and so do times within {MEASURED}."
    )
    return [note]


def _quality_group(summary: Summary) -> str:
    groups = {group_of(metric.name) for metric in summary.metrics}
    return next((name for name in QUALITY_GROUPS if name in groups), "")


def _standing(
    summary: Summary, group: str, models: Mapping[str, Mapping[str, Side]], ranks: Ranks
) -> tuple[str, Mapping[str, int]]:
    """The first column of the group with ranks; else, where none tells two apart, its first over seeds."""
    metrics = sorted((m.name for m in summary.metrics if group_of(m.name) == group), key=rank_of)
    for metric in metrics:
        if metric in ranks:
            return metric, ranks[metric]
    columns = {metric: {m: by[metric] for m, by in models.items() if metric in by} for metric in metrics}
    pairs = {metric: told_apart(mine) for metric, mine in columns.items()}
    if any(pairs.values()):  # who is surely worse somewhere is not equal, though no order comes out
        return "", {}
    for metric, mine in columns.items():
        if pairs[metric] is not None and (seeded := {m: 1 for m, side in mine.items() if side.seeds}):
            return metric, seeded
    return "", {}


def _models(records: Sequence[Record]) -> dict[str, Mapping[str, Side]]:
    return {model: side.metrics for (_, model), side in sides(records).items()}
