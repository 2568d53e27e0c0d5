import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.analyse.effect import Shift
from genbench.analyse.estimates import Estimate
from genbench.report.numbers import prefix_of, show, show_p, show_shift


@pytest.mark.parametrize(
    ("median", "low", "high", "text"),
    [
        (12.3456, 11.0123, 14.0987, "12.3 [11.0, 14.1]"),
        (0.0123456, 0.0112, 0.0131, "0.0123 [0.0112, 0.0131]"),
        (1234.5, 1100.0, 1500.0, "1230 [1100, 1500]"),
        (10.0, 8.0, 10.0, "10 [8, 10]"),  # whole numbers stay whole
        (10.0, 10.0, 10.0, "10 [10, 10]"),
        (0.5, 0.5, 0.5, "0.500 [0.500, 0.500]"),
        (0.2239281, 0.2239281 - 1e-14, 0.2239281, "0.224 [0.224, 0.224]"),  # the same but for rounding
        (-95.24, -96.0, -94.1, "-95.2 [-96.0, -94.1]"),
        (0.0, -0.001, 0.05, "0.000 [-0.001, 0.050]"),
        (-0.00001, -0.04, 0.05, "0.000 [-0.040, 0.050]"),  # no minus zero
        (0.00081, 0.00062, 0.00094, "0.00081 [0.00062, 0.00094]"),  # as short as 8.1e-04
        (0.00046, 0.000084, 0.00056, "0.00046 [0.00008, 0.00056]"),
        (2e-5, 1e-5, 3e-5, "2.0e-05 [1.0e-05, 3.0e-05]"),
        (0.0, 0.0, 0.0, "0 [0, 0]"),
    ],
)
def test_rounded_by_the_width_of_the_interval(median: float, low: float, high: float, text: str) -> None:
    assert str(show(Estimate(median, low, high, 5))) == text


def test_an_interval_may_have_no_upper_end() -> None:
    assert str(show(Estimate(1500.0, 500.0, None, 5))) == "1500 [500, –]"
    assert str(show(Estimate(12.3456, 11.0123, None, 5))) == "12.3 [11.0, –]"
    assert str(show(Estimate(0.5, 0.5, None, 5))) == "0.500 [0.500, –]"
    assert str(show(Estimate(172_800.0, 170_300.0, None, 5), "k")) == "172.8k [170.3k, –]"


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(100.123, 1.234, "100.1 ± 1.2"), (3.21, None, "3.21"), (812.0, None, "812"), (0.97123, None, "0.971"),
     (0.0, None, "0"), (649.6, None, "650"), (1e-5, None, "1.0e-05"), (5.0, 0.0, "5 ± 0")],
)  # fmt: skip
def test_one_measurement(value: float, error: float | None, text: str) -> None:
    low, high = (None, None) if error is None else (value - error, value + error)
    assert str(show(Estimate(value, low, high, 1, over="measurement"))) == text


def test_a_column_has_one_prefix() -> None:
    fast = Estimate(172_800.0, 170_300.0, 175_300.0, 1, over="measurement")
    speeds = [fast, Estimate(98_800.0, None, None, 1)]
    prefix = prefix_of([*speeds, None])
    assert prefix == "k"
    assert [str(show(speed, prefix)) for speed in speeds] == ["172.8k ± 2.5k", "98.8k"]
    assert prefix_of([Estimate(9.0, None, None, 1), fast]) == ""
    assert prefix_of([None]) == prefix_of([]) == ""
    assert str(show(Estimate(7.61e8, None, None, 1), prefix_of([Estimate(7.61e8, None, None, 1)]))) == "761M"


@pytest.mark.parametrize("least", [20_000.0, 8.1e300])
def test_numbers_beyond_all_prefixes_have_none(least: float) -> None:
    prefix = prefix_of([Estimate(least, None, None, 1), Estimate(8.1e300, None, None, 1)])
    assert prefix == ("k" if least < 1e21 else "")
    assert str(show(Estimate(8.1e300, 7e300, 9e300, 5), prefix)) == "8.1e+300 [7.0e+300, 9.0e+300]"
    assert str(show_shift(Shift(8.1e300, 7e300, INFINITE), prefix)) == "+8.1e+300 [7.0e+300, ∞]"


@given(st.floats(-1e30, 1e30), st.floats(0, 1e30), st.floats(0, 1e30))
def test_any_finite_number_can_be_shown(median: float, below: float, above: float) -> None:
    estimate = Estimate(median, median - below, median + above, 5)
    shown = show(estimate, prefix_of([estimate]))
    assert "nan" not in str(shown) and "inf" not in str(shown)
    bare = show(Estimate(median, None, None, 1)).value
    assert math.isclose(float(bare), median, rel_tol=0.06, abs_tol=1e-12)


INFINITE = math.inf


@pytest.mark.parametrize(
    ("estimate", "low", "high", "text"),
    [
        (3.14159, 2.0, 4.41, "+3.1 [2.0, 4.4]"),
        (-19.155, -19.97, -18.3, "-19.2 [-20.0, -18.3]"),
        (0.0, 0.0, 0.0, "0 [0, 0]"),
        (0.0001, -0.3, 0.4, "0.00 [-0.30, 0.40]"),  # what is rounded away has no sign
        (1e-5, -1e-5, 3e-5, "+1.0e-05 [-1.0e-05, 3.0e-05]"),
        (0.25, None, None, "+0.250"),
        (2.1, 1.33, INFINITE, "+2.10 [1.33, ∞]"),
        (INFINITE, 2.0, INFINITE, "+∞ [2, ∞]"),
        (-INFINITE, -INFINITE, -INFINITE, "-∞ [-∞, -∞]"),
        (INFINITE, None, None, "+∞"),
        (1e-5, 0.0, INFINITE, "+1.0e-05 [0.0e+00, ∞]"),
    ],
)
def test_differences_have_a_sign_and_may_be_infinite(
    estimate: float, low: float | None, high: float | None, text: str
) -> None:
    assert str(show_shift(Shift(estimate, low, high))) == text


def test_a_difference_shares_the_prefix_of_its_row() -> None:
    assert str(show_shift(Shift(322.6, -282.0, 927.3), "k")) == "+0.3k [-0.3k, 0.9k]"
    assert str(show_shift(Shift(1.0, -282.0, 927.3), "k")) == "0.0k [-0.3k, 0.9k]"


@pytest.mark.parametrize(
    ("p", "text"),
    [(1.0, "1"), (0.4812, "0.48"), (0.1, "0.10"), (0.0999, "0.100"), (0.0173, "0.017"), (0.00216, "0.002"),
     (0.001, "0.001"), (0.00093, "< 0.001"), (1e-12, "< 0.001")],
)  # fmt: skip
def test_probabilities(p: float, text: str) -> None:
    assert show_p(p) == text
