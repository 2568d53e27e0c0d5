"""What a run says, in a few sentences that its numbers bear out: who leads, what is a tie, how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from genbench.analyse.estimates import Estimate
from genbench.analyse.rank import cost_of
from genbench.analyse.sides import Side
from genbench.analyse.significance import seeds_to_reach, smallest_p
from genbench.analyse.summary import Summary
from genbench.core.record import Record
from genbench.report.beside_controls import beside_bad_controls, beside_real
from genbench.report.disturbed import disturbed
from genbench.report.facts import Facts, listed
from genbench.report.no_order import no_order
from genbench.report.notes import fallback_of
from genbench.report.numbers import show
from genbench.report.ranking import SECONDS, pareto_front
from genbench.report.tables import Table
from genbench.report.untrusted import clean
from genbench.suite.margin import ALPHA, MEASURED

_PLACES = 5  # sets of leaders that are named

LOST_SEEDS = "Lost seeds"
"""What the statement on trainings without a good end is about."""

_WAYS = {
    "diverged": "diverged",
    "failed": "failed",
    "timeout": "ran out of time",
    "skipped": "skipped",
    "interrupted": "interrupted",
    "unfinished": "without an end",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One or several sentences on one thing.

    Attributes:
        about: what they are about, in one or two words.
        text: the sentences. Names in them are free of control characters, but not escaped.
        loud: whether nobody may overlook it: what the numbers cannot be used for.
    """

    about: str
    text: str
    loud: bool = False


def answer(summary: Summary, records: Sequence[Record], tables: Sequence[Table]) -> tuple[Statement, ...]:
    """What the seeds bear out on one dataset; what must not be overlooked comes first.

    Args:
        summary: of the dataset.
        records: its final numbers.
        tables: of the same records.
    """
    facts = Facts(summary, records, tables)
    found = [
        Statement(about, " ".join(said), loud)
        for about, sentences, loud in (
            ("Quick run", _quick(facts), True),
            ("Fallback", _fallback(facts), True),
            ("Not comparable", _not_comparable(facts), True),
            ("No number", _no_number(facts), False),
            ("Best", _leaders(facts), False),
            ("No order", no_order(facts), False),
            ("Cost", _cost(facts), False),
            (LOST_SEEDS, _lost(facts), False),
            ("Beside real data", beside_real(facts), False),
            ("Read with care", chain(beside_bad_controls(facts), disturbed(facts)), False),
            ("How sure", _how_sure(facts), False),
        )
        if (said := list(sentences))
    ]
    return tuple(found)


def _quick(facts: Facts) -> Iterator[str]:
    if facts.quick:
        yield (
            "This was a quick run, shortened to see whether everything works. Its numbers are not for "
            "comparison, and nothing is ranked by them."
        )


def _fallback(facts: Facts) -> Iterator[str]:
    if wanted := fallback_of(facts.records):
        dataset = clean(facts.summary.dataset)
        yield (
            f"{wanted} was asked for and could not be had. {dataset} stood in: nothing here is of {wanted}."
        )


def _not_comparable(facts: Facts) -> Iterator[str]:
    if facts.mixed and not facts.quick:
        yield (
            f"The models' numbers of {facts.names(facts.mixed)} were not taken in the same way, so they are "
            "not ranked; the notes below the tables say what differs."
        )


def _leaders(facts: Facts) -> Iterator[str]:
    first = next(
        (metric for metric in facts.columns if any(facts.value(metric, m) for m in facts.models)), ""
    )
    if len(facts.models) == 1 and first:
        value = facts.value(first, facts.models[0], interval=True)
        yield f"{facts.models[0]} is the only model: {facts.name(first)} {value}{facts.beside(first)}."
    if facts.quick or not facts.ranks:
        return
    places: dict[tuple[str, ...], list[str]] = {}
    for metric in facts.columns:
        if ranks := facts.ranks.get(metric):
            leaders = tuple(model for model in facts.models if ranks.get(model) == 1)
            places.setdefault(leaders, []).append(metric)
    order = sorted(places.items(), key=lambda place: -len(place[1]))
    for leaders, metrics in order[:_PLACES]:
        how = "is best" if len(leaders) == 1 else "share the first place"
        yield f"{listed(leaders)} {how} in {facts.names(metrics)}."
    if more := [metric for _, metrics in order[_PLACES:] for metric in metrics]:
        yield f"Others lead in {facts.names(more)}."
    metric = order[0][1][0]
    best, ranks = order[0][0], facts.ranks[metric]
    yield f"In {facts.name(metric)}, {_told(facts, metric, best, ranks)}{facts.beside(metric)}."


def _told(facts: Facts, metric: str, best: Sequence[str], ranks: Mapping[str, int]) -> str:
    second = min((rank for rank in ranks.values() if rank > 1), default=0)
    following = [m for m in facts.models if ranks.get(m) == second and facts.estimate(metric, m)]
    told = f"{listed(best)} {'has' if len(best) == 1 else 'have'} {facts.spread(metric, best) or 'no median'}"
    if following:
        verb = "has" if len(following) == 1 else "have"
        told += f"; {listed(following)}, next in rank, {verb} {facts.spread(metric, following)}"
    return told


def _no_number(facts: Facts) -> Iterator[str]:
    if not facts.models:
        yield "Here are control rows only: no model was trained, so there is nothing to answer."
    elif not any(row.cells[m].estimate for row in facts.summary.rows if not row.control for m in row.cells):
        yield "No model has a number, so nothing can be said of how good any of them is."


def _cost(facts: Facts) -> Iterator[str]:
    spent = {m: cost for m, by in facts.sides.items() if (cost := cost_of(by.get(SECONDS))) is not None}
    if len(spent) < 2:
        return

    def seconds(model: str) -> str:
        return f"{show(Estimate(spent[model], None, None, 1)).value} s"

    cheap, dear = min(spent, key=spent.__getitem__), max(spent, key=spent.__getitem__)
    yield f"Training a lane took from {seconds(cheap)} ({cheap}) to {seconds(dear)} ({dear})."
    raw = {clean(row.model): row.model for row in facts.summary.rows}
    ranks = {metric: {raw[model]: rank for model, rank in by.items()} for metric, by in facts.ranks.items()}
    front = pareto_front(facts.summary, facts.records, ranks)
    if front is None or facts.quick or front.metric not in facts.columns:
        return
    name = facts.name(front.metric)
    named = [f"{m} ({facts.value(front.metric, m)}, {seconds(m)})" for m in map(clean, front.models)]
    if front.metric not in facts.ranks:
        yield f"As {name} tells no two apart, only that counts; cheapest, within {MEASURED}: {listed(named)}."
        return
    yield (
        f"On the Pareto front of {name} and that time, where one rank counts as equal and so do times within "
        f"{MEASURED}: {listed(named)}."
    )
    if len(named) < len(spent.keys() & facts.ranks[front.metric]):
        yield (
            "For every other model that has both there is one that is surely better and no dearer, or of the "
            "same rank and cheaper."
        )


def _lost(facts: Facts) -> Iterator[str]:
    rows = [row for row in facts.summary.rows if not row.control and row.counts.asked]
    asked = sum(row.counts.asked for row in rows)
    if not asked:
        return
    told: dict[str, list[str]] = {}
    for way, verb in _WAYS.items():
        for row in rows:
            if number := getattr(row.counts, way):
                told.setdefault(verb, []).append(f"{clean(row.model)} ({number} of {row.counts.asked})")
    if not told:
        yield (
            "The one training came to its end." if asked == 1 else f"All {asked} trainings came to their end."
        )
        return
    ways = "; ".join(f"{verb}: {listed(models)}" for verb, models in told.items())
    yield f"{ways[0].upper()}{ways[1:]}."
    valued = any(facts.value(metric, model) for metric in facts.columns for model in facts.models)
    if valued and any(row.counts.failed + row.counts.diverged + row.counts.timeout for row in rows):
        if facts.ranks or facts.apart:
            worst = f"In {'ranks' if facts.ranks else 'tests'} such a seed counts as worse than any number"
            yield f"{worst}; medians and intervals leave it out."
        else:
            yield "Medians and intervals leave such a seed out."
    if gone := [clean(row.model) for row in rows if not row.counts.done]:
        yield f"No seed of {listed(gone)} came to its end."


def _how_sure(facts: Facts) -> Iterator[str]:
    seeds = sorted(row.counts.asked for row in facts.summary.rows if not row.control and row.counts.asked)
    if not seeds:
        return
    count = f"{seeds[0]}" if seeds[0] == seeds[-1] else f"{seeds[0]} to {seeds[-1]}"
    yield f"{count} seed{'s' * (count != '1')} a model."
    tested = [*facts.ranks, *facts.apart]
    if facts.quick or not tested:
        return
    across = f", but not across the {len(tested)} metrics" if len(tested) > 1 else ""
    yield (
        f"First places and ranks are by Mann-Whitney's test at alpha {ALPHA:g}, corrected for all pairs of "
        f"models in a metric (Holm){across}. Models that share a place are not told apart, or linked by a "
        "chain of models that are not."
    )
    blunt = {m: needed for m in facts.undecided if (needed := _needed(facts.shared[m]))}
    if blunt:
        where = "" if len(blunt) == len(tested) else f" in {facts.names(blunt)}"
        yield (
            f"With so few seeds no difference between so many models could be sure{where}, however large: "
            f"that takes {max(blunt.values())} seeds a model or more."
        )


def _needed(mine: Mapping[str, Side]) -> int:
    """Seeds a model with which two of these could be told apart at all; 0 where they have enough."""
    pairs = list(combinations((len(side.seeds) for side in mine.values()), 2))
    bar = ALPHA / len(pairs)
    if min(smallest_p(*two, paired=False) for two in pairs) <= bar:
        return 0
    return seeds_to_reach(bar, paired=False)
