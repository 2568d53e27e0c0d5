"""What holds of every comparison, whatever the records."""

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from made_records import COLUMNS, Column, changed, outcome, stamped, trained

from genbench.analyse.compare import (
    Comparison,
    Rule,
    Rules,
    compare_models,
    compare_runs,
    family_of,
    no_rules,
)
from genbench.analyse.effect import Shift
from genbench.analyse.row import FAILED_SHARE, Row, Verdict
from genbench.analyse.significance import holm, mann_whitney, sign_flip
from genbench.core.record import Better, Record, Status
from genbench.suite.margin import Margin

MIRROR = {
    Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER,
    Verdict.NEW: Verdict.GONE, Verdict.GONE: Verdict.NEW,
    Verdict.FAILED: Verdict.FIXED, Verdict.FIXED: Verdict.FAILED,
}  # fmt: skip
FID, RECALL, COVERED, TARGET = "quality.fid", "quality.recall", "modes.covered", "target.steps"
SPEED = "throughput.images_per_s"
ENDINGS = [Status.DONE] * 9 + [Status.DIVERGED, Status.FAILED, Status.INTERRUPTED]
MOSTLY_DONE = [None] * 16 + [Status.DIVERGED, Status.DIVERGED, Status.INTERRUPTED]
MIDDLES = [16.0, 16.0, 16.5, 24.0]
TIMES: list[list[tuple[float, float | None]]] = [
    [],
    [(16.0, 0.25)],
    [(16.5, None)],
    [(24.0, 0.5), (25.0, 8.0)],
]
PLAIN_RECALL = {**COLUMNS, RECALL: Column(Better.HIGHER)}  # without stamps that only numbers have


@st.composite
def one_model(draw: st.DrawFn, model: str, run: str) -> list[Record]:
    """A model of one run: mostly with what one looks for, at times without.

    Drawn evenly, because most of what is easily shrunk is UNSURE. The numbers are eighths, which sums and
    halves hold without rounding: two comparisons can be alike to the bit.
    """
    dice = draw(st.randoms(use_true_random=True))

    def around(middle: float) -> float:
        return middle + dice.randrange(8) / 8

    seeds = range(dice.choice([0, 0, 0, 0, 1]), 9)[: dice.choice([1, 3, 5, 6, 7, 8, 8, 8])]
    every, middle = dice.choice(MOSTLY_DONE), dice.choice(MIDDLES)
    endings = {seed: every or dice.choice(ENDINGS) for seed in seeds}
    numbers: dict[str, list[float | None]] = {FID: [around(middle) for _ in seeds]}
    if dice.random() < 0.8:
        numbers[RECALL] = [around(40 - middle) for _ in seeds]
    if dice.random() < 0.5:
        numbers[COVERED] = [None if dice.random() < 0.1 else 10.0 for _ in seeds]
    if dice.random() < 0.5:
        never = dice.choice([0.0, 0.3, 1.0])
        numbers[TARGET] = [None if dice.random() < never else middle for _ in seeds]
    timed = dice.choice(TIMES)
    records = trained(
        numbers,
        columns=PLAIN_RECALL,
        seeds=seeds,
        endings=endings,
        cohort={SPEED: timed} if timed else {},
        model=model,
        run=run,
    )
    return stamped(records, [FID], n_fake=9) if dice.random() < 0.1 else records


GANS = st.tuples(one_model("gan", "base"), one_model("gan", "new"))
RULES = st.sampled_from([None, Margin(0.0), Margin(0.5), Margin(0.02, relative=True)]).map(
    lambda margin: lambda dataset, model, metric: Rule(margin, gated=metric in (FID, FAILED_SHARE))
)


def rows(comparison: Comparison) -> dict[tuple[str, str], Row]:
    found = {(row.dataset, row.metric): row for row in comparison.rows}
    assert len(found) == len(comparison.rows)
    return found


def negated(found: Shift | None) -> Shift | None:
    if found is None or found.low is None or found.high is None:
        return found and Shift(-found.estimate, None, None)
    return Shift(-found.estimate, -found.high, -found.low)


def statistics(row: Row) -> tuple[object, ...]:
    """What is said of a row but for its sides, its names and its sentence."""
    return row.verdict, row.test, row.difference, row.margin, row.p, row.adjusted, row.improvement, row.gated


def assert_as_many_seeds(row: Row, other: Row) -> None:
    assert other.seeds == pytest.approx(row.seeds, abs=1)  # where rounding makes it one more


def assert_mirrored(there: Comparison, back: Comparison) -> None:
    mirrored = rows(back)
    assert rows(there).keys() == mirrored.keys()
    for key, row in rows(there).items():
        other = mirrored[key]
        event(str(row.verdict))
        assert other.verdict is MIRROR.get(row.verdict, row.verdict)
        assert other.difference == negated(row.difference)
        assert (other.test, other.gated, other.margin) == (row.test, row.gated, row.margin)
        assert (other.p, other.adjusted) == (pytest.approx(row.p), pytest.approx(row.adjusted))
        if row.improvement is not None:
            assert other.improvement == pytest.approx(1 - row.improvement)
        assert_as_many_seeds(row, other)


@given(GANS, RULES)
@pytest.mark.run
def test_swapping_the_runs_mirrors_every_row(sides: tuple[list[Record], list[Record]], rules: Rules) -> None:
    base, new = sides
    there, back = compare_runs(base, new, rules=rules), compare_runs(new, base, rules=rules)
    assert_mirrored(there, back)
    assert set(there.left_out) == set(back.left_out)
    swap = {"base": "new", "new": "base"}
    assert {replace(one, side=swap[one.side]) for one in there.unfinished} == set(back.unfinished)


@settings(max_examples=12)
@given(one_model("gan", "base"), one_model("vae", "base"), RULES)
def test_swapping_the_models_mirrors_every_row(gan: list[Record], vae: list[Record], rules: Rules) -> None:
    both = [*gan, *vae]
    assert_mirrored(
        compare_models(both, models=["gan", "vae"], rules=rules),
        compare_models(both, models=["vae", "gan"], rules=rules),
    )


@given(GANS, st.permutations(range(10)))
@pytest.mark.run
def test_other_labels_of_the_seeds_change_nothing(
    sides: tuple[list[Record], list[Record]], labels: list[int]
) -> None:
    def relabelled(records: Iterable[Record]) -> list[Record]:
        return [r if r.seed is None else replace(r, seed=1000 * labels[r.seed]) for r in records]

    plain, other = compare_runs(*sides), compare_runs(*map(relabelled, sides))
    assert [statistics(one) for one in plain.rows] == [statistics(one) for one in other.rows]


@settings(max_examples=12)
@given(GANS, st.randoms(use_true_random=False))
def test_it_does_not_matter_which_seed_was_written_first(
    sides: tuple[list[Record], list[Record]], shuffler: random.Random
) -> None:
    def interleaved(records: Iterable[Record]) -> list[Record]:
        trials: dict[str, list[Record]] = {}
        for one in records:
            trials.setdefault(one.trial, []).append(one)
        mixed = []
        while trials:  # the records of one trial stay in their order: its end is its last
            name = shuffler.choice(list(trials))
            mixed.append(trials[name].pop(0))
            if not trials[name]:
                del trials[name]
        return mixed

    plain, mixed = rows(compare_runs(*sides)), rows(compare_runs(*map(interleaved, sides)))
    assert {key: statistics(row) for key, row in plain.items()} == {
        key: statistics(row) for key, row in mixed.items()
    }


OPPOSITE = {Better.HIGHER: Better.LOWER, Better.LOWER: Better.HIGHER}


def rescaled(records: Iterable[Record], factor: float) -> list[Record]:
    """Every number in another unit; where the factor is negative, what was good when high is so when low."""

    def change(one: Record) -> dict[str, Any]:
        way = one.better if factor > 0 else OPPOSITE[one.better]
        value = None if one.value is None else factor * one.value
        return {"value": value, "error": one.error and abs(factor) * one.error, "better": way}

    return [replace(one, **change(one)) if one.better in OPPOSITE else one for one in records]


@settings(max_examples=12)
@given(GANS, st.sampled_from([-1.0, 1024.0, 2.0**-20, -0.25]))
def test_neither_the_unit_nor_which_direction_is_called_good_matters(
    sides: tuple[list[Record], list[Record]], factor: float
) -> None:
    plain = rows(compare_runs(*sides))
    other = rows(compare_runs(*(rescaled(side, factor) for side in sides)))
    assert plain.keys() == other.keys()
    for key, row in plain.items():
        there = other[key]
        assert there.verdict is row.verdict
        if row.metric == FAILED_SHARE:
            continue
        assert (there.p, there.adjusted, there.improvement) == (row.p, row.adjusted, row.improvement)
        assert_as_many_seeds(row, there)
        if row.difference is not None and there.difference is not None:
            assert there.difference.estimate == factor * row.difference.estimate
            assert there.margin == pytest.approx(abs(factor) * (row.margin or 0.0))


@given(GANS, RULES, st.sampled_from([0.05, 0.2]))
@pytest.mark.run
def test_every_verdict_has_what_it_needs(
    sides: tuple[list[Record], list[Record]], rules: Rules, alpha: float
) -> None:
    for row in compare_runs(*sides, rules=rules, alpha=alpha).rows:
        found, margin = row.difference, row.margin
        if found is None or margin is None:
            assert row.verdict in (
                Verdict.NEW, Verdict.GONE, Verdict.FAILED, Verdict.FIXED, Verdict.INCOMPARABLE,
            )  # fmt: skip
            assert row.why and row.p is None and row.adjusted is None and row.seeds is None
            continue
        far = abs(found.estimate) > margin
        inside = found.low is not None and found.high is not None and max(-found.low, found.high) <= margin
        if row.test == "measured":
            assert found.low is not None and found.high is not None and row.p is None
            sure = far and max(found.low, -found.high) > margin
            if "measured once" in row.why:
                assert not row.gated and row.verdict is Verdict.UNSURE
                continue
        else:
            assert row.p is not None and row.adjusted is not None and row.p <= row.adjusted
            sure = far and row.adjusted <= alpha
        improved = (found.estimate > 0) == (row.better is Better.HIGHER)
        replayed = "to the bit" in row.why
        if sure:
            assert row.verdict is (Verdict.BETTER if improved else Verdict.WORSE)
        else:
            assert row.verdict is (Verdict.SAME if inside or replayed else Verdict.UNSURE)
        assert not replayed or found.estimate == 0
        assert row.seeds is None or row.verdict is Verdict.UNSURE


@given(GANS, RULES)
def test_p_values_are_those_of_the_tests_and_corrected_within_their_family(
    sides: tuple[list[Record], list[Record]], rules: Rules
) -> None:
    families: dict[tuple[str, ...], list[Row]] = {}
    for row in compare_runs(*sides, rules=rules).rows:
        if row.test not in ("paired", "unpaired", "shares") or row.base is None or row.new is None:
            continue
        x, y = row.base.ordered(), row.new.ordered()
        if row.test == "paired":
            assert row.base.seeds == row.new.seeds
            assert row.p == sign_flip([0.0 if a == b else b - a for a, b in zip(x, y, strict=True)])
        elif row.test == "unpaired" and not row.base.measured:
            assert row.base.seeds != row.new.seeds
            assert row.p == mann_whitney(x, y)
        assert row.adjusted is not None and row.p <= row.adjusted
        families.setdefault(family_of(row), []).append(row)
    for family in families.values():
        open_rows = [one for one in family if (one.p or 0.0) <= 0.05]
        others = len(family) - len(open_rows)
        # of rows that show nothing, those that could have shown something count among the family too
        adjusted = [
            holm([one.p or 0.0 for one in open_rows] + [1.0] * k)[: len(open_rows)] for k in range(others + 1)
        ]
        assert [one.adjusted for one in open_rows] in adjusted


@given(one_model("gan", "base"))
def test_nothing_is_better_or_worse_than_itself(records: list[Record]) -> None:
    found = compare_runs(records, changed(records, run="new"))
    shown = [set(row.base.values.values()) for row in found.rows if row.base and row.test == "paired"]
    varied = any(len(values) > 1 for values in shown)
    for row in found.rows:
        assert row.verdict in (Verdict.SAME, Verdict.UNSURE, Verdict.INCOMPARABLE)
        if row.test in ("paired", "shares") and varied:
            assert row.verdict is Verdict.SAME
        if row.difference is not None:
            assert row.difference.estimate == 0


@given(GANS, st.integers(0, 8), st.sampled_from([Status.DIVERGED, Status.FAILED, Status.TIMEOUT]))
def test_losing_one_more_seed_never_makes_the_new_side_look_better(
    sides: tuple[list[Record], list[Record]], seed: int, status: Status
) -> None:
    base, new = sides
    if (FID, seed) not in [(one.metric, one.seed) for one in new if one.status is Status.DONE]:
        return
    fewer = [one for one in new if one.seed != seed]
    about = [one for one in new if one.seed == seed and one.metric in COLUMNS]
    # a target that was reached before stays reached
    dead = [
        one if one.metric == TARGET else replace(one, value=None, status=status, reason="lost")
        for one in about
    ]
    worse = [*fewer, *dead, outcome(status, seed=seed, run="new")]
    plain, other = rows(compare_runs(base, new)), rows(compare_runs(base, worse))
    for key, row in plain.items():
        if key not in other:
            assert row.verdict is Verdict.NEW  # the base has no such number, and now the new side has lost it
            continue
        there = other[key]
        if row.improvement is not None and there.improvement is not None:
            assert there.improvement <= row.improvement
        assert not (there.verdict is Verdict.BETTER and row.verdict is Verdict.WORSE)
        if row.difference is not None and there.difference is not None and row.test == "paired":
            sign = 1 if row.better is Better.HIGHER else -1
            assert sign * there.difference.estimate <= sign * row.difference.estimate


def test_no_rules_are_usual_margins_and_no_gates() -> None:
    assert no_rules("digits", "gan", FID) == Rule()
