from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from made_records import COLUMNS, Column, changed, outcome, record, stamped, trained, trial

from genbench.analyse.compare import (
    Comparison,
    OtherSteps,
    Rule,
    Rules,
    Unfinished,
    compare_models,
    compare_runs,
)
from genbench.analyse.effect import Shift
from genbench.analyse.needed import pairs_for_a_difference
from genbench.analyse.row import FAILED_SHARE, Row, Verdict
from genbench.analyse.significance import holm, smallest_p
from genbench.core.errors import RecordError
from genbench.core.record import CONTROLS, OUTCOME, Better, Record, Status
from genbench.suite.margin import Margin

FID, RECALL, COVERED = "quality.fid", "quality.recall", "modes.covered"
TARGET, COST, SPEED, UTILIZATION = (
    "target.steps", "cost.seconds", "throughput.images_per_s", "throughput.utilization",
)  # fmt: skip
LOW = [10.0, 10.5, 9.5, 10.25, 9.75, 10.125, 9.875, 10.0625]
HIGH = [x + 5 for x in LOW]
NEW: dict[str, Any] = {"run": "new"}


def row(comparison: Comparison, metric: str, model: str = "gan") -> Row:
    (found,) = [one for one in comparison.rows if (one.metric, one.new_model) == (metric, model)]
    return found


def fid(base: Sequence[float | None], new: Sequence[float | None], **options: Any) -> Row:
    return row(compare_runs(trained({FID: base}), trained({FID: new}, **NEW), **options), FID)


def lost(seeds: int, status: Status = Status.DIVERGED) -> dict[int, Status]:
    return dict.fromkeys(range(seeds), status)


def always(margin: Margin | None = None, gated: tuple[str, ...] = ()) -> Rules:
    return lambda dataset, model, metric: Rule(margin, metric in gated)


def test_a_difference_beyond_the_margin_that_is_sure_is_better_or_worse_as_the_metric_goes() -> None:
    assert fid(LOW, HIGH).verdict is Verdict.WORSE
    assert fid(HIGH, LOW).verdict is Verdict.BETTER
    rising = trained({RECALL: LOW}), trained({RECALL: HIGH}, **NEW)
    assert row(compare_runs(*rising), RECALL).verdict is Verdict.BETTER
    assert row(compare_runs(*rising[::-1]), RECALL).verdict is Verdict.WORSE


def test_a_row_says_how_it_was_decided() -> None:
    paired = fid(LOW, HIGH)
    assert (paired.test, paired.difference) == ("paired", Shift(5.0, 5.0, 5.0))
    assert paired.margin == pytest.approx(0.05 * (10.03125 + 15.03125) / 2)
    assert paired.p == paired.adjusted == 2 / 2**8
    assert paired.improvement == 0.0 and paired.seeds is None
    unpaired = row(compare_runs(trained({FID: LOW}), trained({FID: HIGH[:5]}, **NEW)), FID)
    assert unpaired.test == "unpaired" and unpaired.p == pytest.approx(2 / 1287)
    other_seeds = trained({FID: HIGH}, seeds=range(10, 18), **NEW)
    assert row(compare_runs(trained({FID: LOW}), other_seeds), FID).test == "unpaired"


def test_pairs_are_of_seeds_whatever_the_order_they_finished_in() -> None:
    shuffled = [3, 0, 7, 1, 5, 2, 6, 4]
    base = trained({FID: LOW})
    new = trained({FID: [LOW[n] + 0.001 for n in shuffled]}, seeds=shuffled, **NEW)
    found = row(compare_runs(base, new), FID)
    assert found.p == 2 / 2**8
    assert found.difference is not None and found.difference.high == pytest.approx(0.001)


def test_a_large_difference_of_few_seeds_is_unsure_and_says_how_many_would_do() -> None:
    five = fid(LOW[:5], HIGH[:5])  # p cannot be below 1/16
    assert (five.verdict, five.p) == (Verdict.UNSURE, 1 / 16)
    assert five.seeds is not None and five.seeds >= 6
    assert fid(LOW[:6], HIGH[:6]).verdict is Verdict.WORSE
    assert fid(LOW[:3], HIGH[:3]).verdict is Verdict.UNSURE
    assert fid(LOW[:1], HIGH[:1]).verdict is Verdict.UNSURE


def test_a_sure_difference_within_the_margin_is_the_same_and_no_alarm() -> None:
    found = fid(LOW, [x + 0.25 for x in LOW])
    assert found.p == 2 / 2**8
    assert found.verdict is Verdict.SAME
    assert fid(LOW, [x + 0.25 for x in LOW], rules=always(Margin(0.25))).verdict is Verdict.SAME
    assert fid(LOW, [x + 0.25 for x in LOW], rules=always(Margin(0.2))).verdict is Verdict.WORSE


def test_same_needs_the_whole_interval_inside_the_margin() -> None:
    apart = [-0.4, 0.4, -0.3, 0.3, -0.2, 0.2, 0.1, -0.1]
    near = [x + d for x, d in zip(LOW, apart, strict=True)]
    found = fid(LOW, near)
    assert found.difference is not None
    low, high = found.difference.low, found.difference.high
    assert low is not None and high is not None and -0.5 < low < -0.2 and 0.2 < high < 0.5
    assert found.verdict is Verdict.SAME
    found = fid(LOW, near, rules=always(Margin(0.15)))
    assert found.verdict is Verdict.UNSURE  # no evidence is not no change
    assert found.seeds is not None and found.seeds > 8
    # and few seeds have no interval
    few = fid(LOW[:5], [x + 0.001 for x in LOW[:5]])
    assert (few.verdict, few.seeds) == (Verdict.UNSURE, 6)


def test_a_lost_seed_counts_as_the_worst_and_never_vanishes() -> None:
    base = trained({FID: LOW, RECALL: LOW})
    numbers = {FID: LOW, RECALL: LOW}
    for status in (Status.DIVERGED, Status.FAILED, Status.TIMEOUT):
        some = compare_runs(base, trained(numbers, endings={2: status}, **NEW))
        for metric, side in ((FID, (0.0, float("inf"))), (RECALL, (float("-inf"), 0.0))):
            found = row(some, metric)
            assert found.test == "paired" and found.verdict is Verdict.UNSURE
            assert found.difference == Shift(0.0, *side)
            assert found.improvement is not None and found.improvement < 0.5
            assert found.new is not None and len(found.new.seeds) == 8
        most = compare_runs(base, trained(numbers, endings=dict.fromkeys(range(1, 8), status), **NEW))
        assert row(most, FID).verdict is row(most, RECALL).verdict is Verdict.WORSE
    assert row(most, FAILED_SHARE).verdict is Verdict.WORSE


def test_better_numbers_of_the_seeds_that_are_left_do_not_outweigh_those_that_were_lost() -> None:
    new = trained({FID: [x - 9 for x in LOW]}, endings=lost(5), **NEW)
    found = row(compare_runs(trained({FID: LOW}), new), FID)
    assert found.difference is not None and found.difference.estimate == float("inf")
    assert found.verdict is not Verdict.BETTER


PLAIN = {FID: Column()}
"""Without stamps that only numbers have."""


@pytest.mark.parametrize(
    "columns",
    [
        PLAIN,
        COLUMNS,
    ],
)
@pytest.mark.parametrize("status", [Status.DIVERGED, Status.FAILED, Status.TIMEOUT])
def test_where_every_seed_was_lost_it_has_failed_and_where_they_are_back_it_is_fixed(
    columns: dict[str, Column], status: Status
) -> None:
    whole = trained({FID: LOW}, columns=columns)
    gone = trained({FID: LOW}, columns=columns, endings=lost(8, status), **NEW)
    failed, fixed = row(compare_runs(whole, gone), FID), row(compare_runs(gone, whole), FID)
    assert (failed.verdict, fixed.verdict) == (Verdict.FAILED, Verdict.FIXED)
    assert "new" in failed.why and "base" in fixed.why
    for found in (failed, fixed):
        assert found.p is None and found.difference is None
    assert row(compare_runs(gone, gone), FID).verdict is Verdict.INCOMPARABLE
    shares = row(compare_runs(whole, gone), FAILED_SHARE)
    assert (shares.verdict, shares.test) == (Verdict.WORSE, "shares")
    assert row(compare_runs(gone, whole), FAILED_SHARE).verdict is Verdict.BETTER


def test_a_measure_of_the_cohort_that_broke_has_failed_and_one_that_works_again_is_fixed() -> None:
    fast = trained({}, cohort={SPEED: [(100.0, 5.0)]})
    broken = [record(SPEED, None, seed=None, trial="cohort 0", status=Status.FAILED, **NEW)]
    skipped = [record(SPEED, None, seed=None, trial="cohort 0", **NEW)]
    failed = row(compare_runs(fast, broken), SPEED)
    assert failed.verdict is Verdict.FAILED and failed.why == "new: failed for a reason"
    assert row(compare_runs(broken, fast), SPEED).verdict is Verdict.FIXED
    assert row(compare_runs(fast, skipped), SPEED).verdict is Verdict.GONE
    assert row(compare_runs(skipped, fast), SPEED).verdict is Verdict.NEW


def test_what_only_one_side_has_is_new_or_gone() -> None:
    base, new = trained({FID: LOW}), trained({FID: LOW, RECALL: LOW}, **NEW)
    assert row(compare_runs(base, new), RECALL).verdict is Verdict.NEW
    assert row(compare_runs(new, base), RECALL).verdict is Verdict.GONE
    both = [*new, *trained({FID: LOW}, model="vae", **NEW)]
    for found, verdict in ((compare_runs(base, both), Verdict.NEW), (compare_runs(both, base), Verdict.GONE)):
        whole = row(found, "", "vae")
        assert whole.verdict is verdict and whole.p is None and whole.why
    mnist = trained({FID: LOW}, dataset="mnist", **NEW)
    assert [(r.dataset, r.verdict) for r in compare_runs(base, mnist).rows] == [
        ("digits", Verdict.GONE), ("mnist", Verdict.NEW),
    ]  # fmt: skip


def test_a_seed_that_diverged_makes_nothing_new_or_gone_that_the_model_never_had() -> None:
    numbers = {FID: LOW, RECALL: [None] * 8}  # a GAN's likelihood, for one
    base, new = trained(numbers), trained(numbers, endings={2: Status.DIVERGED}, **NEW)
    for found in (compare_runs(base, new), compare_runs(new, base), compare_runs(new, new)):
        assert RECALL not in [one.metric for one in found.rows]


def test_a_model_that_was_lost_wholly_makes_nothing_new_or_gone_that_it_never_had() -> None:
    numbers = {FID: LOW, RECALL: [None] * 8}
    base, new = trained(numbers), trained(numbers, endings=lost(8), **NEW)
    for found in (compare_runs(base, new), compare_runs(new, base)):
        verdicts = [one.verdict for one in found.rows]
        assert Verdict.NEW not in verdicts and Verdict.GONE not in verdicts


def test_a_metric_that_no_seed_of_either_side_has_is_no_row() -> None:
    nothing = trained({FID: LOW, RECALL: [None] * 8})
    assert [one.metric for one in compare_runs(nothing, nothing).rows] == [FID]


DIFFERENT: list[tuple[str, dict[str, Any], str]] = [
    (FID, {"protocol": {"n_fake": 50}}, "n fake 500 and 50"),
    (FID, {"protocol": {"extractor": "pixels"}}, "extractor cnn and pixels"),
    (FID, {"protocol": {"reference": "train"}}, "reference test and train"),
    (FID, {"protocol": {"precision": "bfloat16"}}, "precision float32 and bfloat16"),
    (FID, {"versions": {"metric": "2"}}, "metric version 1 and 2"),
    (FID, {"versions": {"data": "0ther"}}, "data version da7a and 0ther"),
    (FID, {"versions": {"features": "f01"}}, "features version f00 and f01"),
    (SPEED, {"protocol": {"device": "laptop"}}, "device box and laptop"),
    (SPEED, {"protocol": {"lanes": 8}}, "lanes 4 and 8"),
    (COST, {"protocol": {"device": "laptop"}}, "device box and laptop"),
    (TARGET, {"protocol": {"target": "quality.fid ≤ 4"}}, "target quality.fid ≤ 5 and quality.fid ≤ 4"),
    (FID, {"unit": "bits"}, "unit or direction (none lower, bits lower)"),
]


def all_kinds(**change: Any) -> list[Record]:
    numbers = {FID: LOW, RECALL: HIGH, TARGET: LOW, COST: [9.0] * 8}
    return trained(numbers, cohort={SPEED: [(100.0, 1.0)], UTILIZATION: [(0.5, 0.01)]}, **change)


def with_change(records: list[Record], metrics: Sequence[str], change: dict[str, Any]) -> list[Record]:
    """Mappings are added to, other fields replaced."""
    return [
        replace(
            each,
            **{k: {**getattr(each, k), **v} if isinstance(v, dict) else v for k, v in change.items()},
        )
        if each.metric in metrics
        else each
        for each in records
    ]


@pytest.mark.parametrize(("metric", "change", "told"), DIFFERENT)
def test_numbers_of_other_protocols_are_incomparable_and_it_says_what_differs(
    metric: str, change: dict[str, Any], told: str
) -> None:
    base, new = all_kinds(), with_change(all_kinds(**NEW), [metric], change)
    found = compare_runs(base, new)
    assert (row(found, metric).verdict, row(found, metric).why) == (Verdict.INCOMPARABLE, told)
    assert row(found, metric).p is None and row(found, metric).difference is None
    others = [one.verdict for one in found.rows if one.metric != metric]
    assert len(others) == 5 and Verdict.INCOMPARABLE not in others
    assert row(compare_runs(new, base), metric).verdict is Verdict.INCOMPARABLE


def test_what_does_not_name_the_device_compares_between_devices() -> None:
    base = all_kinds()
    new = stamped(all_kinds(**NEW), [SPEED, COST], device="laptop")
    found = compare_runs(base, new)
    assert [row(found, metric).verdict for metric in (SPEED, COST, UTILIZATION, FID)] == [
        Verdict.INCOMPARABLE, Verdict.INCOMPARABLE, Verdict.SAME, Verdict.SAME,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"versions": {"model": "2"}}, {"code": "another commit"}, {"env": "elsewhere"}, {"suite": "other"}],
)
def test_another_model_version_code_or_environment_is_what_comparisons_are_for(
    change: dict[str, Any],
) -> None:
    base = all_kinds()
    new = with_change(all_kinds(**NEW), [FID, RECALL, TARGET, COST, SPEED, UTILIZATION], change)
    found = compare_runs(base, new).rows
    assert {one.verdict for one in found if one.test != "measured"} == {Verdict.SAME}
    named = {one.metric: one.verdict for one in found if one.test == "measured"}
    assert named == {COST: Verdict.UNSURE, SPEED: Verdict.UNSURE, UTILIZATION: Verdict.SAME}


def test_runs_pooled_over_protocols_are_incomparable() -> None:
    base = [*trained({FID: LOW[:4]}), *stamped(trained({FID: LOW[:4]}, seeds=range(4, 8), run="b"), n_fake=9)]
    found = row(compare_runs(base, trained({FID: LOW}, **NEW)), FID)
    assert found.verdict is Verdict.INCOMPARABLE and "n fake differs within base (500, 9)" in found.why


def test_a_number_a_seed_does_not_compare_with_one_a_cohort() -> None:
    base, new = trained({FID: LOW}), [record(FID, 3.0, seed=None, **NEW)]
    for sides in ((base, new), (new, base)):
        found = row(compare_runs(*sides), FID)
        assert found.verdict is Verdict.INCOMPARABLE and "cohort" in found.why


@pytest.mark.parametrize("metrics", [(), (FID,), (OUTCOME,)])
def test_a_quick_run_is_never_compared(metrics: tuple[str, ...]) -> None:
    base, other = trained({FID: LOW, RECALL: LOW}), trained({FID: LOW}, model="vae")
    quick = stamped(trained({FID: LOW, RECALL: LOW}, **NEW), metrics, quick=True)
    for attempt in (
        lambda: compare_runs(base, quick),
        lambda: compare_runs(quick, base),
        lambda: compare_runs([*base, *changed(quick, trial="x", seed=99)], base),
        lambda: compare_models([*other, *quick]),
    ):
        with pytest.raises(RecordError, match="run new was shortened by --quick"):
            attempt()


def test_pooled_runs_unite_their_seeds_and_count_a_trial_once() -> None:
    first, second = trained({FID: LOW[:4]}), trained({FID: LOW[4:]}, seeds=range(4, 8), run="second")
    again = changed(first, run="again")
    found = compare_runs([*first, *second, *again], trained({FID: HIGH}, **NEW))
    assert row(found, FID).test == "paired" and row(found, FID).p == 2 / 2**8
    assert found.base == ("base", "second", "again") and found.new == ("new",)
    clash = changed(trained({FID: LOW[:1]}), run="other", trial="otherwise")
    with pytest.raises(RecordError, match="cannot be pooled"):
        compare_runs([*first, *clash], first)


def test_four_pooled_measurements_a_side_are_tested_and_fewer_are_taken_as_they_are() -> None:
    def pooled(values: Sequence[float], run: str) -> list[Record]:
        return [
            each
            for n, value in enumerate(values)
            for each in trained({}, cohort={SPEED: [(value, 2.0)]}, run=f"{run}{n}")
        ]

    base, slow = pooled([100, 101, 102, 103], "b"), pooled([80, 81, 82, 83], "n")
    found = row(compare_runs(base, slow), SPEED)
    assert (found.test, found.verdict) == ("unpaired", Verdict.WORSE)
    assert found.p == pytest.approx(2 / 70)
    three = row(compare_runs(base[:3], slow[:3], rules=always(gated=(SPEED,))), SPEED)
    assert (three.test, three.verdict, three.p) == ("measured", Verdict.WORSE, None)
    assert three.difference == Shift(-20.0, 80 - 102 - 4, 82 - 100 + 4)
    far = row(compare_runs(pooled([100, 70, 130, 90], "b"), pooled([80, 60, 110, 85], "n")), SPEED)
    assert (far.verdict, far.seeds) == (Verdict.UNSURE, None)  # no number of seeds would settle it


@pytest.mark.parametrize(
    ("base", "new", "verdict"),
    [
        ((100.0, 1.0), (85.0, 1.0), Verdict.WORSE),  # 10 % of 92.5 is 9.25, and 15 is sure to within 2
        ((85.0, 1.0), (100.0, 1.0), Verdict.BETTER),
        ((100.0, 4.0), (85.0, 4.0), Verdict.UNSURE),  # 15 ± 8
        ((100.0, 1.0), (96.0, 1.0), Verdict.SAME),  # 4 ± 2
        ((100.0, 4.0), (96.0, 4.0), Verdict.UNSURE),  # 4 ± 8
        ((100.0, None), (80.0, None), Verdict.WORSE),
        ((100.0, None), (95.0, None), Verdict.SAME),
    ],
)
def test_single_measurements_count_with_their_own_intervals(
    base: tuple[float, float | None], new: tuple[float, float | None], verdict: Verdict
) -> None:
    sides = trained({}, cohort={SPEED: [base]}), trained({}, cohort={SPEED: [new]}, **NEW)
    found = row(compare_runs(*sides, rules=always(gated=(SPEED,))), SPEED)
    assert (found.test, found.verdict) == ("measured", verdict)
    # without a gate, whose margin covers it, nobody knows what another run would have measured
    assert row(compare_runs(*sides), SPEED).verdict is Verdict.UNSURE
    within = compare_models([*sides[0], *changed(sides[1], run="base", model="vae")])
    known = verdict if base[1] is not None else Verdict.UNSURE
    assert row(within, SPEED, "vae").verdict is known
    assert found.p is None and found.adjusted is None and found.seeds is None


def test_a_target_that_was_never_reached_is_later_than_any_step() -> None:
    base = trained({TARGET: [100.0] * 8})
    found = row(compare_runs(base, trained({TARGET: [100.0] + [None] * 7}, **NEW)), TARGET)
    assert found.verdict is Verdict.WORSE and found.difference is not None
    assert found.difference.estimate == float("inf")
    never = trained({TARGET: [None] * 8}, **NEW)
    assert row(compare_runs(base, never), TARGET).verdict is Verdict.FAILED
    assert row(compare_runs(never, base), TARGET).verdict is Verdict.FIXED
    assert row(compare_runs(never, never), TARGET).verdict is Verdict.INCOMPARABLE
    assert [one.metric for one in compare_runs(base, never).rows] == [TARGET]  # and nobody failed


def test_another_target_that_was_never_reached_is_incomparable_not_failed() -> None:
    base = trained({TARGET: [100.0] * 8})
    harder = stamped(trained({TARGET: [None] * 8}, **NEW), [TARGET], target="quality.fid ≤ 1")
    for sides in ((base, harder), (harder, base)):
        found = row(compare_runs(*sides), TARGET)
        assert found.verdict is Verdict.INCOMPARABLE and "quality.fid ≤ 1" in found.why


def test_trials_that_are_not_over_are_told_and_left_out() -> None:
    base = trained({FID: LOW, COST: [1.0] * 8}, endings={3: Status.INTERRUPTED, 6: Status.SKIPPED})
    going = trial({FID: 99.0, COST: 1.0}, seed=7, ended=False, **NEW)
    new = [*trained({FID: LOW[:7], COST: [1.0] * 7}, **NEW), *going]
    found = compare_runs(base, new)
    assert found.unfinished == (
        Unfinished("base", "digits", "gan", (3, 6)),
        Unfinished("new", "digits", "gan", (7,)),
    )
    measured = row(found, FID)
    assert measured.base is not None and measured.new is not None
    assert measured.base.seeds == {0, 1, 2, 4, 5, 7} and measured.new.seeds == set(range(7))
    assert measured.test == "unpaired"
    assert FAILED_SHARE not in [one.metric for one in found.rows]
    within = compare_models([*base, *trained({FID: LOW}, model="vae")])
    assert within.unfinished == (Unfinished("base", "digits", "gan", (3, 6)),)


def test_a_trial_that_was_stopped_after_it_was_measured_is_left_out_too() -> None:
    stopped = [record(FID, 99.0, seed=7, **NEW), outcome(Status.INTERRUPTED, seed=7, **NEW)]
    found = compare_runs(trained({FID: LOW}), [*trained({FID: LOW[:7]}, **NEW), *stopped])
    assert found.unfinished == (Unfinished("new", "digits", "gan", (7,)),)
    new = row(found, FID).new
    assert new is not None and new.seeds == set(range(7))


def test_models_that_were_trained_for_other_steps_are_told_and_judged_all_the_same() -> None:
    base, longer = trained({FID: LOW}), trained({FID: HIGH}, step=200, **NEW)
    assert compare_runs(base, changed(base, run="new")).other_steps == ()
    found = compare_runs(base, longer)
    assert found.other_steps == (OtherSteps("digits", "gan", (100,), (200,)),)
    assert row(found, FID).verdict is Verdict.WORSE
    nobody = trained({FID: LOW}, endings=lost(8), step=50, **NEW)  # whose end is no choice
    assert compare_runs(base, nobody).other_steps == ()


def test_shares_of_failed_seeds_have_a_row_where_any_seed_failed() -> None:
    base = trained({FID: LOW})
    assert [one.metric for one in compare_runs(base, base).rows] == [FID]
    half = trained({FID: LOW}, endings={**lost(5), 5: Status.INTERRUPTED}, **NEW)
    shares = row(compare_runs(base, half), FAILED_SHARE)
    assert shares.difference is not None and shares.difference.estimate == pytest.approx(5 / 7)
    assert shares.margin == 0.05 and shares.better is Better.LOWER
    assert shares.p == pytest.approx(21 / 3003)  # C(7, 5) of C(15, 5): no other table is as rare
    assert shares.verdict is Verdict.WORSE
    stopped = trained({FID: LOW}, endings=dict.fromkeys(range(8), Status.INTERRUPTED))  # none has ended
    for sides in ((stopped, half), (half, stopped)):
        assert FAILED_SHARE not in [one.metric for one in compare_runs(*sides).rows]
    only_asked = compare_runs(base, half, metrics=(FID,))
    assert [one.metric for one in only_asked.rows] == [FAILED_SHARE, FID]


def test_gated_rows_are_a_family_of_their_own() -> None:
    gated = ("quality.m0", "quality.m3")
    ways = [[3.0] * 8, [3.0] * 8, [3.0] * 8, [1e-3, -1e-3] * 4, [-1e-3, 1e-3] * 4]  # three of five differ
    base = trained({f"quality.m{n}": LOW for n in range(5)}, columns={})
    new = trained(
        {f"quality.m{n}": [x + d for x, d in zip(LOW, way, strict=True)] for n, way in enumerate(ways)},
        columns={},
        **NEW,
    )
    found = compare_runs(base, new, rules=always(gated=gated))
    assert {one.metric for one in found.rows if one.gated} == set(gated)
    for names in (gated, ("quality.m1", "quality.m2", "quality.m4")):
        rows = [row(found, name) for name in names]
        assert [one.adjusted for one in rows] == holm([one.p or 0.0 for one in rows])
    assert row(found, "quality.m0").adjusted == 2 * 2 / 2**8
    assert row(found, "quality.m1").adjusted == 3 * 2 / 2**8
    alone = compare_runs(base, new)
    assert row(alone, "quality.m0").adjusted == 5 * 2 / 2**8


def test_holms_correction_decides() -> None:
    six = {f"quality.m{n}": LOW[:7] for n in range(6)}
    base, new = trained(six, columns={}), trained(dict.fromkeys(six, HIGH[:7]), columns={}, **NEW)
    for metrics, verdict in ((["quality.m0"], Verdict.WORSE), ([], Verdict.UNSURE)):
        found = row(compare_runs(base, new, metrics=metrics), "quality.m0")
        assert found.p == 2 / 2**7  # and 6 times that is more than 0.05
        assert found.verdict is verdict
    unsure = row(compare_runs(base, new), "quality.m0")
    assert unsure.adjusted == 12 / 2**7 and unsure.seeds is not None and unsure.seeds >= 8
    assert row(compare_runs(base, new, alpha=0.1), "quality.m0").verdict is Verdict.WORSE
    assert unsure.seeds == pairs_for_a_difference([5.0] * 7, 0.05 / 6)
    # another model is a family of its own
    both = compare_runs(
        [*base, *trained(six, columns={}, model="vae")],
        [*new, *trained(dict.fromkeys(six, HIGH[:7]), columns={}, model="vae", **NEW)],
    )
    assert row(both, "quality.m0").seeds == unsure.seeds
    gated = compare_runs(base, new, rules=always(gated=("quality.m0",)))
    assert row(gated, "quality.m0").verdict is Verdict.WORSE
    assert row(gated, "quality.m1").adjusted == 10 / 2**7


def changed_seeds(records: list[Record]) -> list[Record]:
    return [replace(one, seed=100 + (one.seed or 0), trial=f"other {one.seed}") for one in records]


def test_shares_that_are_all_failures_take_no_share_of_alpha() -> None:
    failed = trained({FID: LOW[:7]}, model="vae", endings=lost(7))
    base, new = (
        [*failed, *trained({FID: LOW[:7]})],
        [*changed(failed, run="new"), *trained({FID: HIGH[:7]}, **NEW)],
    )
    found = compare_runs(base, new)
    assert row(found, FAILED_SHARE, "vae").p == 1.0
    assert row(found, FID).adjusted == row(found, FID).p


def test_rows_that_could_not_reject_whatever_happened_take_no_share_of_alpha() -> None:
    constants = {COVERED: [10.0] * 7, "quality.one": [1.0] * 7}
    base = trained({FID: LOW[:7], **constants}, columns={**COLUMNS})
    new = trained({FID: HIGH[:7], **constants}, columns={**COLUMNS}, **NEW)
    found = compare_runs(base, new)
    assert row(found, FID).adjusted == row(found, FID).p == 2 / 2**7
    assert row(found, COVERED).p == row(found, COVERED).adjusted == 1.0
    # nor do sides of other seeds, unless seeds of one were lost
    apart = compare_runs(base, changed_seeds(new))
    assert row(apart, COVERED).test == "unpaired"
    assert row(apart, FID).adjusted == row(apart, FID).p
    most = trained({FID: HIGH[:7], **constants}, endings=lost(5), columns={**COLUMNS}, **NEW)
    apart = compare_runs(base, changed_seeds(most), metrics=[FID, COVERED])
    assert len(apart.rows) == 3  # and the share of failures
    assert [one.adjusted for one in apart.rows] == holm([one.p or 0.0 for one in apart.rows])
    # a measurement without a test takes none either
    timed = [each for run in ("base", "new") for each in trained({}, cohort={SPEED: [(1.0, None)]}, run=run)]
    found = compare_runs([*base, timed[0]], [*new, timed[1]])
    assert row(found, FID).adjusted == 2 / 2**7


def test_a_seed_that_diverged_does_not_make_what_is_worse_unsure() -> None:
    names = [f"quality.m{n}" for n in range(6)]
    base = trained(dict.fromkeys(names, LOW), columns={})
    for endings in ({}, {0: Status.DIVERGED}):
        new = trained(dict.fromkeys(names, HIGH), columns={}, endings=endings, **NEW)
        found = compare_runs(base, new)
        assert {row(found, name).verdict for name in names} == {Verdict.WORSE}  # 6 times 2/256, below 0.05


def test_one_seed_that_missed_a_class_does_not_make_what_is_worse_unsure() -> None:
    names = [f"quality.m{n}" for n in range(6)]
    base = trained({**dict.fromkeys(names, LOW), COVERED: [10.0] * 8})
    new = trained({**dict.fromkeys(names, HIGH), COVERED: [10.0] * 7 + [9.0]}, **NEW)
    for other in (new, changed_seeds(new)):
        found = compare_runs(base, other)
        assert row(found, COVERED).p == 1.0
        assert {row(found, name).adjusted for name in names} == {6 * (row(found, names[0]).p or 0.0)}


def test_seeds_that_would_do_are_enough_for_all_rows_that_will_count_then() -> None:
    names = [f"quality.m{n}" for n in range(80)]
    base = trained(dict.fromkeys(names, LOW[:5]), columns={})
    new = trained(dict.fromkeys(names, HIGH[:5]), columns={}, **NEW)
    seeds = row(compare_runs(base, new), names[0]).seeds
    assert seeds is not None and 80 * smallest_p(seeds, seeds, paired=True) <= 0.05


def test_a_gate_on_any_metric_gates_the_row_of_a_model_that_is_not_there() -> None:
    found = compare_runs(
        [*trained({FID: LOW}), *trained({FID: LOW}, model="vae")],
        trained({FID: LOW}, **NEW),
        rules=always(gated=(FID,)),
    )
    assert row(found, "", "vae").gated and row(found, FID).gated
    found = compare_runs(trained({FID: LOW}), trained({FID: LOW}, model="vae"), rules=always(gated=(RECALL,)))
    assert not any(one.gated for one in found.rows)


def test_metrics_without_a_direction_are_left_out_and_listed() -> None:
    base, new = trained({FID: LOW, "quality.spread": LOW}), trained({FID: LOW, "quality.spread": HIGH}, **NEW)
    found = compare_runs(base, new)
    assert [one.metric for one in found.rows] == [FID] and found.left_out == ("quality.spread",)
    assert compare_runs(base, new, metrics=[FID]).left_out == ()
    within = compare_models([*base, *changed(new, model="vae", run="base", trial="v")])
    assert within.left_out == ("quality.spread",)


def test_a_run_is_the_same_as_itself_even_with_three_seeds() -> None:
    numbers = {FID: [3.0, 1.0, 2.0, 5.0], COVERED: [10.0] * 4, TARGET: [9.0, None, 7.0, 8.0]}
    records = trained(numbers, endings={3: Status.DIVERGED}, cohort={SPEED: [(100.0, 2.0)]})
    found = compare_runs(records, changed(records, run="new"))
    assert {one.metric: one.verdict for one in found.rows} == dict.fromkeys(
        (FAILED_SHARE, FID, COVERED, TARGET), Verdict.SAME
    ) | {SPEED: Verdict.UNSURE}
    assert all("to the bit" in one.why for one in found.rows if one.metric != SPEED)
    assert all(one.p == 1.0 for one in found.rows if one.metric != SPEED)


def test_one_number_that_differs_and_nothing_is_replayed() -> None:
    numbers = {FID: [3.0, 1.0, 2.0], RECALL: [0.5, 0.25, 0.75]}
    base = trained(numbers)
    new = trained({**numbers, RECALL: [0.5, 0.25, 0.7500001]}, **NEW)
    assert {one.verdict for one in compare_runs(base, new).rows} == {Verdict.UNSURE}
    fewer = trained({FID: numbers[FID]}, **NEW)
    assert row(compare_runs(base, fewer), FID).verdict is Verdict.UNSURE
    other_end = trained(numbers, endings={2: Status.INTERRUPTED}, **NEW)
    assert row(compare_runs(base, other_end), FID).verdict is Verdict.UNSURE


def test_a_replay_is_of_the_same_trials_of_one_model() -> None:
    three = trained({FID: [3.0, 1.0, 2.0]})
    assert row(compare_runs(three, changed(three, run="new")), FID).verdict is Verdict.SAME
    # one more was asked for on one side, and has not come to an end
    four = [*three, *trained({FID: [4.0]}, seeds=[3], endings={3: Status.INTERRUPTED})]
    found = row(compare_runs(four, changed(three, run="new")), FID)
    assert (found.test, found.verdict) == ("paired", Verdict.UNSURE)
    # two models are not each other, whatever their numbers
    models = [
        each
        for model in ("gan", "vae")
        for each in trained({FID: [3.0, 1.0, 2.0]}, model=model, endings={2: Status.FAILED})
    ]
    assert row(compare_models(models), FAILED_SHARE, "vae").verdict is Verdict.UNSURE
    # and time is measured anew every time
    timed = trained({FID: [3.0, 1.0, 2.0]}, cohort={SPEED: [(100.0, 20.0)]})
    gated = compare_runs(timed, changed(timed, run="new"), rules=always(gated=(SPEED,)))
    assert row(gated, SPEED).verdict is Verdict.UNSURE


def test_what_was_lost_on_either_side_is_no_replay() -> None:
    def side(recall: float | None, run: str) -> list[Record]:
        lack: dict[str, Any] = {} if recall is not None else {"status": Status.FAILED}
        return [
            each
            for seed in range(3)
            for each in (
                record(FID, float(seed), seed=seed, run=run),
                record(RECALL, recall, seed=seed, run=run, **lack),
                outcome(Status.FAILED, seed=seed, run=run),
            )
        ]

    whole, broken = side(0.5, "base"), side(None, "new")
    assert row(compare_runs(whole, broken), FID).verdict is Verdict.UNSURE
    assert row(compare_runs(broken, whole), FID).verdict is Verdict.UNSURE


def test_constants_alone_do_not_show_that_a_run_was_replayed() -> None:
    three = trained({COVERED: [10.0] * 3, RECALL: [1.0] * 3})
    assert {one.verdict for one in compare_runs(three, changed(three, run="new")).rows} == {Verdict.UNSURE}
    six = trained({COVERED: [10.0] * 6})
    found = row(compare_runs(six, changed(six, run="new")), COVERED)
    assert found.verdict is Verdict.SAME and not found.why


def test_models_of_one_run_are_never_paired_nor_replays_of_each_other() -> None:
    records = [*trained({FID: LOW[:3]}), *trained({FID: LOW[:3]}, model="vae")]
    found = compare_models(records)
    assert found.within
    assert (row(found, FID, "vae").test, row(found, FID, "vae").verdict) == ("unpaired", Verdict.UNSURE)
    far = compare_models([*trained({FID: LOW}), *trained({FID: HIGH}, model="vae")])
    assert row(far, FID, "vae").p == pytest.approx(2 / 12870)


def test_models_are_compared_with_the_first_that_is_named() -> None:
    records = [
        *trained({FID: LOW}),
        *trained({FID: HIGH}, model="vae"),
        *trained({FID: [x + 9 for x in LOW]}, model="wgan"),
        *trained({FID: LOW}, dataset="mnist"),
        *trained({FID: LOW}, dataset="mnist", model="wgan"),
    ]
    found = compare_models(records, models=["vae", "gan", "wgan"])
    told = [(one.dataset, one.base_model, one.new_model, one.metric, one.verdict) for one in found.rows]
    assert told == [
        ("digits", "vae", "gan", FID, Verdict.BETTER),
        ("digits", "vae", "wgan", FID, Verdict.WORSE),
        ("mnist", "vae", "gan", "", Verdict.INCOMPARABLE),
        ("mnist", "vae", "wgan", "", Verdict.INCOMPARABLE),
    ]
    assert found.rows[-1].why == "vae was not run on mnist"
    assert [one.new_model for one in compare_models(records).rows if one.metric] == ["vae", "wgan", "wgan"]


def test_a_number_that_one_of_two_models_cannot_have_is_incomparable() -> None:
    records = [*trained({FID: LOW, RECALL: LOW}), *trained({FID: LOW, RECALL: [None] * 8}, model="vae")]
    for models in (["gan", "vae"], ["vae", "gan"]):
        found = row(compare_models(records, models=models), RECALL, models[1])
        assert (found.verdict, found.why) == (Verdict.INCOMPARABLE, "vae: skipped for a reason")


def test_control_rows_never_appear() -> None:
    controls = [each for name in CONTROLS for each in trained({FID: LOW, RECALL: LOW}, model=name)]
    base, new = (
        [*controls, *trained({FID: LOW})],
        [*changed(controls, run="new"), *trained({FID: LOW}, **NEW)],
    )
    assert {(one.base_model, one.new_model) for one in compare_runs(base, new).rows} == {("gan", "gan")}
    assert {model for _, model in compare_runs(base, new).new_sides} == {"gan"}
    assert compare_runs(controls, controls).rows == ()
    for attempt in (
        lambda: compare_runs(base, new, models=["real"]),
        lambda: compare_models(base),
        lambda: compare_models(base, models=["gan", "real"]),
    ):
        with pytest.raises(RecordError):
            attempt()


def test_only_what_was_asked_for_is_compared_and_counted() -> None:
    numbers = {FID: LOW, RECALL: LOW, COVERED: LOW}
    base = [*trained(numbers), *trained(numbers, model="vae")]
    new = changed(base, run="new")

    def told(**options: Any) -> list[tuple[str, str]]:
        return [(one.new_model, one.metric) for one in compare_runs(base, new, **options).rows]

    assert told(models=["vae"]) == [("vae", FID), ("vae", RECALL), ("vae", COVERED)]
    assert told(models=["vae"], metrics=["quality"]) == [("vae", FID), ("vae", RECALL)]
    assert told(metrics=[COVERED]) == [("gan", COVERED), ("vae", COVERED)]
    with pytest.raises(RecordError, match=r"--metrics: .*qualiti.* Did you mean 'quality'"):
        told(metrics=["qualiti"])
    with pytest.raises(RecordError, match=r"--metrics: .*qual"):
        told(metrics=["qual"])  # a group is a whole word
    with pytest.raises(RecordError, match=r"--models: .*wgan"):
        told(models=["wgan"])


def test_one_model_cannot_be_compared_within_a_run() -> None:
    records = [*trained({FID: LOW}), *trained({FID: LOW}, model="vae")]
    with pytest.raises(RecordError, match="gan alone cannot be compared"):
        compare_models(records, models=["gan", "gan"])
    with pytest.raises(RecordError, match="gan alone cannot be compared"):
        compare_models(trained({FID: LOW}))
    with pytest.raises(RecordError, match="nothing alone cannot be compared"):
        compare_models([])


def test_a_trial_that_only_has_an_end_is_no_row() -> None:
    ends = [outcome(seed=seed) for seed in range(3)]
    assert compare_runs(ends, changed(ends, run="new")).rows == ()
    assert compare_runs([], []).rows == ()
