import random
from statistics import fmean, median
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genbench.analyse import estimates
from genbench.analyse.estimates import Statistic, centre, interval_over_seeds

STATISTICS: tuple[Statistic, ...] = get_args(Statistic)
MEANS: tuple[Statistic, ...] = ("iqm", "mean")


def middle_half(values: list[float]) -> float:
    """The interquartile mean without a library: a quarter of the values, rounded down, goes at either end."""
    cut = len(values) // 4
    return fmean(sorted(values)[cut : len(values) - cut])


@pytest.mark.parametrize(
    ("values", "iqm"),
    [
        ([7], 7),
        ([1, 3], 2),
        ([0, 0, 9], 3),  # of three no whole value is a quarter
        ([100, 1, 2, 0], 1.5),
        ([100, 1, 2, 3, 0], 2),
        ([100, 1, 2, 3, 4, 0], 2.5),
        ([100, 1, 2, 3, 4, 5, -9], 3),
        ([100, 90, 1, 2, 3, 6, 0, -9], 3),
        ([*range(16)], 7.5),
    ],
)
def test_the_interquartile_mean_by_hand(values: list[float], iqm: float) -> None:
    assert centre(values, "iqm") == pytest.approx(iqm)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_centres_do_not_depend_on_the_order_of_seeds(values: list[float], shuffler: random.Random) -> None:
    mixed = shuffler.sample(values, len(values))
    for statistic, plain in zip(STATISTICS, (median, middle_half, fmean), strict=True):
        assert centre(values, statistic) == centre(mixed, statistic)
        assert centre(values, statistic) == pytest.approx(plain(values), rel=1e-9, abs=1e-6)


@given(
    st.lists(st.integers(-2000, 2000).map(float), min_size=3, max_size=12, unique=True),
    st.randoms(use_true_random=False),
    st.sampled_from(STATISTICS),
)
def test_intervals_hold_their_centre_and_do_not_depend_on_the_order_of_seeds(
    values: list[float], shuffler: random.Random, statistic: Statistic
) -> None:
    found = interval_over_seeds(values, statistic)
    assert found == interval_over_seeds(shuffler.sample(values, len(values)), statistic)
    assert found is not None
    assert min(values) <= found[0] <= centre(values, statistic) <= found[1] <= max(values)


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("n", [3, 4, 5, 8, 30])
def test_equal_values_have_an_interval_of_no_width(statistic: Statistic, n: int) -> None:
    assert interval_over_seeds([0.1] * n, statistic) == (centre([0.1] * n, statistic),) * 2
    assert centre([0.1] * n, statistic) == pytest.approx(0.1)


def test_one_value_that_differs_is_an_end_of_the_interval() -> None:
    # two or three of three draws are the odd one in 7 of 27 cases, which is more than 2.5 %
    assert interval_over_seeds([1.0, 2.0, 2.0], "median") == (1.0, 2.0)
    assert interval_over_seeds([1.0, 1.0, 2.0], "median") == (1.0, 2.0)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_fewer_than_three_values_have_no_interval(statistic: Statistic) -> None:
    assert interval_over_seeds([], statistic) is None
    assert interval_over_seeds([1.0], statistic) is None
    assert interval_over_seeds([1.0, 2.0], statistic) is None
    assert interval_over_seeds([1.0, 2.0, 4.0], statistic) is not None


# What training gives: nearly all seeds agree on a number that is bounded, and one does not.
AGREED = [[10.0] * 7 + [9.0], [10.0] * 4 + [9.0], [0.0] * 9 + [1.0], [10.0] * 15 + [8.0, 9.0]]


@pytest.mark.parametrize("values", AGREED)
@pytest.mark.parametrize(
    "statistic",
    [
        "median",
        "mean",
        "iqm",
    ],
)
@pytest.mark.filterwarnings("error")
def test_seeds_that_nearly_all_agree_have_an_interval_of_numbers(
    values: list[float], statistic: Statistic
) -> None:
    found = interval_over_seeds(values, statistic)
    assert found is not None
    assert min(values) <= found[0] <= centre(values, statistic) <= found[1] <= max(values)


def trimmed(values: np.ndarray, axis: int = -1) -> np.ndarray:
    cut = values.shape[axis] // 4
    kept = np.take(np.sort(values, axis=axis), range(cut, values.shape[axis] - cut), axis=axis)
    return kept.mean(axis=axis)


@pytest.mark.parametrize("n", [4, 7, 16])
@pytest.mark.parametrize(("statistic", "function"), [("mean", np.mean), ("iqm", trimmed)])
def test_means_have_scipys_bca_interval(statistic: Statistic, function: object, n: int) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    theirs = stats.bootstrap(  # drawn otherwise and more often: they differ by what resampling leaves open
        (values,),
        function,
        n_resamples=40_000,
        method="BCa",
        random_state=np.random.default_rng(1),
    ).confidence_interval
    found = interval_over_seeds(values.tolist(), statistic)
    assert found == pytest.approx((theirs.low, theirs.high), abs=0.03 * float(np.ptp(values)))


def by_hand_bca(values: np.ndarray, resamples: int) -> tuple[float, float]:
    """The mean's interval after Efron 1987, equations 3.8 and 6.6, without a library of bootstraps."""
    draw, n = np.random.default_rng(2), len(values)
    means = np.sort(values[draw.integers(0, n, (resamples, n))].mean(axis=1))
    bias = stats.norm.ppf(np.mean(means < values.mean()))
    left_out = np.array([np.delete(values, i).mean() for i in range(n)])
    away = left_out.mean() - left_out
    acceleration = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    z = bias + stats.norm.ppf([0.025, 0.975])
    low, high = stats.norm.cdf(bias + z / (1 - acceleration * z))
    return float(np.quantile(means, low)), float(np.quantile(means, high))


def test_the_interval_of_a_mean_is_bias_corrected_and_accelerated() -> None:
    values = np.random.default_rng(3).lognormal(size=20)
    found = interval_over_seeds(values.tolist(), "mean")
    assert found == pytest.approx(by_hand_bca(values, 40_000), rel=0.03)
    plain = np.quantile(
        values[np.random.default_rng(4).integers(0, 20, (40_000, 20))].mean(axis=1), [0.025, 0.975]
    )
    assert found is not None
    assert found[1] > 1.05 * plain[1]  # for skewed values that reaches further up than percentiles do


def test_the_interval_of_a_median_is_of_percentiles() -> None:
    values = np.random.default_rng(5).lognormal(sigma=1.2, size=12)
    resampled = values[np.random.default_rng(6).integers(0, 12, (40_000, 12))]
    plain = np.quantile(np.median(resampled, axis=1), [0.025, 0.975])
    assert interval_over_seeds(values.tolist(), "median") == pytest.approx(tuple(plain), rel=0.05)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_intervals_go_along_with_the_unit(statistic: Statistic) -> None:
    values = np.random.default_rng(7).standard_normal(9)
    low, high = interval_over_seeds(values.tolist(), statistic) or (0.0, 0.0)
    assert interval_over_seeds((1024 * values).tolist(), statistic) == (1024 * low, 1024 * high)
    # where the unit rounds, a resample that is just the sample may come to lie below or above its mean
    other = interval_over_seeds((1000 * values + 5).tolist(), statistic)
    assert other == pytest.approx((1000 * low + 5, 1000 * high + 5), abs=20 * (high - low))


@pytest.mark.parametrize("statistic", MEANS)
@pytest.mark.run
def test_intervals_of_means_hold_the_truth_nearly_as_often_as_they_say(
    statistic: Statistic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimates, "_RESAMPLES", 999)
    draw, held = np.random.default_rng(8), []
    for _ in range(250):
        low, high = interval_over_seeds(draw.standard_normal(20).tolist(), statistic) or (1.0, -1.0)
        held.append(low <= 0 <= high)
    assert 0.87 <= np.mean(held) <= 0.985
