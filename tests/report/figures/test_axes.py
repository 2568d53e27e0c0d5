"""Limits and ticks of axes: which numbers stand where, and what they say."""

import pytest
from matplotlib.figure import Figure

from genbench.report.figures.axes import few_ticks, scale


@pytest.fixture
def axes():
    return Figure(figsize=(4, 3)).add_subplot()


def labels(axes, way):
    """Labels of the ticks in sight, by their place."""
    axis = axes.xaxis if way == "x" else axes.yaxis
    axes.figure.draw_without_rendering()
    low, high = axis.get_view_interval()
    ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return {float(at): label.get_text() for at, label in ticks if low <= at <= high}


@pytest.mark.parametrize(
    ("values", "zero", "limits"),
    [
        ((2, 4), False, (1.86, 4.14)),  # 7 % of the range on either side
        ((2, 4), True, (0, 4.28)),
        ((-4, -2), True, (-4.28, 0)),
        ((-5, 5), True, (-5.7, 5.7)),
        ((3, 3), False, (2.85, 3.15)),
        ((0, 0), True, (0, 1)),
        ((), False, (-0.07, 1.07)),
        ((1, 20), False, (-0.33, 21.33)),
        ((0, 1e300), False, (-7e148, 1.07e150)),  # beyond any axis
    ],
)
@pytest.mark.parametrize("way", ["x", "y"])
def test_an_axis_holds_its_numbers_with_a_margin(axes, way, values, zero, limits):
    scale(axes, way, values, zero=zero)
    assert (axes.get_xlim() if way == "x" else axes.get_ylim()) == pytest.approx(limits)
    assert (axes.get_xscale() if way == "x" else axes.get_yscale()) == "linear"


@pytest.mark.parametrize(
    ("values", "log", "ticks"),
    [
        ((1, 20.5), None, {1: "1", 3: "3", 10: "10"}),
        ((1, 3), True, {1: "1", 2: "2"}),
        ((1e-5, 1e-3), None, {1e-5: "1e-5", 1e-4: "1e-4", 1e-3: "0.001"}),
        ((3, 9e6), None, {100: "100", 1e4: "10k", 1e6: "1M"}),
    ],
)
def test_numbers_far_apart_stand_on_a_logarithmic_axis(axes, values, log, ticks):
    scale(axes, "y", values, log)
    low, high = axes.get_ylim()
    factor = max(1.05, (values[1] / values[0]) ** 0.07)
    assert axes.get_yscale() == "log" and (low, high) == pytest.approx(
        (values[0] / factor, values[1] * factor)
    )
    found = labels(axes, "y")
    assert [*found] == pytest.approx([*ticks]) and [*found.values()] == [*ticks.values()]


@pytest.mark.parametrize(
    ("high", "ticks"),
    [
        (5, {0: "0", 2: "2", 4: "4"}),
        (50_000, {0: "0", 20_000: "20k", 40_000: "40k"}),
        (3e6, {0: "0", 1e6: "1M", 2e6: "2M", 3e6: "3M"}),
    ],
)
def test_large_numbers_have_a_prefix(axes, high, ticks):
    axes.set_xlim(0, high)
    few_ticks(axes, "x")
    assert labels(axes, "x") == ticks


def test_whole_numbers_have_ticks_at_whole_numbers(axes):
    scale(axes, "x", [1, 2])
    assert labels(axes, "x") == {1: "1", 2: "2"}
