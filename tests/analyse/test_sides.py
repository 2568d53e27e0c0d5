import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import COLUMNS, Column, changed, outcome, record, stamped, trained, trial

from genbench.analyse.sides import Measured, ModelSide, Side, mismatch, sides
from genbench.core.errors import RecordError
from genbench.core.record import CONTROLS, Better, Record, Status

INF = math.inf
KEY = ("digits", "gan")
FID, RECALL, TARGET, COST = "quality.fid", "quality.recall", "target.steps", "cost.seconds"
SPEED = "throughput.images_per_s"


def only(records: list[Record]) -> ModelSide:
    (side,) = sides(records).values()
    return side


def test_a_side_has_a_number_a_seed_of_every_metric() -> None:
    side = only(trained({FID: [3.0, 1.0, 2.0], RECALL: [0.5, 0.25, 0.75]}, seeds=[7, 2, 4]))
    assert side.metrics[FID].values == {2: 1.0, 4: 2.0, 7: 3.0}
    assert side.metrics[FID].ordered() == [1.0, 2.0, 3.0]
    assert one(values={24: 4.0, 8: 2.0, 0: 1.0}, lost=frozenset({32, 16})).ordered() == [1, 2, INF, 4, INF]
    assert side.metrics[RECALL].ordered() == [0.25, 0.75, 0.5]
    assert side.ended == dict.fromkeys((2, 4, 7), Status.DONE)
    assert side.metrics.keys() == {FID, RECALL}  # how a trial ended is no metric
    assert (side.metrics[FID].unit, side.metrics[FID].better) == ("", Better.LOWER)
    assert not side.failed and not side.unfinished


def test_models_and_datasets_stand_apart_and_control_rows_never_stand() -> None:
    records = [
        *trained({FID: [1.0]}),
        *trained({FID: [2.0]}, model="vae"),
        *trained({FID: [3.0]}, dataset="mnist"),
        *(each for name in CONTROLS for each in trained({FID: [4.0, 5.0]}, model=name)),
        *(record(FID, 6.0, model=name, seed=None) for name in CONTROLS),
    ]
    found = sides(records)
    assert list(found) == [KEY, ("digits", "vae"), ("mnist", "gan")]
    assert [side.metrics[FID].ordered() for side in found.values()] == [[1.0], [2.0], [3.0]]
    assert sides([each for each in records if each.model in CONTROLS]) == {}


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.FAILED, Status.TIMEOUT])
def test_a_seed_that_was_lost_is_worse_than_every_number(status: Status) -> None:
    numbers = {FID: [1.0, 2.0, 3.0], RECALL: [0.1, 0.2, 0.3]}
    side = only(trained(numbers, endings={1: status}))
    assert side.metrics[FID].ordered() == [1.0, INF, 3.0]
    assert side.metrics[RECALL].ordered() == [0.1, -INF, 0.3]
    assert side.metrics[FID].lost == side.failed == {1} and not side.metrics[FID].broken
    assert side.metrics[FID].seeds == {0, 1, 2}


@pytest.mark.parametrize("status", [Status.INTERRUPTED, Status.SKIPPED])
def test_a_seed_that_was_merely_stopped_is_not_lost_but_unfinished(status: Status) -> None:
    side = only(trained({FID: [1.0, 2.0, 3.0], TARGET: [10.0, 20.0, 30.0]}, endings={1: status}))
    assert side.metrics[FID].ordered() == [1.0, 3.0]
    assert side.metrics[FID].seeds == {0, 2} and not side.failed and side.unfinished == {1}


def test_a_lost_seed_counts_though_nothing_but_its_end_was_written() -> None:
    records = [*trained({FID: [1.0, 2.0]}), outcome(Status.DIVERGED, seed=2)]
    assert only(records).metrics[FID].ordered() == [1.0, 2.0, INF]


def test_a_lost_seed_keeps_the_numbers_that_it_has() -> None:
    failed = [record(FID, 5.0, seed=2), record(RECALL, None, seed=2, status=Status.FAILED)]
    records = [
        *trained({FID: [1.0, 2.0], RECALL: [0.1, 0.2]}), *failed, outcome(Status.FAILED, seed=2),
    ]  # fmt: skip
    side = only(records)
    assert side.metrics[FID].ordered() == [1.0, 2.0, 5.0] and not side.metrics[FID].lost
    assert side.metrics[RECALL].ordered() == [0.1, 0.2, -INF]


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.INTERRUPTED])
def test_a_number_that_is_not_of_finished_training_is_none(status: Status) -> None:
    early = [record(FID, 0.5, seed=2, status=status, reason="stopped at step 50"), outcome(status, seed=2)]
    side = only([*trained({FID: [1.0, 2.0]}), *early])
    assert side.metrics[FID].values == {0: 1.0, 1: 2.0}
    assert side.metrics[FID].lost == ({2} if status is Status.TIMEOUT else frozenset())


def test_a_side_that_was_lost_wholly_has_lost_seeds_and_says_that_it_is_broken() -> None:
    side = only(trained({FID: [1.0, 2.0]}, endings=dict.fromkeys((0, 1), Status.FAILED))).metrics[FID]
    assert side.lost == {0, 1} and not side.values and not side.empty
    assert side.broken and side.reason == "failed for a reason"


def test_what_no_seed_can_have_is_not_lost() -> None:
    side = only(trained({FID: [1.0, 2.0], RECALL: [None, None]})).metrics[RECALL]
    assert side.empty and not side.broken and side.reason == "skipped for a reason"


def test_what_no_seed_can_have_is_not_lost_by_one_of_which_only_the_end_was_written() -> None:
    records = [*trained({FID: [1.0, 2.0], RECALL: [None, None]}), outcome(Status.DIVERGED, seed=2)]
    side = only(records)
    assert side.metrics[RECALL].empty and side.metrics[FID].lost == {2}


def test_what_no_seed_can_have_is_not_lost_by_one_that_diverged_either() -> None:
    side = only(trained({FID: [1.0] * 3, RECALL: [None] * 3}, endings={2: Status.DIVERGED})).metrics[RECALL]
    assert side.empty and not side.lost


def test_a_seed_that_never_reached_the_target_is_lost_there_and_nowhere_else() -> None:
    side = only(trained({TARGET: [500.0, None, 700.0], FID: [4.0, 5.0, 3.0]}))
    assert side.metrics[TARGET].ordered() == [500.0, INF, 700.0] and side.metrics[TARGET].lost == {1}
    assert side.metrics[FID].ordered() == [4.0, 5.0, 3.0] and not side.metrics[FID].lost
    assert not side.failed and not side.unfinished
    nobody = only(trained({TARGET: [None, None]})).metrics[TARGET]
    assert nobody.ordered() == [INF, INF] and not nobody.broken


def test_a_number_that_other_seeds_of_the_model_have_is_lost_where_it_cannot_be_taken() -> None:
    side = only(trained({FID: [4.0, None, 3.0], RECALL: [None, None, None]}))
    assert side.metrics[FID].ordered() == [4.0, INF, 3.0] and side.metrics[FID].lost == {1}
    assert side.metrics[RECALL].empty and not side.failed


def test_a_seed_that_reached_the_target_before_it_diverged_has_not_lost_it() -> None:
    there = [record(TARGET, 300.0, seed=1), record(FID, None, seed=1, status=Status.DIVERGED)]
    records = [*trained({TARGET: [500.0], FID: [4.0]}), *there, outcome(Status.DIVERGED, seed=1)]
    side = only(records)
    assert side.metrics[TARGET].ordered() == [500.0, 300.0]
    assert side.metrics[FID].ordered() == [4.0, INF]


def test_numbers_of_a_trial_without_an_end_stand_and_those_of_one_that_was_stopped_do_not() -> None:
    records = [*trained({FID: [1.0]}), record(FID, 2.0, seed=1), record(FID, 3.0, seed=2)]
    side = only([*records, outcome(Status.INTERRUPTED, seed=2)])
    assert side.metrics[FID].values == {0: 1.0, 1: 2.0} and side.unfinished == {1, 2}


def test_a_trial_without_an_end_that_was_evaluated_on_the_way_is_unfinished() -> None:
    done = trained({FID: [1.0, 2.0], COST: [9.0, 9.0]})
    going = trial({FID: 7.0, COST: 4.0}, ended=False, seed=2, step=50)
    side = only([*done, *going])
    assert side.unfinished == {2} and side.metrics[FID].ordered() == [1.0, 2.0]
    assert side.metrics[COST].measured == (Measured(9.0, None),)


def test_a_number_of_the_cohort_is_a_measurement_not_a_seed() -> None:
    side = only(trained({}, cohort={SPEED: [(100.0, 4.0)]})).metrics[SPEED]
    assert side.measured == (Measured(100.0, 4.0),)
    assert not side.values and not side.seeds and not side.empty


def test_of_a_cohort_that_was_trained_in_parts_the_widest_count() -> None:
    parts = [
        record(SPEED, value, seed=None, trial=str(n), lanes=lanes)
        for n, (lanes, value) in enumerate([(2, 100.0), (1, 55.0), (2, 110.0)])
    ]
    assert only(parts).metrics[SPEED].measured == (Measured(105.0, None),)
    known = [replace(part, error=2.0) for part in parts]
    assert only(known).metrics[SPEED].measured == (Measured(105.0, 7.0),)  # as far as they lie apart
    uneven = [replace(each, error=error) for each, error in zip(known, (1.0, 9.0, 3.0), strict=True)]
    assert only(uneven).metrics[SPEED].measured == (Measured(105.0, 8.0),)  # the worse one of the two


def test_a_part_that_was_not_measured_does_not_hide_those_that_were() -> None:
    parts = [
        record(SPEED, None, seed=None, trial="whole", lanes=4, status=Status.FAILED),
        record(SPEED, 100.0, seed=None, trial="half", lanes=2),
    ]
    assert only(parts).metrics[SPEED].measured == (Measured(100.0, None),)


def test_a_cohort_that_was_not_measured_says_why_and_whether_it_is_broken() -> None:
    for status, broken in ((Status.FAILED, True), (Status.SKIPPED, False), (Status.INTERRUPTED, False)):
        side = only([record(SPEED, None, seed=None, status=status)]).metrics[SPEED]
        assert side.empty and side.broken is broken and side.reason == f"{status} for a reason".lower()


def test_what_lanes_cost_is_one_measurement_a_run() -> None:
    first = trained({COST: [10.0, 10.0, 13.0]})
    second = trained({COST: [20.0]}, run="again", seeds=[5], trial="other")
    assert only(first).metrics[COST].measured == (Measured(10.0, None),)
    assert only([*first, *second]).metrics[COST].measured == (Measured(10.0, None), Measured(20.0, None))


def test_runs_of_other_seeds_are_pooled() -> None:
    first = trained({FID: [1.0, 2.0]}, cohort={SPEED: [(100.0, None)]})
    second = trained({FID: [3.0, 4.0]}, run="more", seeds=[2, 3], cohort={SPEED: [(90.0, None)]})
    side = only([*first, *second])
    assert side.metrics[FID].values == {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0}
    assert [one.value for one in side.metrics[SPEED].measured] == [100.0, 90.0]
    assert side.metrics[FID] == only([*second, *first]).metrics[FID]


def test_a_trial_that_two_runs_hold_counts_once_but_its_measurements_of_time_both() -> None:
    first = trained({FID: [1.0, 2.0], COST: [10.0, 10.0]}, cohort={SPEED: [(100.0, None)]})
    again = trained({FID: [1.0, 2.0], COST: [12.0, 12.0]}, run="again", cohort={SPEED: [(90.0, None)]})
    side = only([*first, *again])
    assert side.metrics[FID].values == {0: 1.0, 1: 2.0}
    assert [one.value for one in side.metrics[SPEED].measured] == [100.0, 90.0]
    assert [one.value for one in side.metrics[COST].measured] == [10.0, 12.0]
    assert only([*first, *first]) == only(first)  # the same run, named twice, is no repetition


@pytest.mark.parametrize("status", [Status.INTERRUPTED, Status.SKIPPED])
def test_of_a_trial_that_two_runs_hold_the_one_that_came_to_an_end_counts(status: Status) -> None:
    stopped = trained({FID: [1.0, 2.0]}, endings={1: status})
    whole = trained({FID: [3.0]}, run="again", seeds=[1])
    for records in ([*stopped, *whole], [*whole, *stopped]):
        side = only(records)
        assert side.metrics[FID].values == {0: 1.0, 1: 3.0} and not side.unfinished
    lost = trained({FID: [3.0]}, run="again", seeds=[1], endings={1: Status.DIVERGED})
    assert only([*stopped, *lost]).metrics[FID].ordered() == [1.0, INF]


def test_a_trial_that_ended_twice_counts_as_in_the_run_that_is_named_first() -> None:
    lost = trained({FID: [1.0, 2.0]}, endings={1: Status.FAILED})
    whole = trained({FID: [3.0]}, run="again", seeds=[1])
    assert only([*lost, *whole]).metrics[FID].ordered() == [1.0, INF]
    assert only([*whole, *lost]).metrics[FID].ordered() == [1.0, 3.0]


def test_different_trials_of_one_seed_cannot_be_pooled() -> None:
    first = trained({FID: [1.0, 2.0]})
    other = trained({FID: [3.0]}, run="longer", seeds=[1], trial="another")
    with pytest.raises(RecordError, match="runs base and longer hold different trials of gan with seed 1"):
        sides([*first, *other])
    # nor where one of them has not come to an end
    going = changed(trial({FID: 3.0}, ended=False, seed=1), run="longer", trial="another")
    with pytest.raises(RecordError, match="cannot be pooled"):
        sides([*first, *going])


def test_the_same_seed_of_other_models_or_datasets_is_no_conflict() -> None:
    first = trained({FID: [1.0]})
    vae = trained({FID: [3.0]}, run="more", model="vae")
    mnist = trained({FID: [3.0]}, run="more", dataset="mnist", trial="another")
    assert len(sides([*first, *vae, *mnist])) == 3


def test_what_was_measured_on_the_way_or_before_a_resume_does_not_count() -> None:
    on_the_way = [record(FID, 9.0, seed=0, step=50), record(COST, 5.0, seed=0, step=50)]
    given_up = [*on_the_way, outcome(Status.INTERRUPTED, seed=0, step=50)]
    side = only([*given_up, *on_the_way, *trained({FID: [1.0], COST: [10.0]})])
    assert side.metrics[FID].ordered() == [1.0]
    assert side.metrics[COST].measured == (Measured(10.0, None),)
    assert not side.unfinished


@given(st.permutations(range(5)), st.randoms(use_true_random=False))
def test_a_side_does_not_depend_on_which_seed_finished_first(
    order: list[int], shuffler: random.Random
) -> None:
    ends = {1: Status.DIVERGED, 3: Status.INTERRUPTED}
    trials = [
        trial({FID: float(n), TARGET: None if n == 4 else 9.0}, ends.get(n, Status.DONE), seed=n)
        for n in range(5)
    ]
    straight = only([each for one in trials for each in one])
    left = {seed: list(trials[seed]) for seed in order}
    mixed = []
    while left:  # lanes are trained together, so that their records are interleaved too
        seed = shuffler.choice(list(left))
        mixed.append(left[seed].pop(0))
        if not left[seed]:
            del left[seed]
    side = only(mixed)
    assert side.metrics == straight.metrics and side.ended == straight.ended


def one(metric: str = FID, **change: object) -> Side:
    whole = Side(metric, "", Better.LOWER, {0: 1.0}, frozenset(), ())
    return replace(whole, **change)  # type: ignore[arg-type]


def stamps(**values: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(value.split()) for name, value in values.items()}


@pytest.mark.parametrize(
    ("base", "new", "told"),
    [
        ({}, {}, ""),
        (stamps(n="5"), stamps(n="5"), ""),
        (stamps(n="5"), stamps(n="6"), "n 5 and 6"),
        (stamps(n="5"), {}, "n 5 and not stated"),
        ({}, stamps(n="5"), "n not stated and 5"),
        (stamps(n="5 6"), stamps(n="5"), "n differs within base (5, 6)"),
        (stamps(n="5"), stamps(n="5 6"), "n differs within new (5, 6)"),
        (stamps(n="5 6"), stamps(n="5 6"), "n differs within base (5, 6), n differs within new (5, 6)"),
        (stamps(n="5", k="1"), stamps(n="6", k="2"), "n 5 and 6, k 1 and 2"),
    ],
)
def test_a_mismatch_says_what_differs(
    base: dict[str, frozenset[str]], new: dict[str, frozenset[str]], told: str
) -> None:
    found = mismatch(one(stamps=base), one(stamps=new))
    assert told in found and bool(found) == bool(told)


def test_another_unit_or_direction_is_a_mismatch() -> None:
    assert mismatch(one(unit="s"), one(unit="ms")) == "unit or direction (s lower, ms lower)"
    assert mismatch(one(), one(better=Better.HIGHER)) == "unit or direction (none lower, none higher)"


def test_stamps_are_protocol_and_versions_but_not_the_models() -> None:
    found = only(stamped(trained({FID: [1.0]}), fallback_for="mnist")).metrics[FID].stamps
    assert found.keys() == {
        "precision", "batch size", "n real", "n fake", "reference", "extractor",
        "metric version", "features version", "data version",
    }  # fmt: skip
    assert found["batch size"] == {"64"}
    yes = only(stamped(trained({FID: [1.0]}), compiled=True)).metrics[FID].stamps
    assert yes["compiled"] == {"yes"}


def test_stamps_are_those_of_the_numbers_not_of_what_is_missing() -> None:
    records = trained({FID: [1.0, 2.0, 3.0]}, endings={1: Status.DIVERGED})
    missing = [each for each in records if each.metric == FID and each.value is None]
    assert missing and "n_fake" not in missing[0].protocol
    assert only(records).metrics[FID].stamps == only(trained({FID: [1.0]})).metrics[FID].stamps
    too_few = stamped(trained({FID: [None]}, seeds=[3]), [FID], n_fake=2)
    assert only([*records, *too_few]).metrics[FID].stamps["n fake"] == {"500"}


def test_pooled_runs_with_other_protocols_show_both() -> None:
    first = trained({FID: [1.0]})
    second = stamped(trained({FID: [2.0]}, run="more", seeds=[1]), [FID], n_fake=50)
    assert only([*first, *second]).metrics[FID].stamps["n fake"] == {"500", "50"}


def test_made_columns_are_alike_enough_to_real_ones() -> None:
    """The tests of comparisons lean on them: numbers are stamped with more than what is missing."""
    assert COLUMNS[FID].protocol and COLUMNS[FID].versions
    assert "device" in COLUMNS[SPEED].protocol and "device" not in COLUMNS["throughput.utilization"].protocol
    assert Column().better is Better.LOWER
