"""Ranks that seeds bear out, and which models no other one dominates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median

from genbench.analyse.effect import probability_of_improvement
from genbench.analyse.sides import Side, mismatch
from genbench.analyse.significance import holm, mann_whitney
from genbench.core.record import Better
from genbench.suite.margin import ALPHA, MEASURED

Pairs = tuple[tuple[str, str], ...]
"""Models, two by two: the first is surely better than the second."""


def told_apart(sides: Mapping[str, Side], alpha: float = ALPHA) -> Pairs | None:
    """The pairs of models of which one is surely better in one metric on one dataset.

    That is what Mann-Whitney's test says, corrected by Holm's method over all pairs.

    Args:
        sides: the metric of each model, over seeds; those without a number or a lost seed do not count.
        alpha: how often any pair in the whole column may be there by chance.

    Returns:
        None where nothing can be tested: the metric has no direction, or protocols differ.
    """
    seeded = {model: side for model, side in sides.items() if side.values or side.lost}
    pairs = list(combinations(seeded, 2))
    if any(side.better is Better.NEITHER for side in seeded.values()):
        return None
    if any(mismatch(seeded[a], seeded[b]) for a, b in pairs):
        return None
    adjusted = holm([mann_whitney(seeded[a].ordered(), seeded[b].ordered()) for a, b in pairs])
    found = []
    for (a, b), p in zip(pairs, adjusted, strict=True):
        chance = probability_of_improvement(seeded[a].ordered(), seeded[b].ordered(), seeded[a].better)
        if p <= alpha and chance != 0.5:
            found.append((b, a) if chance > 0.5 else (a, b))
    return tuple(found)


def ranks(sides: Mapping[str, Side], alpha: float = ALPHA) -> dict[str, int]:
    """The rank of each model in one metric on one dataset: 1 is best, and models that tie share one.

    Models share a rank if they are not told apart (see ``told_apart``), or if a chain of such models leads
    from one to the other both ways; so no order is shown between models that may be equal, and every model
    of a rank is surely better than every model of the next. The price is that the ends of a chain share a
    rank though a test may tell the two apart.

    Args:
        sides: the metric of each model, over seeds; those without a number or a lost seed have no rank.
        alpha: how often any order in the whole column may be false.

    Returns:
        By model; empty where no order comes out: no two are told apart, a chain links all of them, the
        metric has no direction, or protocols differ.
    """
    pairs = told_apart(sides, alpha)
    if not pairs:
        return {}
    seeded = [model for model, side in sides.items() if side.values or side.lost]
    # reaches[a] has all that a is not surely worse than, then also what these are not surely worse than
    reaches = {model: {other for other in seeded if (other, model) not in pairs} for model in seeded}
    for middle in seeded:
        for model in seeded:
            if middle in reaches[model]:
                reaches[model] |= reaches[middle]
    found = {
        model: 1 + sum(model in reaches[other] and other not in reaches[model] for other in seeded)
        for model in seeded
    }
    return found if len(set(found.values())) > 1 else {}


def not_dominated(quality: Mapping[str, int], cost: Mapping[str, float]) -> tuple[str, ...]:
    """Models that no other one dominates: surely better and no dearer, or of the same rank and cheaper.

    Costs that differ by no more than the usual margin of measurements count as the same.

    Args:
        quality: ranks.
        cost: what a lane cost, lower is better; models without are left out.

    Returns:
        In the order of ``quality``; never empty where one has both.
    """
    known = [model for model in quality if model in cost]

    def dominates(one: str, other: str) -> bool:
        gap, margin = cost[other] - cost[one], MEASURED.size(cost[one], cost[other])
        if quality[one] == quality[other]:
            return gap > margin
        return quality[one] < quality[other] and gap >= -margin

    return tuple(m for m in known if not any(dominates(other, m) for other in known if other != m))


def cost_of(side: Side | None) -> float | None:
    """What a lane cost: the median of its measurements; ``None`` where there is none."""
    return median(one.value for one in side.measured) if side and side.measured else None


def rank_columns(
    models: Mapping[str, Mapping[str, Side]], metrics: Sequence[str]
) -> dict[str, dict[str, int]]:
    """The ranks in every column of one dataset that has any.

    Args:
        models: by model and metric.
        metrics: names of the columns.
    """
    columns = {
        metric: ranks(
            {model: by_metric[metric] for model, by_metric in models.items() if metric in by_metric}
        )
        for metric in metrics
    }
    return {metric: column for metric, column in columns.items() if column}
