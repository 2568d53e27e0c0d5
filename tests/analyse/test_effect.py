import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, product
from statistics import median

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from genbench.analyse.effect import (
    Shift,
    paired_differences,
    paired_shift,
    probability_of_improvement,
    share_shift,
    shift,
    wilson,
)
from genbench.analyse.significance import mann_whitney, sign_flip
from genbench.core.record import Better

INF = math.inf
VALUE = st.integers(-40, 40).map(float)
SEEN = st.sampled_from([-INF, -1.0, 0.0, 0.5, 2.0, INF])
SIDES = {"base": st.lists(VALUE, min_size=1, max_size=7), "new": st.lists(VALUE, min_size=1, max_size=7)}


def lost(values: Sequence[float], worst: float, at: Sequence[int]) -> list[float]:
    return [worst if i in at else v for i, v in enumerate(values)]


@lru_cache
def u_by_enumeration(n: int, m: int) -> Counter[int]:
    """How often each U comes about when the ranks 0, 1, ... are divided in all ways."""
    return Counter(sum(ranks) - n * (n - 1) // 2 for ranks in combinations(range(n + m), n))


@lru_cache
def w_by_enumeration(n: int) -> Counter[int]:
    return Counter(sum(r for r, up in enumerate(ups, 1) if up) for ups in product((0, 1), repeat=n))


def cut_of(counts: Counter[int]) -> int:
    """How many of the smallest sums have together a probability of at most 2.5 %."""
    below, cut = 0, 0
    while Fraction(below + counts[cut], counts.total()) <= Fraction(25, 1000):
        below, cut = below + counts[cut], cut + 1
    return cut


def interval(ordered: Sequence[float], cut: int) -> tuple[float | None, float | None]:
    return (ordered[cut - 1], ordered[len(ordered) - cut]) if cut else (None, None)


@given(**SIDES)
def test_the_shift_and_its_interval_are_order_statistics_of_all_differences(
    base: list[float], new: list[float]
) -> None:
    found, ordered = shift(base, new), sorted(y - x for x in base for y in new)
    assert found.estimate == median(ordered)
    assert (found.low, found.high) == interval(ordered, cut_of(u_by_enumeration(len(base), len(new))))


@given(st.lists(VALUE, min_size=1, max_size=10))
def test_the_paired_shift_and_its_interval_are_order_statistics_of_all_means_in_twos(
    differences: list[float],
) -> None:
    n = len(differences)
    walsh = sorted((differences[i] + differences[j]) / 2 for i in range(n) for j in range(i, n))
    found = paired_shift(differences)
    assert found.estimate == median(walsh)
    assert (found.low, found.high) == interval(walsh, cut_of(w_by_enumeration(n)))


@pytest.mark.parametrize(
    ("n", "m", "critical"),
    [
        # critical values of U, two-sided 5 %, as tables of the test have them; -1: nothing is rejected
        (3, 3, -1), (4, 4, 0), (5, 5, 2), (6, 6, 5), (8, 8, 13), (10, 10, 23), (20, 20, 127),
        (2, 8, 0), (3, 5, 0), (5, 3, 0), (4, 9, 4), (9, 4, 4), (6, 12, 14), (1, 30, -1),
        (1, 39, 0), (39, 1, 0),  # p is 0.05 to the dot
    ],
)  # fmt: skip
def test_the_interval_begins_where_published_tables_of_mann_whitneys_test_reject(
    n: int, m: int, critical: int
) -> None:
    base, new = [float(i) for i in range(n)], [float(1000 * (j + 1)) for j in range(m)]
    ordered = sorted(y - x for x in base for y in new)
    found = shift(base, new)
    assert (found.low, found.high) == interval(ordered, critical + 1)


@pytest.mark.parametrize(
    ("n", "critical"), [(5, -1), (6, 0), (7, 2), (8, 3), (10, 8), (15, 25), (20, 52), (25, 89), (30, 137)]
)
def test_the_paired_interval_begins_where_published_tables_of_wilcoxons_test_reject(
    n: int, critical: int
) -> None:
    differences = [math.sqrt(i) for i in range(n)]
    walsh = sorted((d + e) / 2 for i, d in enumerate(differences) for e in differences[i:])
    found = paired_shift(differences)
    assert (found.low, found.high) == interval(walsh, critical + 1)


@pytest.mark.parametrize(("n", "m"), [(60, 60), (30, 120)])
def test_the_interval_of_many_seeds_is_near_to_that_of_the_normal_distribution(n: int, m: int) -> None:
    base, new = [i / 7 for i in range(n)], [j / 11 for j in range(m)]
    ordered = sorted(y - x for x in base for y in new)
    cut = int(n * m / 2 - 1.959964 * math.sqrt(n * m * (n + m + 1) / 12))
    found = shift(base, new)
    assert (found.low, found.high) == (ordered[cut - 1], ordered[-cut])


def test_the_interval_of_many_pairs_is_near_to_that_of_the_normal_distribution() -> None:
    differences = [math.sqrt(i) for i in range(120)]
    walsh = sorted((d + e) / 2 for i, d in enumerate(differences) for e in differences[i:])
    cut = int(120 * 121 / 4 - 1.959964 * math.sqrt(120 * 121 * 241 / 24))
    found = paired_shift(differences)
    assert (found.low, found.high) == (walsh[cut - 1], walsh[-cut])


@given(
    st.lists(st.integers(-300, 300), min_size=2, max_size=14, unique=True), st.integers(1, 13), st.booleans()
)
def test_without_ties_the_interval_holds_0_just_where_the_test_does_not_reject(
    values: list[int], split: int, apart: bool
) -> None:
    values = sorted(values) if apart else values
    base, new = [float(v) for v in values[:split]], [float(v) for v in values[split:]]
    assume(base and new)
    found = shift(base, new)
    if found.low is None or found.high is None:
        assert mann_whitney(base, new) > 0.05
    else:
        assert (found.low <= 0 <= found.high) == (mann_whitney(base, new) > 0.05)


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=12, unique=True),
    st.integers(0, 2**12 - 1),
    st.booleans(),
)
def test_without_ties_the_paired_interval_holds_0_just_where_the_test_does_not_reject(
    sizes: list[int], signs: int, few_down: bool
) -> None:
    signs &= signs >> 3 if few_down else signs
    differences = [float(-d if signs >> i & 1 else d) for i, d in enumerate(sizes)]
    found = paired_shift(differences)
    if found.low is None or found.high is None:
        assert sign_flip(differences) > 0.05
    else:
        assert (found.low <= 0 <= found.high) == (sign_flip(differences) > 0.05)


@given(st.lists(st.integers(-60, 60), min_size=9, max_size=13, unique=True), st.integers(-60, 60))
def test_the_interval_holds_just_the_shifts_that_the_test_would_not_reject(
    values: list[int], moved: int
) -> None:
    base, new = [float(v) for v in values[:5]], [float(v) for v in values[5:]]
    delta = moved + 0.5  # so that it ties nothing
    found = shift(base, new)
    assert found.low is not None and found.high is not None
    assert (found.low <= delta <= found.high) == (mann_whitney(base, [y - delta for y in new]) > 0.05)


Draw = Callable[[np.random.Generator, int], np.ndarray]
DRAWS: dict[str, Draw] = {
    "normal": lambda draw, n: draw.standard_normal(n),
    "skewed": lambda draw, n: draw.lognormal(sigma=1.5, size=n),
    "heavy tails": lambda draw, n: draw.standard_cauchy(n),
    "steps": lambda draw, n: np.round(draw.standard_normal(n)),  # ties
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize(("n", "m"), [(6, 5), (12, 9)])
def test_the_interval_holds_the_true_shift_as_often_as_it_says(name: str, n: int, m: int) -> None:
    draw, tries, held = np.random.default_rng(11), 700, 0
    for _ in range(tries):
        found = shift(DRAWS[name](draw, n).tolist(), (DRAWS[name](draw, m) + 3).tolist())
        assert found.low is not None and found.high is not None
        held += found.low <= 3 <= found.high
    counts = u_by_enumeration(n, m)
    wanted = 1 - 2 * sum(counts[u] for u in range(cut_of(counts))) / counts.total()
    noise = 3.5 * math.sqrt(0.05 * 0.95 / tries)
    assert wanted >= 0.95
    assert held / tries >= wanted - noise
    if name != "steps":  # without ties it is exact
        assert held / tries <= wanted + noise


@pytest.mark.parametrize("name", ["normal", "heavy tails", "steps"])
@pytest.mark.parametrize("n", [6, 11])
def test_the_paired_interval_holds_the_true_centre_as_often_as_it_says(name: str, n: int) -> None:
    draw, tries, held = np.random.default_rng(12), 1000, 0
    for _ in range(tries):
        found = paired_shift((DRAWS[name](draw, n) - 2).tolist())
        assert found.low is not None and found.high is not None
        held += found.low <= -2 <= found.high
    counts = w_by_enumeration(n)
    wanted = 1 - 2 * sum(counts[w] for w in range(cut_of(counts))) / counts.total()
    noise = 3.5 * math.sqrt(0.05 * 0.95 / tries)
    assert wanted >= 0.95
    assert held / tries >= wanted - noise
    if name != "steps":
        assert held / tries <= wanted + noise


def moved(found: Shift, by: float) -> Shift:
    assert found.low is not None and found.high is not None
    return Shift(found.estimate + by, found.low + by, found.high + by)


def mirrored(found: Shift) -> Shift:
    if found.low is None or found.high is None:
        return Shift(-found.estimate, None, None)
    return Shift(-found.estimate, -found.high, -found.low)


@given(
    st.lists(VALUE, min_size=4, max_size=8),
    st.lists(VALUE, min_size=4, max_size=8),
    st.integers(-9, 9),
    st.permutations(range(8)),
)
def test_shifts_go_along_with_the_values(
    base: list[float], new: list[float], by: int, order: list[int]
) -> None:
    found = shift(base, new)
    assert shift(base, [y + by for y in new]) == moved(found, by)
    assert shift([x + by for x in base], new) == moved(found, -by)
    assert shift(new, base) == mirrored(found)
    assert shift([-x for x in base], [-y for y in new]) == mirrored(found)
    assert shift([base[i] for i in order if i < len(base)], new) == found
    scaled = shift([4 * x for x in base], [4 * y for y in new])
    assert (scaled.estimate, scaled.low) == (4 * found.estimate, found.low and 4 * found.low)


@given(st.lists(VALUE, min_size=6, max_size=9), st.integers(-9, 9), st.permutations(range(9)))
def test_paired_shifts_go_along_with_the_values(differences: list[float], by: int, order: list[int]) -> None:
    found = paired_shift(differences)
    assert paired_shift([d + by for d in differences]) == moved(found, by)
    assert paired_shift([-d for d in differences]) == mirrored(found)
    assert paired_shift([differences[i] for i in order if i < len(differences)]) == found


@given(st.lists(st.tuples(SEEN, SEEN), min_size=1, max_size=8))
def test_lost_seeds_mirror_too_and_never_make_something_that_is_no_number(
    pairs: list[tuple[float, float]],
) -> None:
    base, new = [x for x, _ in pairs], [y for _, y in pairs]
    gaps = paired_differences(base, new)
    assert not any(math.isnan(gap) for gap in gaps)
    for there, back in (
        (shift(base, new), shift(new, base)),
        (paired_shift(gaps), paired_shift(paired_differences(new, base))),
    ):
        assert back == mirrored(there)
        numbers = [there.estimate, there.low or 0.0, there.high or 0.0]
        assert not any(math.isnan(number) for number in numbers)
        if there.low is not None and there.high is not None:
            assert there.low <= there.estimate <= there.high


@pytest.mark.parametrize(
    ("base", "new", "found"),
    [
        ([1, 2, 3, 4], [1, 2, 3, INF], Shift(0, -3, INF)),  # twelve numbers from -3 to 2, then four infinite
        ([1, 2, 3, 4], [5, INF, INF, INF], Shift(INF, 1, INF)),
        ([INF] * 4, [1, 2, 3, 4], Shift(-INF, -INF, -INF)),
        ([1, 2, 3, 4], [-INF] * 4, Shift(-INF, -INF, -INF)),
        ([INF] * 4, [INF] * 4, Shift(0, 0, 0)),  # lost alike
        ([1, INF], [1, INF], Shift(0, None, None)),  # 0, 0, -inf and inf
        ([1, 1], [-INF, INF], Shift(0, None, None)),  # its two middle ones lie without end on either side
    ],
)
def test_shifts_with_lost_seeds_by_hand(base: list[float], new: list[float], found: Shift) -> None:
    assert shift(base, new) == found


@pytest.mark.parametrize(
    ("differences", "found"),
    [
        ([1, 2, 3, 4, 5, 6], Shift(3.5, 1, 6)),
        ([1, 2, 3, 4, 5, INF], Shift(3.5, 1, INF)),  # 15 means of the five, then 6 infinite: the 11th
        ([INF, INF, INF, 1, 2, 3], Shift(INF, 1, INF)),
        ([-INF] * 6, Shift(-INF, -INF, -INF)),
        ([0] * 6, Shift(0, 0, 0)),
        ([INF, -INF], Shift(0, None, None)),
        ([2], Shift(2, None, None)),
    ],
)
def test_paired_shifts_with_lost_seeds_by_hand(differences: list[float], found: Shift) -> None:
    assert paired_shift(differences) == found


def test_a_lost_seed_makes_a_side_worse_by_more_than_any_number() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    seen = [shift(values, lost(values, INF, range(k))).estimate for k in range(8)]
    assert seen == sorted(seen) and seen[0] == 0 and seen[3] < INF and seen[4] == INF
    assert paired_differences(values, lost(values, INF, [2])) == lost([0.0] * 7, INF, [2])
    assert paired_differences(lost(values, INF, [2]), lost(values, INF, [2])) == [0.0] * 7


def test_pairs_need_two_sides_of_one_length() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired_differences([1.0], [1.0, 2.0])


def test_within_is_of_the_whole_interval_and_beyond_is_of_the_estimate() -> None:
    found = Shift(1.0, -2.0, 3.0)
    assert found.within(3.0) and not found.within(2.9)
    assert Shift(-1.0, -3.0, 2.0).within(3.0) and not Shift(-1.0, -3.0, 2.0).within(2.9)
    assert found.beyond(0.9) and not found.beyond(1.0)
    assert Shift(-1.0, -3.0, 2.0).beyond(0.9)
    assert not Shift(0.0, None, None).within(INF)
    assert Shift(0.0, 0.0, 0.0).within(0.0) and not Shift(0.0, 0.0, 0.0).beyond(0.0)
    assert not Shift(0.0, -INF, 0.0).within(1e300)


def test_the_probability_of_improvement_by_hand() -> None:
    assert probability_of_improvement([1, 2], [3, 4], Better.HIGHER) == 1.0
    assert probability_of_improvement([1, 2], [3, 4], Better.LOWER) == 0.0
    assert probability_of_improvement([1, 3], [2, 2], Better.HIGHER) == 0.5
    assert probability_of_improvement([1, 2, 3], [2, 5], Better.HIGHER) == pytest.approx((1.5 + 3) / 6)
    # the 1 ties, and beats two; each lost one ties the lost one
    seen = probability_of_improvement([1, 2, INF], [1, INF, INF], Better.LOWER)
    assert seen == pytest.approx((0.5 + 2 + 0.5 + 0.5) / 9)


@given(st.lists(SEEN, min_size=1, max_size=7), st.lists(SEEN, min_size=1, max_size=7))
def test_the_probability_of_improvement_is_u_over_its_maximum(base: list[float], new: list[float]) -> None:
    higher = probability_of_improvement(base, new, Better.HIGHER)
    assert probability_of_improvement(base, new, Better.LOWER) == pytest.approx(1 - higher)
    assert probability_of_improvement(new, base, Better.HIGHER) == pytest.approx(1 - higher)
    order = [sorted({*base, *new}).index(v) for v in (*new, *base)]  # scipy wants them finite
    u = stats.mannwhitneyu(order[: len(new)], order[len(new) :]).statistic
    assert higher == pytest.approx(u / (len(base) * len(new)))


@pytest.mark.parametrize(
    ("cases", "of", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_of_published_shares(cases: int, of: int, low: float, high: float) -> None:
    assert wilson(cases, of) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_a_share_of_nothing_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 60), st.data())
def test_wilsons_interval_solves_his_equation(of: int, data: st.DataObject) -> None:
    cases = data.draw(st.integers(0, of))
    z, share = stats.norm.isf(0.025), cases / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    assert wilson(cases, of) == pytest.approx((middle - half, middle + half), abs=1e-9)
    assert wilson(of - cases, of) == pytest.approx((1 - middle - half, 1 - middle + half), abs=1e-9)


@pytest.mark.parametrize(
    ("new", "base", "low", "high"),
    # Newcombe 1998, "Interval estimation for the difference between independent proportions", table II,
    # method 10; he takes the second share from the first
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombes_interval_of_published_shares(
    new: tuple[int, int], base: tuple[int, int], low: float, high: float
) -> None:
    found = share_shift(base, new)
    assert found.estimate == pytest.approx(new[0] / new[1] - base[0] / base[1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    back = share_shift(new, base)
    assert (back.estimate, back.low, back.high) == pytest.approx((-found.estimate, -high, -low), abs=5e-5)
