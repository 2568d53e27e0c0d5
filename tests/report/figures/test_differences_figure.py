from dataclasses import replace

import numpy as np
import pytest
from made_scopes import scope_of, trained

from genbench.analyse.compare import compare_models
from genbench.report.figures.differences import differences

FD = "quality.fid"
NEAR, FAR = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], [3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7]


def words(axes):
    return [text.get_text() for text in axes.texts]


@pytest.fixture(scope="module")
def records():
    return trained("a", {FD: NEAR}) + trained("b", {FD: FAR}) + trained("c", {FD: NEAR[::-1]})


def test_all_pairs_with_shift_verdict_and_direction(records):
    plot = differences(scope_of(records))
    (axes,) = plot.figure.axes
    frame = plot.frame.set_index(["model", "minus"])
    assert list(frame.index) == [("b", "a"), ("c", "a"), ("c", "b")]
    assert frame.loc[("b", "a"), "difference"] == pytest.approx(2.0)
    assert frame["verdict"].tolist()[::2] == ["WORSE", "BETTER"]
    (row,) = (r for r in compare_models(records, models=["a", "b"]).rows if r.metric == FD)
    same = frame.loc[("b", "a")]
    assert (same["low"], same["high"], same["margin"], same["p"]) == pytest.approx(
        (row.difference.low, row.difference.high, row.margin, row.p)
    )
    assert same["adjusted"] > row.adjusted  # corrected for three pairs
    assert axes.get_xlabel() == "difference in FD\n← better"
    assert {"b − a", "WORSE", "BETTER"} <= set(words(axes))


def test_of_many_models_each_is_compared_with_the_leader_and_corrected_for_all_pairs(records):
    more = [r for extra in "defg" for r in trained(extra, {FD: [value + 0.01 for value in FAR]})]
    plot = differences(scope_of(records + more))
    assert set(plot.frame["minus"]) == {"a"} and len(plot.frame) == 6
    assert "not corrected, so one may leave zero out beside UNSURE" in plot.caption
    assert "differences from a" in plot.title and "has the best median" in plot.caption
    row = plot.frame.set_index("model").loc["b"]
    # a model of another protocol is compared with none, and takes no part in the correction
    odd = trained("odd", {FD: [value + 9 for value in FAR]}, protocol={"n_fake": 9})
    frame = differences(scope_of(records + more + odd)).frame.set_index("model")
    assert frame.loc["odd", "verdict"] == "INCOMPARABLE" and np.isnan(frame.loc["odd", "difference"])
    assert frame.loc["b", "adjusted"] == row["adjusted"]
    assert row["adjusted"] == pytest.approx(21 * row["p"], rel=0.5) and row["adjusted"] > 6 * row["p"]


def test_a_lost_seed_is_an_arrow_at_the_edge(records):
    few = trained("a", {FD: NEAR[:4]}) + trained("lost", {FD: NEAR[:4]}, lost=[4, 5])
    plot = differences(scope_of(few))
    assert plot.frame["high"].tolist() == [float("inf")]
    axes = plot.figure.axes[0]
    edge = axes.get_xlim()[1]
    assert any(line.get_marker() == ">" and line.get_xdata()[0] == edge for line in axes.lines)


def test_higher_is_better_says_so():
    plot = differences(
        scope_of(trained("a", {"known_modes.covered": NEAR}) + trained("b", {"known_modes.covered": FAR}))
    )
    assert plot.figure.axes[0].get_xlabel().endswith("better →")
    assert plot.frame["verdict"].tolist() == ["BETTER"]


def test_a_quick_run_and_a_lone_model_have_no_differences(records):
    assert differences(scope_of([replace(r, protocol={"quick": True}) for r in records])) is None
    assert differences(scope_of(trained("a", {FD: NEAR}))) is None
    assert differences(scope_of(trained("a", {}, lost=[0]))) is None
