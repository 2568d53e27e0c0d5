import random
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.analyse.estimates import Estimate, coverage_of_range, estimate_over_seeds
from genbench.analyse.standing import current
from genbench.analyse.summary import Summary, summarise
from genbench.core.record import OUTCOME, Better, Record, Status


def record(**change: object) -> Record:
    trial = f"{change.get('model', 'gan')}-{change.get('seed', 0)}"
    content: dict[str, object] = {
        "run": "r", "suite": "s", "trial": trial, "model": "gan", "dataset": "digits", "seed": 0, "step": 100,
        "metric": "quality.fid", "value": 1.0, "error": None, "unit": "", "better": Better.LOWER, "n": 10,
        "lanes": 1, "status": Status.DONE, "reason": "", "env": "e", "code": "c", "at": "now",
    }  # fmt: skip
    return Record(**{**content, **change})  # type: ignore[arg-type]


def outcome(seed: int, status: Status = Status.DONE, reason: str = "", **change: object) -> Record:
    return record(metric=OUTCOME, seed=seed, status=status, reason=reason, better=Better.NEITHER, **change)


def only(records: list[Record]) -> Summary:
    (summary,) = summarise(records)
    return summary


def test_a_control_has_no_trials() -> None:
    (row,) = only([record(model="real", seed=seed) for seed in range(3)]).rows
    assert row.control and set(asdict(row.counts).values()) == {0}


def test_median_over_seeds_with_the_range_as_interval_of_five() -> None:
    estimate = estimate_over_seeds([5.0, 1.0, 9.0, 2.0, 3.0])
    assert estimate == Estimate(3.0, 1.0, 9.0, 5)


def test_fewer_than_three_seeds_have_no_interval() -> None:
    assert estimate_over_seeds([1.0]) == Estimate(1.0, None, None, 1)
    assert estimate_over_seeds([1.0, 2.0]) == Estimate(1.5, None, None, 2)
    assert estimate_over_seeds([1.0, 2.0, 3.0]).low is not None


def test_equal_values_give_an_interval_of_no_width() -> None:
    assert estimate_over_seeds([10.0] * 4) == Estimate(10.0, 10.0, 10.0, 4)


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=12), st.randoms(use_true_random=False))
def test_interval_is_ordered_and_does_not_depend_on_the_order_of_seeds(
    values: list[float], shuffler: random.Random
) -> None:
    estimate = estimate_over_seeds(values)
    shuffled = list(values)
    shuffler.shuffle(shuffled)
    assert estimate_over_seeds(shuffled) == estimate
    assert estimate.low is not None and estimate.high is not None
    assert min(values) <= estimate.low <= estimate.median <= estimate.high <= max(values)


@pytest.mark.run
def test_interval_holds_the_true_median_as_often_as_it_says() -> None:
    draw = np.random.default_rng(7)
    for n in (4, 20):
        held = []
        for _ in range(150):
            estimate = estimate_over_seeds(draw.standard_normal(n).tolist())
            assert estimate.low is not None and estimate.high is not None
            held.append(estimate.low <= 0 <= estimate.high)
        wanted = coverage_of_range(n) if n < 6 else 0.95
        assert np.mean(held) == pytest.approx(wanted, abs=0.06)


def test_coverage_of_range() -> None:
    assert [coverage_of_range(n) for n in (1, 2, 5)] == [0.0, 0.5, 0.9375]


def test_a_diverged_lane_is_counted_and_has_no_value() -> None:
    records = [record(seed=seed, value=float(seed)) for seed in (0, 1, 3)]
    records += [outcome(0), outcome(1), outcome(2, Status.DIVERGED, "not finite at step 7"), outcome(3)]
    (row,) = only(records).rows
    assert (row.counts.asked, row.counts.done, row.counts.diverged) == (4, 3, 1)
    assert row.endings == ("diverged (seed 2): not finite at step 7",)
    cell = row.cells["quality.fid"]
    assert cell.estimate is not None and (cell.estimate.median, cell.estimate.n) == (1.0, 3)
    assert cell.reasons == ()


def test_every_way_of_ending_is_counted() -> None:
    ways = [Status.DONE, Status.FAILED, Status.DIVERGED, Status.TIMEOUT, Status.SKIPPED, Status.INTERRUPTED]
    records = [outcome(seed, status, "why") for seed, status in enumerate(ways)]
    records.append(record(seed=6, value=2.0))  # and one whose end was never written
    (row,) = only(records).rows
    counts = row.counts
    assert counts.asked == 7 and counts.unfinished == 1
    assert [getattr(counts, str(way).lower()) for way in ways] == [1] * 6
    assert row.endings[-1].startswith("unfinished: the records of 1 of 7 seeds")


def test_a_model_that_failed_wholly_keeps_its_row_and_says_why() -> None:
    records = [
        record(),
        outcome(0),
        *(outcome(s, Status.FAILED, "no memory", model="vae") for s in (0, 1, 2, 4)),
    ]
    gan, vae = only(records).rows
    assert gan.cells["quality.fid"].estimate is not None
    cell = vae.cells["quality.fid"]
    assert cell.estimate is None and cell.reasons == ("failed (seeds 0–2, 4): no memory",)
    assert OUTCOME not in vae.cells


def test_a_value_that_is_not_of_a_finished_trial_is_not_used() -> None:
    records = [record(seed=seed, value=1.0) for seed in range(3)]
    records.append(record(seed=3, value=1000.0, status=Status.TIMEOUT, reason="stopped at step 50"))
    cell = only(records).rows[0].cells["quality.fid"]
    assert cell.estimate is not None and cell.estimate.n == 3
    assert cell.reasons == ("timeout (seed 3): stopped at step 50",)


def test_a_finished_seed_without_a_value_is_said() -> None:
    records = [record(seed=0), record(seed=1, value=None, reason="too few samples")]
    records += [outcome(0), outcome(1)]
    cell = only(records).rows[0].cells["quality.fid"]
    assert cell.estimate is not None and cell.estimate.n == 1
    assert cell.reasons == ("(seed 1): too few samples",)
    silent = only([records[0], outcome(0), outcome(1)]).rows[0].cells["quality.fid"]
    assert silent.reasons == ("only 1 of 2 finished seeds have a value",)


def test_a_number_of_the_cohort_keeps_its_own_error() -> None:
    timing = {"metric": "throughput.train_images_per_s", "seed": None, "better": Better.HIGHER}
    cell = only([record(**timing, value=100.0, error=4.0)]).rows[0].cells["throughput.train_images_per_s"]
    assert cell.estimate == Estimate(100.0, 96.0, 104.0, 1, over="measurement")
    halves = [record(**timing, value=value, trial=trial) for value, trial in ((100.0, "a"), (60.0, "b"))]
    cell = only(halves).rows[0].cells["throughput.train_images_per_s"]
    assert cell.estimate == Estimate(80.0, None, None, 2)


def test_controls_come_last_in_their_own_order_and_count_no_seeds() -> None:
    names = ["noise", "wgan", "real", "gan", "collapsed"]
    rows = only([record(model=name, seed=None, error=0.1) for name in names]).rows
    assert [row.model for row in rows] == ["wgan", "gan", "real", "collapsed", "noise"]
    assert [row.control for row in rows] == [False, False, True, True, True]
    assert rows[-1].counts.asked == 0


def test_a_resumed_run_replaces_what_it_measured_again() -> None:
    records = [record(value=1.0), outcome(0, Status.INTERRUPTED, "Ctrl-C"), record(value=2.0), outcome(0)]
    assert [r.value for r in current(records) if r.metric == "quality.fid"] == [2.0]
    (row,) = only(records).rows
    assert row.counts.interrupted == 0 and row.counts.done == 1 and row.endings == ()


def test_runs_and_datasets_are_never_pooled() -> None:
    records = [record(value=1.0), record(run="r2", value=2.0), record(dataset="mnist", value=3.0)]
    found = summarise(records)
    assert [(s.run, s.dataset) for s in found] == [("r", "digits"), ("r2", "digits"), ("r", "mnist")]
    medians = [s.rows[0].cells["quality.fid"].estimate for s in found]
    assert [e.median for e in medians if e] == [1.0, 2.0, 3.0]


def test_no_records_have_no_summary() -> None:
    assert summarise([]) == ()


def test_metrics_keep_the_order_and_unit_of_their_first_record() -> None:
    records = [
        record(metric="b.x", unit="s"),
        record(metric="a.x"),
        record(metric="b.x", seed=1, unit="ms"),
    ]
    assert [(m.name, m.unit) for m in only(records).metrics] == [("b.x", "s"), ("a.x", "")]


def test_the_throughput_of_a_divided_cohort_is_that_of_its_widest_parts() -> None:
    parts = [
        record(metric="throughput.train_images_per_s", seed=None, trial=str(n), lanes=lanes, value=value)
        for n, (lanes, value) in enumerate([(2, 100.0), (2, 110.0), (1, 55.0)])
    ]
    cell = only(parts).rows[0].cells["throughput.train_images_per_s"]
    assert cell.estimate is not None
    assert (cell.estimate.median, cell.estimate.n) == (105.0, 2)


def test_what_is_skipped_alike_in_every_seed_is_said_once_without_seeds():
    nothing = {"metric": "quality.elbo", "value": None, "status": Status.SKIPPED, "reason": "No bound."}
    records = [record(), *(record(seed=seed, **nothing) for seed in range(3))]
    assert only(records).rows[0].cells["quality.elbo"].reasons == ("No bound.",)
    mixed = [*records, record(seed=3, **{**nothing, "reason": "Broken.", "status": Status.FAILED})]
    assert only(mixed).rows[0].cells["quality.elbo"].reasons == (
        "skipped (seeds 0–2): No bound.",
        "failed (seed 3): Broken.",
    )


def to_target(steps: list[float | None], metric: str = "target.steps") -> list[Record]:
    """A seed each: what it took, or ``None`` where it never got there."""
    missing = {"value": None, "status": Status.SKIPPED, "reason": "not reached: best 12 at step 2,000"}
    records = []
    for seed, value in enumerate(steps):
        given = missing if value is None else {"value": value}
        records += [record(metric=metric, seed=seed, **given), outcome(seed)]
    return records


def cell_of(records: list[Record], metric: str = "target.steps") -> tuple[Estimate | None, tuple[str, ...]]:
    cell = only(records).rows[0].cells[metric]
    return cell.estimate, cell.reasons


@pytest.mark.parametrize(
    ("steps", "median", "low", "high"),
    [
        ([500.0, 1000.0, None, 1500.0, 700.0], 1000.0, 500.0, None),
        ([500.0, 1000.0, None], 1000.0, 500.0, None),
        ([500.0, 1000.0, None, 1500.0], 1250.0, 500.0, None),
        ([1500.0] * 5, 1500.0, 1500.0, 1500.0),
        ([500.0] * 60 + [None], 500.0, 500.0, 500.0),  # so few that no interval reaches them
        ([0.002, 0.004, None], 0.004, 0.002, None),
        ([500.0] * 6 + [None] * 5, 500.0, 500.0, None),
    ],
)
def test_seeds_that_never_reached_the_target_are_later_than_all_that_did(
    steps: list[float | None], median: float, low: float, high: float | None
) -> None:
    estimate, reasons = cell_of(to_target(steps))
    assert estimate == Estimate(median, low, high, len(steps))
    never = steps.count(None)
    assert bool(reasons) == bool(never)
    if never:
        assert reasons[0] == f"reached by {len(steps) - never} of {len(steps)} seeds"
        assert "not reached: best 12 at step 2,000" in reasons[1]


@pytest.mark.parametrize("steps", [[500.0, None, None, None, None], [500.0, None], [None] * 3])
def test_a_target_that_half_of_the_seeds_never_reached_has_no_median(steps: list[float | None]) -> None:
    estimate, reasons = cell_of(to_target(steps))
    reached = len(steps) - steps.count(None)
    assert estimate is None and reasons[0] == f"reached by {reached} of {len(steps)} seeds"


def test_a_lost_seed_did_not_reach_the_target_and_of_an_interrupted_one_nobody_knows() -> None:
    lost = [
        record(metric="target.steps", seed=2, value=None, status=Status.DIVERGED, reason="not finite"),
        outcome(2, Status.DIVERGED, "not finite"),
    ]
    estimate, reasons = cell_of([*to_target([500.0, 700.0]), *lost])
    assert estimate == Estimate(700.0, 500.0, None, 3) and reasons[0] == "reached by 2 of 3 seeds"
    stopped = [
        record(metric="target.steps", seed=2, value=None, status=Status.INTERRUPTED, reason="stopped"),
        outcome(2, Status.INTERRUPTED, "stopped"),
    ]
    estimate, reasons = cell_of([*to_target([500.0, 700.0]), *stopped])
    assert estimate == Estimate(600.0, None, None, 2) and reasons == ("interrupted (seed 2): stopped",)
    assert cell_of(stopped) == (None, ("interrupted (seed 2): stopped",))


def test_only_metrics_of_the_target_count_what_is_missing_as_late() -> None:
    estimate, _ = cell_of(to_target([500.0, None, None], "quality.fid"), "quality.fid")
    assert estimate == Estimate(500.0, None, None, 1)
