"""Which records count: the final ones in tables, the others in the course of training."""

from itertools import product

import pytest

from genbench.analyse.standing import Spot, courses, current, last_attempts
from genbench.analyse.summary import summarise
from genbench.core.record import OUTCOME, Better, Record, Status


def record(
    step: int, value: float | None, *, seed: int | None = 0, metric: str = "quality.fid", **change
) -> Record:
    content: dict[str, object] = {
        "run": "r", "suite": "s", "trial": f"t{seed}", "model": "gan", "dataset": "digits", "unit": "",
        "error": None, "better": Better.LOWER, "n": 10, "lanes": 1, "status": Status.DONE,
        "reason": "" if value is not None else "why", "env": "e", "code": "c", "at": "now",
    }  # fmt: skip
    return Record(**{**content, "step": step, "value": value, "seed": seed, "metric": metric, **change})


def ended(step: int, seed: int = 0, status: Status = Status.DONE) -> Record:
    return record(step, float(step), seed=seed, metric=OUTCOME, better=Better.NEITHER, status=status)


def evaluated(step: int, value: float | None, seed: int = 0, seconds: float = 1.0) -> list[Record]:
    return [record(step, seconds, seed=seed, metric="cost.seconds"), record(step, value, seed=seed)]


def fid(records: list[Record]) -> list[tuple[int, float | None]]:
    return [(r.step, r.value) for r in current(records) if r.metric == "quality.fid"]


def test_the_step_of_the_end_counts_and_nothing_from_the_way() -> None:
    way = [*evaluated(500, 30.0), *evaluated(1000, 20.0)]
    assert fid([*way, *evaluated(1500, 25.0), ended(1500)]) == [(1500, 25.0)]


def test_a_lane_that_diverges_has_no_number_though_it_had_some_on_the_way() -> None:
    lost = record(812, None, status=Status.DIVERGED)
    records = [*evaluated(500, 30.0), lost, ended(812, status=Status.DIVERGED)]
    assert fid(records) == [(812, None)]
    (row,) = summarise(records)[0].rows
    assert row.cells["quality.fid"].estimate is None and row.counts.diverged == 1


def test_what_a_resumed_run_repeats_counts_the_last_time() -> None:
    first = [
        *evaluated(500, 30.0),
        *evaluated(1000, 20.0),
        record(1010, None),
        ended(1010, status=Status.INTERRUPTED),
    ]
    assert fid(first) == [(1010, None)]
    again = [*evaluated(500, 31.0), *evaluated(1000, 21.0), *evaluated(1500, 11.0), ended(1500)]
    assert fid([*first, *again]) == [(1500, 11.0)]
    (spots,) = courses([*first, *again], "quality.fid").values()
    assert [(spot.step, spot.values) for spot in spots] == [(500, (31.0,)), (1000, (21.0,)), (1500, (11.0,))]
    # and one that ends earlier than the attempt before it: nothing of that one is left
    early = [*evaluated(500, 9.0), *evaluated(500, 9.0), ended(500)]
    assert fid([*evaluated(1500, 50.0), ended(1500, status=Status.FAILED), *early]) == [(500, 9.0)]
    assert courses([*evaluated(1500, 50.0), *early], "quality.fid") == {
        "gan": (Spot(500, (9.0,), {"cost.seconds": 1.0}),)
    }


def test_an_end_counts_only_until_the_trial_is_begun_again() -> None:
    stopped = [*evaluated(500, None), ended(500, status=Status.INTERRUPTED)]
    again = evaluated(500, 12.0)  # and killed then, or looked at while it goes on
    late = [*evaluated(500, 30.0), *evaluated(1000, 20.0), record(1010, None), ended(1010)]
    for first in (stopped, late):
        found = current([*first, *again])
        assert [(r.metric, r.step, r.value, r.status) for r in found] == [
            ("cost.seconds", 500, None, Status.INTERRUPTED),
            ("quality.fid", 500, None, Status.INTERRUPTED),
        ]
        (row,) = summarise([*first, *again])[0].rows
        assert (row.counts.asked, row.counts.unfinished, row.counts.interrupted) == (1, 1, 0)
        assert courses([*first, *again], "quality.fid") == {
            "gan": (Spot(500, (12.0,), {"cost.seconds": 1.0}),)
        }
        assert fid([*first, *again, ended(500)]) == [(500, 12.0)]
    # without evaluations on the way the new attempt is not taken for one of them
    failed = [*evaluated(500, None), ended(500, status=Status.FAILED)]
    assert fid([*failed, record(2000, 7.0)]) == [(2000, 7.0)]


def test_an_interrupted_trial_that_is_continued_keeps_what_it_had() -> None:
    had = [*evaluated(500, 30.0), *evaluated(1000, 20.0)]
    cut = [record(1010, None, status=Status.INTERRUPTED), ended(1010, status=Status.INTERRUPTED)]
    went_on = [*evaluated(1500, 10.0), record(2000, 7.0), ended(2000)]
    assert fid([*had, *cut]) == [(1010, None)]
    straight = [*had, *went_on]
    assert current([*had, *cut, *went_on]) == current(straight)
    assert courses([*had, *cut, *went_on], "quality.fid") == courses(straight, "quality.fid")
    assert last_attempts([*had, *cut, *cut, *went_on]) == straight  # twice, too
    # a failed one is begun again, whatever was continued before
    failed = [*had, *cut, ended(1500, status=Status.FAILED)]
    assert last_attempts([*failed, *straight]) == straight


def test_a_trial_that_was_killed_on_the_way_has_no_final_number() -> None:
    records = [
        *evaluated(500, 30.0),
        *evaluated(500, 12.0, seed=1),
        *evaluated(900, 6.0, seed=1),
        ended(900, seed=1),
    ]
    assert [r.value for r in current(records) if r.metric == "quality.fid"] == [None, 6.0]
    (row,) = summarise(records)[0].rows
    cell = row.cells["quality.fid"]
    assert cell.estimate is not None and (cell.estimate.median, cell.estimate.n) == (6.0, 1)
    assert cell.reasons == (
        "interrupted (seed 0): cut short, or still in training, after the evaluation at step 500",
    )
    assert (row.counts.unfinished, row.counts.done) == (1, 1)


@pytest.mark.parametrize(
    ("status", "stands"),
    [(Status.DONE, True), (Status.FAILED, True), (Status.DIVERGED, False), (Status.TIMEOUT, False),
     (Status.INTERRUPTED, False), (Status.SKIPPED, False)],
)  # fmt: skip
def test_of_a_trial_that_was_stopped_there_is_no_histogram_over_modes(status: Status, stands: bool) -> None:
    lacking = record(100, None, metric="quality.elbo", status=Status.SKIPPED)
    records = [record(100, 0.5, metric="mode_share.3"), lacking, record(100, 9.0), ended(100, status=status)]
    other = [record(100, 0.25, metric="mode_share.3", seed=1), ended(100, 1)]
    shares = [(r.seed, r.value) for r in current([*records, *other]) if r.metric == "mode_share.3"]
    assert shares == [(0, 0.5)] * stands + [(1, 0.25)]
    assert fid(records) == [(100, 9.0)]


def test_numbers_of_cohorts_and_control_rows_stand_as_written_last() -> None:
    shared = [
        record(step, 7.0, seed=None, metric="throughput.compile_s", trial="cohort") for step in (900, 500)
    ]
    control = [record(0, 1.0, model="real", seed=seed, trial=f"real{seed}") for seed in (0, 1)]
    assert [(r.step, r.model) for r in current([*shared, *control])] == [
        (500, "gan"),
        (0, "real"),
        (0, "real"),
    ]
    assert courses([*shared, *control], "throughput.compile_s") == {}


def test_a_course_has_a_spot_a_step_with_the_seeds_that_were_there() -> None:
    records = [
        *evaluated(500, 30.0, 0, seconds=2.0),
        *evaluated(500, 10.0, 1, seconds=4.0),
        *evaluated(1000, 8.0, 0, seconds=5.0),
        *evaluated(1000, None, 1, seconds=99.0),
    ]
    assert courses(records, "quality.fid")["gan"] == (
        Spot(500, (30.0, 10.0), {"cost.seconds": 3.0}),
        Spot(1000, (8.0,), {"cost.seconds": 5.0}),
    )
    assert courses(records, "quality.kid") == {}
    # the last record of a number stands, also where it says that there is none
    assert courses([*records, record(1000, None)], "quality.fid")["gan"][1:] == ()
    again = courses([*records, record(500, 99.0)], "quality.fid")["gan"][0]
    assert sorted(again.values) == [10.0, 99.0]


@pytest.mark.parametrize("step", [0, 100])
def test_records_of_before_have_one_step_and_stand(step: int) -> None:
    assert fid([record(step, 3.0), record(step, 4.0)]) == [(step, 4.0)]


def test_what_lanes_cost_has_no_interval_over_seeds() -> None:
    records = [
        r for seed in range(4) for r in (*evaluated(100, 9.0 + seed, seed, seconds=2.0), ended(100, seed))
    ]
    (row,) = summarise(records)[0].rows
    spent, quality = row.cells["cost.seconds"].estimate, row.cells["quality.fid"].estimate
    assert spent and quality and quality.low is not None
    assert (spent.median, spent.low, spent.high, spent.n, spent.over) == (2.0, None, None, 4, "measurement")


def test_what_was_measured_of_a_cohort_stands_though_it_was_interrupted_later() -> None:
    def of_cohort(step: int, value: float | None, **change: object) -> Record:
        return record(step, value, seed=None, trial="cohort", metric="throughput.warmup_s", **change)

    cut = of_cohort(0, None, status=Status.INTERRUPTED)
    measured = of_cohort(64, 2.5)
    for records in ([measured, cut], [cut, measured], [cut, measured, cut]):
        assert [r.value for r in current(records)] == [2.5]
    assert [r.value for r in current([cut, cut])] == [None]
    assert [r.value for r in current([measured, of_cohort(64, 3.5)])] == [3.5]


def counting(events: str, seed: int) -> list[Record]:
    """One trial: d a number, i a number that an interrupt cost, D I F the outcome."""
    status = {
        "d": Status.DONE,
        "i": Status.INTERRUPTED,
        "D": Status.DONE,
        "I": Status.INTERRUPTED,
        "F": Status.FAILED,
    }
    return [
        record(place, 1.0 if event == "d" else None, seed=seed, status=status[event],
               metric=OUTCOME if event.isupper() else "quality.fid")
        for place, event in enumerate(events)
    ]  # fmt: skip


def attempts_that_count(trial: list[Record]) -> list[Record]:
    """The definition of ``last_attempts``, one record after the other."""
    counted: list[Record] = []
    end: Status | None = None
    for one in trial:
        if end in (Status.DONE, Status.FAILED) and one.status is Status.INTERRUPTED:
            continue  # a signal right after the end
        if end is Status.INTERRUPTED:
            counted = [earlier for earlier in counted if earlier.status is not Status.INTERRUPTED]
        elif end is not None:
            counted = []
        counted.append(one)
        end = one.status if one.metric == OUTCOME else None
    return counted


def test_of_all_attempts_the_last_counts_by_its_definition() -> None:
    sequences = ["".join(events) for length in range(1, 5) for events in product("diDIF", repeat=length)]
    for events in sequences:
        trial = counting(events, 0)
        assert last_attempts(trial) == attempts_that_count(trial), events
    # trials do not mix, whatever the order in which they write
    one, other = counting("dDidD", 0), counting("diIdD", 1)
    mixed = [each for pair in zip(one, other, strict=True) for each in pair]
    kept = last_attempts(mixed)
    for trial in (one, other):
        assert [r for r in kept if r.seed == trial[0].seed] == attempts_that_count(trial)
