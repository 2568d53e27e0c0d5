"""What differs between two sides, by how much, and how sure that is: a row a model, dataset and metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from genbench.analyse.row import FAILED_SHARE, Row, Verdict
from genbench.analyse.sides import LOST, ModelSide, Side, sides
from genbench.analyse.significance import holm
from genbench.analyse.verdict import counts, judged, measured
from genbench.core.errors import RecordError, choose_from
from genbench.core.record import Better, Record
from genbench.suite.margin import ALPHA, Margin


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Seeds of one side whose trials have not come to an end, so that their numbers are missing."""

    side: str
    dataset: str
    model: str
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OtherSteps:
    """A row's models that were not trained for the same number of steps."""

    dataset: str
    model: str
    base: tuple[int, ...]
    new: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows, in the order of the records.

    Attributes:
        base, new: names of the runs of each side.
        suites: names of their suites.
        within: whether models of the same runs are compared, not the same models of two sides.
        alpha: how often any alarm of a family may be false.
        rows: see ``Row``.
        left_out: metrics of which no direction is better, so that nothing can be said of them.
        unfinished: what is missing because it was stopped or still goes on.
        other_steps: models that were trained longer on one side. That may be what is compared, so their rows
            are judged like any other.
        new_sides: what the new side has, by (dataset, model), for bounds that need no base.
    """

    base: tuple[str, ...]
    new: tuple[str, ...]
    suites: tuple[str, ...]
    within: bool
    alpha: float
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]
    unfinished: tuple[Unfinished, ...]
    other_steps: tuple[OtherSteps, ...]
    new_sides: Mapping[tuple[str, str], ModelSide]


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts as a difference in a row (``None``: what usually does), and whether a gate looks at it."""

    margin: Margin | None = None
    gated: bool = False


Rules = Callable[[str, str, str], Rule]
"""From (dataset, model, metric) to the rule of that row."""


def no_rules(dataset: str, model: str, metric: str) -> Rule:
    """Usual margins, no gates."""
    del dataset, model, metric
    return Rule()


def compare_runs(
    base: Sequence[Record],
    new: Sequence[Record],
    *,
    models: Sequence[str] = (),
    metrics: Sequence[str] = (),
    rules: Rules = no_rules,
    alpha: float = ALPHA,
) -> Comparison:
    """Compare every model with itself on another side.

    Args:
        base: records of one run, or of several that are pooled.
        new: likewise.
        models: labels to look at; all if empty.
        metrics: dotted names, or groups (``quality``); all if empty.
        rules: margins and gates.
        alpha: how often any alarm of a family may be false, 0 to 1.

    Raises:
        RecordError: a run of ``--quick``, runs that cannot be pooled, or a model or metric that no side has.
    """
    old, now = _comparable(base), _comparable(new)
    _check_models(models, [model for _, model in (*old, *now)])
    keys = [key for key in dict.fromkeys([*old, *now]) if not models or key[1] in models]
    pairs = [
        _Pair(data, model, model, old.get((data, model)), now.get((data, model))) for data, model in keys
    ]
    return _comparison(base, new, pairs, metrics, rules, alpha)


def compare_models(
    records: Sequence[Record],
    *,
    models: Sequence[str] = (),
    metrics: Sequence[str] = (),
    rules: Rules = no_rules,
    alpha: float = ALPHA,
) -> Comparison:
    """Compare models of the same run with the first of them. Their seeds are independent: no pairs.

    Args:
        records: of one run, or of several that are pooled.
        models: labels, the first is the base; all of the run if empty.
        metrics: as in ``compare_runs``.
        rules: as in ``compare_runs``, asked for the label of the second model.
        alpha: as in ``compare_runs``.

    Raises:
        RecordError: as in ``compare_runs``, or fewer than two models.
    """
    found = _comparable(records)
    labels = list(dict.fromkeys(model for _, model in found))
    _check_models(models, labels)
    chosen = list(dict.fromkeys(models or labels))
    if len(chosen) < 2:
        raise RecordError(
            f"{', '.join(chosen) or 'nothing'} alone cannot be compared. Name a second run, or two models of "
            f"this one: --models A,B. It has: {', '.join(labels) or 'no model'}."
        )
    first, *others = chosen
    pairs = [
        _Pair(data, first, other, found.get((data, first)), found.get((data, other)))
        for data in dict.fromkeys(data for data, _ in found)
        for other in others
    ]
    return _comparison(records, records, pairs, metrics, rules, alpha)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two sides of one model, or of two models, on one dataset."""

    dataset: str
    base_model: str
    new_model: str
    base: ModelSide | None
    new: ModelSide | None

    @property
    def within(self) -> bool:
        return self.base_model != self.new_model

    @property
    def metrics(self) -> dict[str, Side]:
        """Every metric of either side, with one side that has it."""
        both = (self.new, self.base)
        named = {name: one for side in both if side for name, one in side.metrics.items()}
        order = dict.fromkeys(name for side in (self.base, self.new) if side for name in side.metrics)
        return {name: named[name] for name in order}

    @property
    def replayed(self) -> bool:
        """Whether every number of every seed is the same on both sides, and they are more than constants."""
        if self.within or self.base is None or self.new is None or self.base.ended != self.new.ended:
            return False
        names = [(self.base.metrics.get(name), self.new.metrics.get(name)) for name in self.metrics]
        both = [(a, b) for a, b in names if (a and a.values) or (b and b.values)]
        equal = all(a and b and a.values == b.values for a, b in both)
        return equal and any(a and len(set(a.values.values())) > 1 for a, _ in both)


def _comparable(records: Sequence[Record]) -> dict[tuple[str, str], ModelSide]:
    """All models of one side, unless its numbers are those of a shortened run."""
    for record in records:
        if record.protocol.get("quick") is True:
            raise RecordError(
                f"run {record.run} was shortened by --quick: its numbers are never compared. Run the suite "
                "without --quick."
            )
    return sides(records)


def _check_models(models: Sequence[str], labels: Sequence[str]) -> None:
    for model in models:
        if model not in labels:
            raise RecordError("--models: " + choose_from("model of these runs", model, dict.fromkeys(labels)))


def _comparison(
    base: Sequence[Record],
    new: Sequence[Record],
    pairs: Sequence[_Pair],
    metrics: Sequence[str],
    rules: Rules,
    alpha: float,
) -> Comparison:
    about = {name: one.better for pair in pairs for name, one in pair.metrics.items()}
    for metric in metrics:
        if not any(_asked(name, (metric,)) for name in about):
            choices = dict.fromkeys([*about, *(name.split(".")[0] for name in about)])
            raise RecordError("--metrics: " + choose_from("metric of these runs", metric, choices))
    measured_rows = [(row, pair) for pair in pairs for row in _rows(pair, metrics, rules)]
    judged_rows = _judge(measured_rows, alpha)
    named = {
        ("base" if side is pair.base else "new", pair.dataset, label): side
        for pair in pairs
        for label, side in ((pair.base_model, pair.base), (pair.new_model, pair.new))
        if side
    }
    return Comparison(
        base=tuple(dict.fromkeys(record.run for record in base)),
        new=tuple(dict.fromkeys(record.run for record in new)),
        suites=tuple(dict.fromkeys(record.suite for record in chain(base, new))),
        within=any(pair.within for pair in pairs),
        alpha=alpha,
        rows=tuple(judged_rows),
        left_out=tuple(n for n, way in about.items() if way is Better.NEITHER and _asked(n, metrics)),
        unfinished=tuple(
            Unfinished(which, data, model, tuple(sorted(side.unfinished)))
            for (which, data, model), side in named.items()
            if side.unfinished
        ),
        other_steps=tuple(
            OtherSteps(pair.dataset, pair.new_model, tuple(sorted(old)), tuple(sorted(now)))
            for pair in pairs
            if (old := pair.base.steps if pair.base else frozenset())
            and (now := pair.new.steps if pair.new else frozenset())
            and old != now
        ),
        new_sides={(pair.dataset, pair.new_model): pair.new for pair in pairs if pair.new},
    )


def _asked(name: str, metrics: Sequence[str]) -> bool:
    return not metrics or any(name == metric or name.startswith(f"{metric}.") for metric in metrics)


def _rows(pair: _Pair, metrics: Sequence[str], rules: Rules) -> Iterator[Row]:
    """The rows of one model with their differences; verdicts need the p-values of the whole family."""
    data, label, names = pair.dataset, pair.new_model, pair.metrics
    whole = Row(data, pair.base_model, label, "", "", Better.NEITHER, None, None, Verdict.INCOMPARABLE)
    if pair.base is None or pair.new is None:
        gated = any(rules(data, label, name).gated for name in (FAILED_SHARE, *names))
        verdict, why = _absence(pair)
        yield replace(whole, gated=gated, verdict=verdict, why=why)
        return
    rule = rules(data, label, FAILED_SHARE)
    if shares := _failures(pair.base, pair.new, always=rule.gated):
        row = replace(
            whole, metric=FAILED_SHARE, better=Better.LOWER, base=shares[0], new=shares[1], gated=rule.gated
        )
        yield measured(row, rule.margin)
    for name, about in names.items():
        base, new = pair.base.metrics.get(name), pair.new.metrics.get(name)
        nowhere = _is_nowhere(base, new)
        if about.better is Better.NEITHER or not _asked(name, metrics) or nowhere:
            continue
        rule = rules(data, label, name)
        row = replace(
            whole, metric=name, unit=about.unit, better=about.better, base=base, new=new, gated=rule.gated
        )
        yield measured(row, rule.margin)


def _is_nowhere(base: Side | None, new: Side | None) -> bool:
    """Whether it is a number that neither side can have, though one may say that it has lost it."""
    there = [side for side in (base, new) if side and not side.empty]
    return not there or (len(there) == 1 and not there[0].values and not there[0].measured)


def _absence(pair: _Pair) -> tuple[Verdict, str]:
    if pair.within:
        missing = pair.base_model if pair.base is None else pair.new_model
        return Verdict.INCOMPARABLE, f"{missing} was not run on {pair.dataset}"
    if pair.base is None:
        return Verdict.NEW, "the base does not have it"
    return Verdict.GONE, "the new side does not have it"


def _failures(base: ModelSide, new: ModelSide, *, always: bool) -> tuple[Side, Side] | None:
    """Which seeds of both sides failed, as numbers 1 and 0; ``None`` where none did, or none has ended."""
    if not (base.failed or new.failed or always):
        return None
    if any(len(side.ended) == len(side.unfinished) for side in (base, new)):
        return None

    def side(one: ModelSide) -> Side:
        values = {seed: float(how in LOST) for seed, how in one.ended.items() if seed not in one.unfinished}
        return Side(FAILED_SHARE, "", Better.LOWER, values, frozenset(), ())

    return side(base), side(new)


def family_of(row: Row) -> tuple[str, ...]:
    """Which rows are corrected for together: all that are gated; of the others those of one model.

    A gate is one alarm for everything it looks at. Without one, each model is a question of its own.
    """
    return ("gated",) if row.gated else (row.dataset, row.base_model, row.new_model)


def _judge(rows: Sequence[tuple[Row, _Pair]], alpha: float) -> list[Row]:
    """Verdicts, with p-values corrected by Holm's method within each family."""
    families: dict[tuple[str, ...], list[int]] = {family_of(row): [] for row, _ in rows}
    for place, (row, _) in enumerate(rows):
        if counts(row, alpha):
            families[family_of(row)].append(place)
    adjusted: dict[int, float] = {}
    for mine in families.values():
        adjusted |= dict(zip(mine, holm([rows[place][0].p or 0.0 for place in mine]), strict=True))
    return [
        judged(
            row,
            adjusted.get(place, row.p),
            alpha,
            sum(other.p is not None and family_of(other) == family_of(row) for other, _ in rows),
            replayed=pair.replayed and row.test in ("paired", "shares"),
        )
        for place, (row, pair) in enumerate(rows)
    ]
