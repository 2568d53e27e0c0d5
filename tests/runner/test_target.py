"""A target: what it takes each lane to be good enough, and an early end of the training."""

from dataclasses import replace

import pytest

from genbench.analyse.standing import current
from genbench.core.errors import SuiteError
from genbench.core.record import OUTCOME, Better, Column, Status
from genbench.measures.evidence import Reading
from genbench.runner.cost import Price, Spent
from genbench.runner.job import run
from genbench.runner.preview import preview
from genbench.runner.target import Goal, Track

FID = Column("quality.fid", "", Better.LOWER)
PRICE = Price(images=16, flops=10, lanes=2, device="here")
ASK = ("train.steps=20", "samples=40", "train.evaluate_every=5", 'measures=["throughput", "modes"]')


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda records, folder: None)
    monkeypatch.setattr("genbench.runner.job.write_report", lambda directory: None)
    monkeypatch.setattr("genbench.runner.control_rows.CONTROL_SEEDS", 1)


def seen(track, *values):
    """Let lane 0 have these values at steps 500, 1000, ..."""
    for number, value in enumerate(values, start=1):
        reason = "" if value is not None else "none"
        track.see(
            0, Reading(track.goal.column, value, reason=reason), Spent(500 * number, 2.0 * number, 16, 10)
        )
    return {reading.column.metric: reading for reading in track.readings(0, PRICE)}


def test_the_first_evaluation_that_is_good_enough_counts():
    track = Track(Goal(FID, 10.0, stop=True))
    readings = seen(track, 30.0, None, 10.0, 50.0, 5.0)
    assert [readings[f"target.{what}"].value for what in ("steps", "seconds", "images")] == [1500, 6.0, 16]
    assert {r.n for r in readings.values()} == {1}
    assert {r.protocol["target"] for r in readings.values()} == {"quality.fid ≤ 10"}
    assert (
        readings["target.seconds"].protocol["lanes"] == 2 and "lanes" not in readings["target.steps"].protocol
    )


def test_higher_may_be_better():
    track = Track(Goal(replace(FID, better=Better.HIGHER), 0.8, stop=True))
    assert seen(track, 0.5)["target.steps"].reason == "not reached: best 0.5 at step 500"
    assert not track.may_end([True])
    assert seen(track, 0.5, 0.9)["target.steps"].value == 1000
    assert track.may_end([True]) and track.may_end([True, False]) and not track.may_end([True, True])
    assert not track.may_end([False])  # a lost cohort ends of itself


def test_a_lane_that_never_got_there_says_how_near_it_came():
    goal = Goal(FID, 10.0, stop=False)
    assert {r.reason for r in seen(Track(goal), 14.0, 12.345, 13.0).values()} == {
        "not reached: best 12.3 at step 1,000"
    }
    assert {r.reason for r in seen(Track(goal), None).values()} == {
        "not reached: the metric had no value at any evaluation"
    }
    there = Track(goal)
    seen(there, 1.0)
    assert not there.may_end([True])  # it was not asked to stop
    assert not Track(None).may_end([True]) and not list(Track(None).readings(0, PRICE))


@pytest.mark.parametrize(
    ("metric", "value", "message"),
    [
        ("modes.covred", "3", r"target\.metric: unknown metric of this suite 'modes\.covred'\. Did you mean"),
        ("quality.fid", "3", r"target\.metric: unknown .*Valid: modes\..*add that one to `measures`"),
        (
            "throughput.compile_s",
            "3",
            r"target\.metric: .* belongs to a whole cohort .*Choose one of modes\.",
        ),
        ("modes.entropy", "-3", r"target\.value: modes\.entropy is at least 0.* \(got -3\)"),
    ],
)
def test_a_wrong_target_is_told_before_data_is_looked_for(
    tiny_suite, monkeypatch, tmp_path, metric, value, message
):
    def looked(suite):
        raise AssertionError("data was loaded")

    monkeypatch.setattr("genbench.runner.job.load_datasets", looked)
    suite = tiny_suite(*ASK, f"target.metric={metric}", f"target.value={value}")
    with pytest.raises(SuiteError, match=message):
        run(suite, out=tmp_path)
    with pytest.raises(SuiteError, match=message):
        list(preview(suite, "cpu"))
    assert not list(tmp_path.iterdir())


def test_a_metric_without_a_direction_is_no_target(tiny_suite, monkeypatch, tmp_path):
    from genbench.measures.modes import Modes

    first, *rest = Modes.columns
    monkeypatch.setattr(Modes, "columns", (replace(first, better=Better.NEITHER), *rest))
    suite = tiny_suite(*ASK, f"target.metric={first.metric}", "target.value=1")
    with pytest.raises(SuiteError, match=r"target\.metric: .* has no better direction"):
        run(suite, out=tmp_path)


def test_a_dry_run_tells_of_the_target(tiny_suite):
    suite = tiny_suite(*ASK, "target.metric=modes.kl", "target.value=0.1", "target.stop=true")
    ends = "training of a model ends where all its seeds are there"
    assert f"evaluated every 5 steps, target modes.kl ≤ 0.1; {ends}" in list(preview(suite, "cpu"))


@pytest.fixture
def falling(monkeypatch):
    """A measure whose number is known: 10 at step 5, 9 at step 10 and so on; one seed is a look behind."""
    from genbench.measures.modes import Modes

    looks = {}

    def take(self, evidence):
        if evidence.bounds is None:  # a control row
            return
        pair = looks.setdefault("all", [])
        pair.append(evidence)
        lane, number = (len(pair) - 1) % 2, (len(pair) - 1) // 2
        yield Reading(Modes.columns[-1], 10.0 - number + lane, n=1)

    monkeypatch.setattr(Modes, "__call__", take)
    return Modes.columns[-1].metric


def taken(result, metric):
    return [(r.seed, r.step, r.value) for r in result.records if r.metric == metric and r.model == "vae"]


@pytest.mark.run
def test_training_ends_where_every_lane_is_there(tiny_suite, told, falling, ends, tmp_path):
    target = (f"target.metric={falling}", "target.value=9", "target.stop=true")
    result = run(tiny_suite(*ASK, *target, only=["vae"]), out=tmp_path, reporter=told)
    assert taken(result, "target.steps") == [(0, 15, 10.0), (1, 15, 15.0)]
    assert taken(result, "target.images") == [(0, 15, 160.0), (1, 15, 240.0)]
    seconds = {seed: value for seed, _, value in taken(result, "target.seconds")}
    spent = [value for seed, _, value in taken(result, "cost.seconds") if seed == 0]
    assert (seconds[0], seconds[1]) == (spent[1], spent[2])
    assert [(r.seed, r.step, r.status) for r in result.records if r.metric == OUTCOME] == [
        (0, 15, Status.DONE),
        (1, 15, Status.DONE),
    ]
    # what was measured at the step where training ended is not measured again
    assert taken(result, falling) == [
        (seed, step, 11.0 - step / 5 + seed) for step in (5, 10, 15) for seed in (0, 1)
    ]
    final = {(r.seed, r.value) for r in current(result.records) if r.metric == falling and r.model == "vae"}
    assert final == {(0, 8.0), (1, 9.0)}
    assert any("every lane has reached" in text and "step 15" in text for text in told.notes)
    tables = result.directory.tables.read_text()
    assert "what one lane cost until the target" in tables and "steps 15" in tables
    from genbench.store.frame import to_frame

    assert to_frame(result.records)["protocol.target"].dropna().nunique() == 1


@pytest.mark.run
def test_without_stop_training_goes_on_and_what_is_never_reached_says_so(tiny_suite, told, falling, tmp_path):
    target = (f"target.metric={falling}", "target.value=7.5")
    result = run(tiny_suite(*ASK, *target, only=["vae"]), out=tmp_path, reporter=told)
    assert taken(result, "target.steps") == [(0, 20, 20.0), (1, 20, None)]
    (missing,) = [r for r in result.records if r.metric == "target.steps" and r.seed == 1]
    assert (missing.status, missing.reason) == (Status.SKIPPED, "not reached: best 8 at step 20")
    assert not {r.model for r in result.records if r.metric.startswith("target.")} - {"vae"}


@pytest.mark.run
def test_what_failed_at_an_early_end_is_part_of_the_outcome(
    tiny_suite, told, falling, monkeypatch, ends, tmp_path
):
    from genbench.measures.modes import Modes
    from genbench.measures.quality import Quality

    looks = []

    def broken(self, evidence):
        looks.append(evidence)
        raise ZeroDivisionError("no features")
        yield

    monkeypatch.setattr(Quality, "__call__", broken)
    assert falling == Modes.columns[-1].metric
    target = (f"target.metric={falling}", "target.value=20", "target.stop=true")
    suite = tiny_suite(*ASK, *target, 'measures=["modes", "quality"]', only=["vae"])
    result = run(suite, out=tmp_path, reporter=told)
    assert sum(evidence.bounds is not None for evidence in looks) == 2  # both lanes, once
    assert [(r.step, r.status, r.reason) for r in result.records if r.metric == OUTCOME] == [
        (5, Status.FAILED, "measures failed: Quality")
    ] * 2
