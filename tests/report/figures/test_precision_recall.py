import numpy as np
from made_scopes import control, scope_of, trained
from matplotlib.collections import PathCollection

from genbench.report.figures.precision_recall import precision_recall

MODEL = {"quality.precision": [0.5, 0.6, 0.7], "quality.recall": [0.1, 0.2, 0.3]}
REAL = {"quality.precision": [0.9] * 3, "quality.recall": [0.8] * 3}


def test_recall_across_and_precision_up_with_intervals_both_ways():
    plot = precision_recall(scope_of(trained("gan", MODEL) + control("real", REAL)))
    (axes,) = plot.figure.axes
    (marks,) = (c for c in axes.collections if isinstance(c, PathCollection))
    assert np.allclose(marks.get_offsets(), [[0.2, 0.6], [0.8, 0.9]])
    across, up = axes.collections[0].get_segments()[:2]
    assert np.allclose(across, [[0.1, 0.6], [0.3, 0.6]]) and np.allclose(up, [[0.2, 0.5], [0.2, 0.7]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recall ↑", "precision ↑")
    corner = next(line for line in axes.lines if line.get_linestyle() == ":")
    assert corner.get_xydata()[1].tolist() == [0.8, 0.9]
    assert {"gan", "real"} <= {text.get_text() for text in plot.figure.texts}
    medians = plot.frame[plot.frame["model"] == "gan"].set_index("metric")["value"]
    assert medians.to_dict() == {"quality.recall": 0.2, "quality.precision": 0.6}


def test_density_and_coverage_are_a_second_panel_and_density_may_exceed_one():
    numbers = MODEL | {"quality.density": [1.4, 1.5, 1.6], "quality.coverage": [0.9] * 3}
    figure = precision_recall(scope_of(trained("gan", numbers))).figure
    assert [axes.get_ylabel() for axes in figure.axes] == ["precision ↑", "density ↑"]
    assert figure.axes[1].get_ylim()[1] > 1.6


def test_a_model_with_one_of_the_two_is_left_out():
    half = trained("vae", {"quality.precision": [0.5]}) + trained("wgan", {"quality.recall": [0.5]})
    (axes,) = precision_recall(scope_of(trained("gan", MODEL) + half)).figure.axes
    (marks,) = (c for c in axes.collections if isinstance(c, PathCollection))
    assert np.allclose(marks.get_offsets(), [[0.2, 0.6]])


def test_one_without_the_other_is_no_figure():
    assert precision_recall(scope_of(trained("gan", {"quality.precision": [0.5]}))) is None
