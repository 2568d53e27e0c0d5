import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.analyse.effect import Shift, paired_shift, shift
from genbench.analyse.needed import (
    MOST,
    pairs_for_a_difference,
    seeds_for_a_difference,
    seeds_for_sameness,
)
from genbench.analyse.significance import mann_whitney, seeds_to_reach, sign_flip

INF = math.inf
ALPHAS = (0.05, 0.05 / 10, 0.01 / 40)
NORMAL = [NormalDist().inv_cdf((i + 0.5) / 60) for i in range(60)]
"""A sample that is as normal as can be, so that the effect that is seen is the true one."""


def moved(by: float) -> list[float]:
    return [x + by for x in NORMAL]


def power(rejects: Callable[[np.random.Generator], bool], tries: int) -> float:
    draw = np.random.default_rng(21)
    return float(np.mean([rejects(draw) for _ in range(tries)]))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("by", [0.8, 1.2])
@pytest.mark.run
def test_with_so_many_seeds_four_of_five_experiments_find_the_difference(by: float, alpha: float) -> None:
    n = seeds_for_a_difference(NORMAL, moved(by), alpha)
    assert n is not None

    def found(draw: np.random.Generator) -> bool:
        base, new = draw.standard_normal((2, n))
        return mann_whitney(base.tolist(), (new + by).tolist()) <= alpha

    assert 0.7 <= power(found, 400) <= 0.95


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("by", [0.4, 0.7])
@pytest.mark.run
def test_with_so_many_pairs_four_of_five_experiments_find_the_difference(by: float, alpha: float) -> None:
    n = pairs_for_a_difference(moved(by), alpha)
    assert n is not None

    def found(draw: np.random.Generator) -> bool:
        return sign_flip((draw.standard_normal(n) + by).tolist()) <= alpha

    assert 0.7 <= power(found, 400) <= 0.95


@pytest.mark.parametrize("by", [1.0, 2.0, 4.0])
@pytest.mark.run
def test_for_large_differences_it_errs_towards_more_seeds_but_not_twice_as_many(by: float) -> None:
    n, pairs = seeds_for_a_difference(NORMAL, moved(2 * by), 0.05), pairs_for_a_difference(moved(by), 0.05)
    assert n is not None and pairs is not None

    def unpaired(draw: np.random.Generator, n: int) -> bool:
        base, new = draw.standard_normal((2, n))
        return mann_whitney(base.tolist(), (new + 2 * by).tolist()) <= 0.05

    def paired(draw: np.random.Generator, n: int) -> bool:
        return sign_flip((draw.standard_normal(n) + by).tolist()) <= 0.05

    assert power(lambda draw: unpaired(draw, n), 200) >= 0.75
    assert power(lambda draw: paired(draw, pairs), 200) >= 0.75
    assert n // 2 < 4 or power(lambda draw: unpaired(draw, n // 2), 200) < 0.8
    assert pairs // 2 < 6 or power(lambda draw: paired(draw, pairs // 2), 200) < 0.8


Sameness = Callable[[np.random.Generator, int, float], Shift]


def unpaired(draw: np.random.Generator, n: int, by: float) -> Shift:
    base, new = draw.standard_normal((2, n))
    return shift(base.tolist(), (new + by).tolist())


def paired(draw: np.random.Generator, n: int, by: float) -> Shift:
    return paired_shift((draw.standard_normal(n) + by).tolist())


# Half a 95 % interval of many seeds, times their root: the shift's standard error is 2 % above the mean's.
HALF = {unpaired: 1.96 * math.sqrt(2 * math.pi / 3), paired: 1.96 * math.sqrt(math.pi / 3)}


@pytest.mark.parametrize("kind", [unpaired, paired])
@pytest.mark.parametrize(
    ("by", "margin"),
    [
        (0.3, 0.8),
        (0.5, 0.9),
        (-0.3, 0.8),
        (0.0, 0.7),
        (0.0, 0.5),
    ],
)
@pytest.mark.run
def test_with_so_many_seeds_four_of_five_experiments_see_that_there_is_no_difference(
    kind: Sameness, by: float, margin: float
) -> None:
    half = HALF[kind] / math.sqrt(50)
    n = seeds_for_sameness(Shift(by, by - half, by + half), 50, margin, least=6)
    assert n is not None
    seen = power(lambda draw: kind(draw, n, by).within(margin), 250 if n < 40 else 150)
    assert 0.68 <= seen <= 0.95


def test_how_many_seeds_by_hand() -> None:
    z = (1.959964 + 0.841621) ** 2
    half_apart = [0.0, 2.0], [1.0, 3.0]  # better with a probability of 3/4
    assert seeds_for_a_difference(*half_apart, 0.05) == math.ceil(z / (6 * 0.25**2)) == 21
    assert seeds_for_a_difference(*half_apart[::-1], 0.05) == 21
    assert pairs_for_a_difference([3.0, 2.0, -1.0], 0.05) is not None  # sums 5, 2 and 1: all above 0
    assert pairs_for_a_difference([3.0, 2.0, -1.0], 0.05) == math.ceil(z / (3 * 0.5**2)) == 11
    assert pairs_for_a_difference([1.0, 2.0, -3.0, 4.0], 0.05) == math.ceil(z / (3 * (4 / 6 - 0.5) ** 2))
    # twice as near to the margin takes four times as many
    near, far = (seeds_for_sameness(Shift(by, by - 1, by + 1), 100, 3.0, 6) for by in (2.0, 1.0))
    assert far is not None and near is not None and near / far == pytest.approx(4, rel=0.05)


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, INF]), min_size=1, max_size=8),
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, INF]), min_size=1, max_size=8),
    st.sampled_from(ALPHAS),
)
def test_it_never_says_fewer_seeds_than_can_reach_alpha_and_knows_no_sides(
    base: list[float], new: list[float], alpha: float
) -> None:
    n = seeds_for_a_difference(base, new, alpha)
    assert n is None or seeds_to_reach(alpha, paired=False) <= n <= MOST
    assert seeds_for_a_difference(new, base, alpha) == pytest.approx(n, abs=1)
    differences = [y - x for x, y in zip(base, new, strict=False) if x != y]
    pairs = pairs_for_a_difference(differences, alpha)
    assert pairs is None or seeds_to_reach(alpha, paired=True) <= pairs <= MOST


def test_separate_sides_need_what_can_reach_alpha_at_all_or_little_more() -> None:
    assert seeds_for_a_difference([1.0], [INF], 0.05) in range(4, 7)
    assert seeds_for_a_difference([1.0], [INF], 1.0) == 1
    assert pairs_for_a_difference([1.0, 2.0], 0.5) in range(2, 5)
    z = NormalDist().inv_cdf(1 - 5e-10) + 0.841621
    least, most = seeds_to_reach(1e-9, paired=False), math.ceil(z**2 / (6 * 0.5**2))
    assert seeds_for_a_difference([1.0, 2.0], [3.0, 4.0], 1e-9) in range(least, most + 1)
    assert seeds_for_sameness(Shift(0.0, -1e-3, 1e-3), 6, 1.0, least=6) == 6


@pytest.mark.parametrize(
    ("base", "new"),
    [([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), ([1.0], [1.0]), ([INF], [INF]), ([1.0, 4.0], [2.0, 3.0])],
)
def test_of_no_difference_no_number_of_seeds_can_be_told(base: list[float], new: list[float]) -> None:
    assert seeds_for_a_difference(base, new, 0.05) is None


@pytest.mark.parametrize(
    "differences",
    [[], [1.0], [0.0, 0.0], [1.0, -1.0], [INF, -INF]],
)
def test_of_pairs_without_a_lean_no_number_can_be_told(differences: list[float]) -> None:
    assert pairs_for_a_difference(differences, 0.05) is None


def test_a_seed_lost_on_one_side_and_another_on_the_other_cancel() -> None:
    differences = [INF, -INF, 1.0, 2.0, 3.0, 4.0, -1.0]
    there = pairs_for_a_difference(differences, 0.05)
    assert there == pairs_for_a_difference([-d for d in differences], 0.05)


def test_beyond_a_thousand_seeds_no_number_is_given() -> None:
    hardly = [float(i) for i in range(200)], [i + 0.6 for i in range(200)]
    assert seeds_for_a_difference(*hardly, 0.05) is None
    assert pairs_for_a_difference([1.0] * 51 + [-1.0] * 50, 0.05) is None
    assert seeds_for_sameness(Shift(0.9, -0.1, 1.9), 10, 1.0, 6) is None
    # and the last one that is given: by each formula, solved for what it is of
    normal, power = NormalDist(), NormalDist().inv_cdf(0.8)
    reach, ends = normal.inv_cdf(0.975), normal.inv_cdf(0.9)
    for n, told in ((999.5, MOST), (1000.5, None)):
        half = reach / (reach + ends) * math.sqrt(n / 1000)
        assert seeds_for_sameness(Shift(0.0, -half, half), 1000, 1.0, 6) == told
        alpha = 2 * (1 - normal.cdf(math.sqrt(6 * n) * 0.025 - power))  # of a probability of 0.525
        assert seeds_for_a_difference([0.0], [1.0] * 21 + [-1.0] * 19, alpha) == told
    assert seeds_for_sameness(Shift(0.8, -0.2, 1.8), 10, 1.0, 6) == 511


@pytest.mark.parametrize(
    ("seen", "margin", "n"),
    [
        (Shift(1.0, 0.5, 1.5), 1.0, None),  # no room: it may as well be a difference
        (Shift(-2.0, -3.0, -1.0), 1.0, None),
        (Shift(0.0, -1.0, 1.0), 0.0, None),
        (Shift(INF, 1.0, INF), 1.0, None),
        (Shift(0.0, -1.0, INF), 1.0, None),
        (Shift(0.0, -INF, INF), 1.0, None),
        (Shift(0.0, None, None), 1.0, 6),  # nothing but the fewest that have an interval can be told
        (Shift(0.5, None, None), 0.1, None),
        (Shift(0.0, 0.0, 0.0), 1.0, 6),
    ],
)
def test_sameness_at_its_edges(seen: Shift, margin: float, n: int | None) -> None:
    assert seeds_for_sameness(seen, 10, margin, least=6) == n
