"""Sentences on metrics in which models have no order: what is not told apart, the same, or only in pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from genbench.analyse.rank import Pairs
from genbench.report.facts import Facts, listed
from genbench.suite.margin import QUALITY

_MOST = 5  # sets of pairs that are named


def no_order(facts: Facts) -> Iterator[str]:
    """In which metrics nothing is told apart, all are the same, only pairs are, or one model is alone."""
    if facts.quick:
        return
    open_ = [metric for metric in facts.undecided if metric not in facts.same]
    if open_:
        everywhere = not facts.ranks and not facts.mixed and len(open_) == len(facts.apart) > 1
        where = f"any of the {len(open_)} metrics" if everywhere else facts.names(open_)
        yield f"No two models are told apart in {where}. That does not show that they are equal."
        first = open_[0]
        if len(open_) == len(facts.shared) and (spread := facts.spread(first, facts.models)):
            yield f"In {facts.name(first)} their medians are {spread}{facts.beside(first)}."
    by_models: dict[str, list[str]] = {}
    for metric in facts.same:
        by_models.setdefault(facts.all_or(list(facts.shared[metric])), []).append(metric)
    for models, metrics in by_models.items():
        yield f"In {facts.names(metrics)}, {models} are surely the same within {QUALITY}."
    yield from _pairs(facts)
    alone: dict[tuple[str, bool], list[str]] = {}
    for metric in facts.columns if len(facts.models) > 1 else ():
        if metric not in facts.shared:
            owner = next(iter(facts.seeded(metric)))
            alone.setdefault((owner, facts.beyond_others(metric)), []).append(metric)
    for (model, by_design), metrics in alone.items():
        names = facts.names(metrics)
        only = f"Only {model} has a number in {names}."
        yield f"{names} can be had of {model} alone." if by_design else only


def _pairs(facts: Facts) -> Iterator[str]:
    """Who is surely better than whom where no order of all models comes out."""
    linked = {metric: pairs for metric, pairs in facts.apart.items() if pairs}
    if not linked:
        return
    by_pairs: dict[Pairs, list[str]] = {}
    for metric, pairs in linked.items():
        by_pairs.setdefault(pairs, []).append(metric)
    yield (
        f"In {facts.names(linked)} a chain of models that are not told apart links all of them, so that no "
        "order comes out; but some pairs are told apart."
    )
    told = sorted(by_pairs.items(), key=lambda found: -len(found[1]))
    for pairs, metrics in told[:_MOST]:
        worse: dict[str, list[str]] = {}
        for better, other in pairs:
            worse.setdefault(better, []).append(other)
        said = "; ".join(
            f"{listed(models)} {'is' if len(models) == 1 else 'are'} better than {listed(others)}"
            for models, others in _turned(worse)
        )
        yield f"In {facts.names(metrics)}: {said}."
    if more := [metric for _, metrics in told[_MOST:] for metric in metrics]:
        yield f"Others are in {facts.names(more)}."


def _turned(worse: Mapping[str, Sequence[str]]) -> Iterator[tuple[list[str], Sequence[str]]]:
    """Models that are better than the same others, together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for model, others in worse.items():
        found.setdefault(tuple(others), []).append(model)
    return ((models, others) for others, models in found.items())
