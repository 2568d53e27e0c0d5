"""The share of failed seeds: who counts, the interval, the reasons; ranks and gates take it as it is."""

import pytest
from made_records import record, trained

from genbench.analyse.compare import compare_runs
from genbench.analyse.gate import Gates, judge
from genbench.analyse.rank import ranks
from genbench.analyse.row import Verdict
from genbench.analyse.sides import sides
from genbench.analyse.standing import FAILED_TRAINING
from genbench.analyse.summary import summarise
from genbench.core.record import OUTCOME, Status
from genbench.suite.schema import Gate

COLLAPSED = "collapsed: class entropy below 0.5 of what is possible"


def seeds(values, endings=None, **change):
    return trained({FAILED_TRAINING: values}, endings=endings, **change)


def cell(records):
    (summary,) = summarise(records)
    return summary.rows[0].cells[FAILED_TRAINING]


def test_no_failure_of_five_leaves_forty_three_percent_possible():
    found = cell(seeds([0.0] * 5)).estimate
    assert (found.median, found.low, found.n) == (0.0, 0.0, 5)
    assert found.high == pytest.approx(0.43448, abs=1e-5)
    assert cell(seeds([0.0] * 5)).reasons == ()


def test_seeds_that_were_lost_have_failed_too():
    endings = {1: Status.DIVERGED, 2: Status.FAILED}
    found = cell(seeds([0.0, 0.0, 0.0, 1.0, 0.0], endings)).estimate
    assert (found.median, found.n) == (0.6, 5)
    # Wilson (1927) by hand: p = .6, n = 5, z = 1.959964
    assert (found.low, found.high) == (pytest.approx(0.2307, abs=1e-4), pytest.approx(0.8824, abs=1e-4))


def test_seeds_of_which_it_is_not_known_do_not_count():
    found = cell(seeds([0.0, None, 1.0], {0: Status.INTERRUPTED}))
    assert (found.estimate.median, found.estimate.n) == (1.0, 1)
    assert any("skipped" in reason for reason in found.reasons)


def test_a_measure_that_failed_is_no_training_that_did():
    records = seeds([0.0, 0.0], seeds=[0, 1])
    records += [
        record(FAILED_TRAINING, None, seed=2, status=Status.FAILED, reason="KeyError: no extractor"),
        record(OUTCOME, 100.0, seed=2, status=Status.FAILED, reason="measures failed: Stability"),
    ]
    found = cell(records)
    assert (found.estimate.median, found.estimate.n) == (0.0, 2)
    assert any("KeyError" in reason for reason in found.reasons)


def test_how_they_failed_is_told_with_their_seeds():
    records = [
        record(FAILED_TRAINING, value, seed=seed, reason=COLLAPSED if value else "")
        for seed, value in enumerate((0.0, 1.0, 1.0))
    ]
    records += seeds([0.0], {3: Status.DIVERGED}, seeds=[3])
    assert cell(records).reasons == (
        f"failed (seeds 1–2): {COLLAPSED}",
        "diverged (seed 3): diverged for a reason",
    )


def test_what_no_seed_has_is_a_dash_with_the_reason():
    assert cell(seeds([None, None])).estimate is None
    assert cell(seeds([None, None])).reasons == ("skipped for a reason",)
    assert cell(seeds([0.0, 0.0], dict.fromkeys((0, 1), Status.INTERRUPTED))).estimate is None


def test_a_seed_that_diverged_counts_as_one_that_collapsed_in_ranks():
    found = sides(
        [
            *seeds([0.0] * 6, model="vae"),
            *seeds([1.0] * 6, model="gan"),
            *seeds([0.0] * 6, dict.fromkeys(range(6), Status.DIVERGED), model="wgan"),
        ]
    )
    columns = {model: side.metrics[FAILED_TRAINING] for (_, model), side in found.items()}
    assert dict(columns["wgan"].values) == dict.fromkeys(range(6), 1.0) and not columns["wgan"].lost
    assert ranks(columns) == {"vae": 1, "gan": 2, "wgan": 2}
    unknown = sides(seeds([0.0, None]))[("digits", "gan")].metrics[FAILED_TRAINING]
    assert dict(unknown.values) == {0: 0.0} and not unknown.lost


@pytest.mark.parametrize("lost", [[], [0, 1], range(6)])
def test_comparisons_and_gates_take_it(lost):
    base = seeds([0.0] * 6)
    new = seeds([0.0] * 6, dict.fromkeys(lost, Status.DIVERGED), run="new")
    gates = Gates((Gate(metric=FAILED_TRAINING, at_most=0.5),))
    comparison = compare_runs(base, new, rules=gates.rules())
    judged = judge(comparison, gates)
    assert any(row.metric == FAILED_TRAINING for row in comparison.rows)
    assert bool(judged.violations) == (len(lost) > 3)


def test_no_failure_on_either_side_is_not_surely_the_same():
    comparison = compare_runs(seeds([0.0] * 5), seeds([0.0] * 5, run="new", model="gan"))
    (row,) = (row for row in comparison.rows if row.metric == FAILED_TRAINING)
    assert row.test == "shares" and row.verdict is Verdict.UNSURE and row.seeds is None
    worse = compare_runs(seeds([0.0] * 8), seeds([1.0] * 8, run="new"))
    (row,) = (row for row in worse.rows if row.metric == FAILED_TRAINING)
    assert row.verdict is Verdict.WORSE
