import math
import random
from collections.abc import Callable, Sequence
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genbench.analyse.significance import (
    fisher_exact,
    holm,
    mann_whitney,
    permutation_test,
    seeds_to_reach,
    sign_flip,
    smallest_p,
)

INF = math.inf
# Few different values, so that ties are the rule; a seed that was lost is infinite.
TIED = st.sampled_from([-INF, -2.0, -1.0, 0.0, 1.0, 2.0, 2.5, INF])
PS = st.lists(st.floats(0, 1), min_size=1, max_size=9)


def midranks(values: Sequence[float]) -> list[float]:
    return [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]


def share_as_far(sums: Sequence[float], observed: float) -> float:
    """Of all cases alike under the null, those at least as far from the middle as what was seen."""
    middle = sum(sums) / len(sums)
    return sum(abs(s - middle) >= abs(observed - middle) - 1e-9 for s in sums) / len(sums)


def enumerated_mann_whitney(base: Sequence[float], new: Sequence[float]) -> float:
    ranks = midranks([*base, *new])
    return share_as_far([sum(part) for part in combinations(ranks, len(base))], sum(ranks[: len(base)]))


def enumerated_sign_flip(differences: Sequence[float]) -> float:
    signed = [d for d in differences if d]
    ranks = midranks([abs(d) for d in signed])
    flips = product((0, 1), repeat=len(ranks))
    sums = [sum(r for r, up in zip(ranks, ups, strict=True) if up) for ups in flips]
    return share_as_far(sums, sum(r for r, d in zip(ranks, signed, strict=True) if d > 0))


def untied(draw: np.random.Generator, n: int) -> list[float]:
    return draw.standard_normal(n).tolist()


@given(st.lists(TIED, min_size=1, max_size=6), st.lists(TIED, min_size=1, max_size=5))
def test_mann_whitney_is_the_share_of_all_divisions_of_the_ranks_that_are_as_extreme(
    base: list[float], new: list[float]
) -> None:
    assert mann_whitney(base, new) == pytest.approx(enumerated_mann_whitney(base, new), abs=1e-12)


@given(st.lists(TIED, min_size=1, max_size=9))
def test_sign_flip_is_the_share_of_all_signs_that_are_as_extreme(differences: list[float]) -> None:
    assert sign_flip(differences) == pytest.approx(enumerated_sign_flip(differences), abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 7), (3, 3), (5, 4), (4, 9), (12, 12), (50, 50), (3, 97)])
def test_mann_whitney_without_ties_is_scipys_exact_test(n: int, m: int) -> None:
    draw = np.random.default_rng(n * m)
    for move in (0.0, 0.8):
        base, new = untied(draw, n), [x + move for x in untied(draw, m)]
        theirs = stats.mannwhitneyu(base, new, method="exact").pvalue
        assert mann_whitney(base, new) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5, 12, 40, 100])
def test_sign_flip_without_ties_is_scipys_exact_wilcoxon_test(n: int) -> None:
    draw = np.random.default_rng(n)
    for move in (0.0, 0.4):
        differences = [d + move for d in untied(draw, n)]
        theirs = stats.wilcoxon(differences, method="exact").pvalue
        assert sign_flip(differences) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("base", "new", "p"),
    [
        ([1, 2, 3, 4], [5, 6, 7, 8], 2 / 70),
        ([5, 6, 7, 8], [1, 2, 3, 4], 2 / 70),
        ([1, 2, 3], [4, 5], 2 / 10),
        ([1, 3, 5], [2, 4, 6], 14 / 20),  # rank sum 9, middle 10.5: only 10 and 11 are nearer, in 3 ways each
        ([1, 1], [1, 2], 1.0),
        ([1, 1, 1, 2], [2, 3, 3, 3], 4 / 70),  # midranks 2 2 2 | 4.5 4.5 | 7 7 7: sums 10.5, twice, or 25.5
        ([7, 7, 7], [7, 7, 7], 1.0),
        ([1, 2, 3, 4], [INF, INF, INF, INF], 2 / 70),
        ([-INF, -INF], [1, 2], 2 / 6),
        ([1, 2, 3, INF], [1, 2, 3, INF], 1.0),
        ([], [1, 2], 1.0),
        ([1, 2], [], 1.0),
    ],
)
def test_mann_whitney_by_hand(base: list[float], new: list[float], p: float) -> None:
    assert mann_whitney(base, new) == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 2, 3], 2 / 8),
        ([3, -1, 2, 4, 5], 4 / 32),  # positive ranks make 14 of 15; 15 and the mirrored 0 and 1 too
        ([1, 1, -1], 1.0),
        ([1, 1, 1, 1], 2 / 16),
        ([2, 2, 2, -1], 4 / 16),  # ranks 3 3 3 1: only sums of 10 and 9, 1 and 0 are as far
        ([0, 0, 1, 2, 3], 2 / 8),
        ([0, 0], 1.0),
        ([], 1.0),
        ([INF, INF, INF, INF, INF, INF], 2 / 64),
        ([INF, -INF], 1.0),
        ([1, 2, 3, 4, 5, -INF], 28 / 64),  # the lost seed has the highest rank: 15 of 21, middle 10.5
    ],
)
def test_sign_flip_by_hand(differences: list[float], p: float) -> None:
    assert sign_flip(differences) == pytest.approx(p, abs=1e-12)


@given(
    st.lists(TIED, min_size=1, max_size=8),
    st.lists(TIED, min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_a_rank_test_knows_neither_the_order_of_seeds_nor_which_side_is_which_nor_the_scale(
    base: list[float], new: list[float], shuffler: random.Random
) -> None:
    p = mann_whitney(base, new)
    assert 0 < p <= 1
    mixed = shuffler.sample(base, len(base))
    assert mann_whitney(mixed, new) == p
    assert mann_whitney(new, base) == pytest.approx(p, abs=1e-12)
    assert mann_whitney([-x for x in base], [-y for y in new]) == pytest.approx(p, abs=1e-12)
    squeezed = [[math.atan(3 * x) for x in side] for side in (base, new)]
    assert mann_whitney(*squeezed) == p


@given(st.lists(TIED, min_size=1, max_size=10), st.randoms(use_true_random=False))
@pytest.mark.run
def test_a_sign_test_knows_neither_the_order_of_pairs_nor_which_side_is_which(
    differences: list[float], shuffler: random.Random
) -> None:
    p = sign_flip(differences)
    assert 0 < p <= 1
    assert sign_flip(shuffler.sample(differences, len(differences))) == p
    assert sign_flip([-d for d in differences]) == p
    assert sign_flip([3 * d for d in differences]) == p


@pytest.mark.parametrize("values", [[1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 2, 3, 3, 3, 9, INF]])
def test_mann_whitney_rejects_no_true_null_more_often_than_it_says(values: list[float]) -> None:
    ps = []
    for chosen in combinations(range(8), 3):
        rest = [v for i, v in enumerate(values) if i not in chosen]
        ps.append(mann_whitney([values[i] for i in chosen], rest))
    for alpha in sorted(set(ps)):
        assert np.mean([p <= alpha for p in ps]) <= alpha + 1e-12


@pytest.mark.parametrize("sizes", [[1, 2, 3, 4, 5, 6, 7], [1, 1, 2, 2, 2, INF, INF]])
def test_sign_flip_rejects_no_true_null_more_often_than_it_says(sizes: list[float]) -> None:
    ps = [
        sign_flip([s * size for s, size in zip(signs, sizes, strict=True)])
        for signs in product((-1, 1), repeat=7)
    ]
    for alpha in sorted(set(ps)):
        assert np.mean([p <= alpha for p in ps]) <= alpha + 1e-12


@pytest.mark.parametrize("tied", [False, True])
def test_beyond_a_hundred_values_mann_whitney_is_near_to_scipys_tests(tied: bool) -> None:
    draw = np.random.default_rng(3)
    for move in (0.0, 0.3, 0.5):
        base, new = untied(draw, 51), [x + move for x in untied(draw, 50)]
        if tied:
            base, new = [round(x) for x in base], [round(x) for x in new]
        p = mann_whitney(base, new)
        assert p == pytest.approx(stats.mannwhitneyu(base, new, method="asymptotic").pvalue, rel=1e-9)
        exact = mann_whitney(base[:50], new) if tied else stats.mannwhitneyu(base, new, method="exact").pvalue
        assert p == pytest.approx(exact, abs=0.05 if tied else 0.002)


def test_beyond_a_hundred_pairs_sign_flip_is_near_to_scipys_tests() -> None:
    draw = np.random.default_rng(4)
    for move in (0.0, 0.15, 0.25):
        differences = [d + move for d in untied(draw, 101)]
        p = sign_flip(differences)
        assert p == pytest.approx(stats.wilcoxon(differences, method="approx").pvalue, rel=1e-9)
        assert p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, abs=0.003)
    tied = [round(d) for d in untied(draw, 200)]  # of which many are 0 and left out
    kept = [d for d in tied if d]
    assert len(kept) > 100
    assert sign_flip(tied) == sign_flip(kept)
    theirs = stats.wilcoxon(kept, method="approx", zero_method="wilcox").pvalue
    assert sign_flip(tied) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("n", [30, 80])
def test_lost_seeds_do_not_break_large_sides(n: int) -> None:
    assert mann_whitney([1.0] * n, [INF] * n) < 1e-12
    assert mann_whitney([INF] * n, [INF] * n) == 1.0
    assert mann_whitney([*range(n - 1), INF], [*range(n - 1), INF]) > 0.95
    assert sign_flip([INF] * 2 * n) < 1e-12


def enumerated_permutation_test(base: list[float], new: list[float]) -> float:
    """Twice the smaller tail, as scipy has it."""
    both, n = [*base, *new], len(base)
    gaps = []
    for chosen in combinations(range(len(both)), n):
        rest = [v for i, v in enumerate(both) if i not in chosen]
        gaps.append(np.mean(rest) - np.mean([both[i] for i in chosen]))
    seen = np.mean(new) - np.mean(base)
    up, down = (np.mean([s * (g - seen) >= -1e-9 for g in gaps]) for s in (1, -1))
    return min(1.0, 2 * min(up, down))


SMALL = st.integers(-4, 4).map(float)


@given(st.lists(SMALL, min_size=2, max_size=5), st.lists(SMALL, min_size=2, max_size=5))
def test_the_permutation_test_of_means_counts_out_all_divisions(base: list[float], new: list[float]) -> None:
    assert permutation_test(base, new) == pytest.approx(enumerated_permutation_test(base, new), abs=1e-9)


@pytest.mark.run
def test_the_permutation_test_against_scipys_own() -> None:
    draw = np.random.default_rng(5)
    base, new = untied(draw, 8), [x + 1 for x in untied(draw, 8)]

    def gap(x: list[float], y: list[float]) -> float:
        return float(np.mean(x) - np.mean(y))

    theirs = stats.permutation_test((base, new), gap, n_resamples=np.inf, vectorized=False).pvalue
    assert permutation_test(base, new) == pytest.approx(theirs, rel=1e-9)
    assert permutation_test([1, 2, 3], [4, 5, 6]) == pytest.approx(0.1)
    assert permutation_test([], [1.0]) == 1.0


def test_where_divisions_are_drawn_the_permutation_test_is_repeatable_and_near_to_students() -> None:
    draw = np.random.default_rng(6)
    base, new = untied(draw, 20), [x + 0.6 for x in untied(draw, 25)]
    p = permutation_test(base, new)
    assert p == permutation_test(base[::-1], new[::-1])
    assert p == pytest.approx(stats.ttest_ind(base, new).pvalue, abs=0.01)


def step_down(ps: Sequence[float], alpha: float) -> list[bool]:
    """Holm's own words: while the smallest of the m that are left is at most alpha / m, reject it."""
    rejected, left = [False] * len(ps), list(range(len(ps)))
    while left:
        smallest = min(left, key=lambda i: ps[i])
        if ps[smallest] * len(left) > alpha:
            break
        rejected[smallest] = True
        left.remove(smallest)
    return rejected


@pytest.mark.parametrize(
    ("ps", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.04], [0.04]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
        ([0.5, 0.9, 0.6], [1.0, 1.0, 1.0]),
        ([0.0, 1.0], [0.0, 1.0]),
        ([], []),
    ],
)
def test_holm_by_hand(ps: list[float], adjusted: list[float]) -> None:
    assert holm(ps) == pytest.approx(adjusted)


@given(PS, st.floats(0.001, 0.999))
def test_holm_rejects_what_the_sequential_procedure_rejects(ps: list[float], alpha: float) -> None:
    assert [p <= alpha for p in holm(ps)] == step_down(ps, alpha)


@given(PS, st.data())
def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni(ps: list[float], data: st.DataObject) -> None:
    adjusted = holm(ps)
    for p, a in zip(ps, adjusted, strict=True):
        assert p <= a <= min(1, len(ps) * p) + 1e-15
    for i, j in combinations(range(len(ps)), 2):
        assert (ps[i] - ps[j]) * (adjusted[i] - adjusted[j]) >= 0
    order = data.draw(st.permutations(range(len(ps))))
    assert holm([ps[i] for i in order]) == [adjusted[i] for i in order]
    raised = data.draw(st.integers(0, len(ps) - 1))
    larger = [*ps[:raised], data.draw(st.floats(ps[raised], 1)), *ps[raised + 1 :]]
    assert all(a <= b for a, b in zip(adjusted, holm(larger), strict=True))


def correlated(draw: np.random.Generator, m: int) -> list[float]:
    """p-values of m true nulls that share most of their noise."""
    z = 0.9 * draw.standard_normal() + math.sqrt(1 - 0.81) * draw.standard_normal(m)
    return (2 * stats.norm.sf(np.abs(z))).tolist()


def independent(draw: np.random.Generator, m: int) -> list[float]:
    return draw.random(m).tolist()


@pytest.mark.parametrize(("nulls", "least"), [(independent, 0.035), (correlated, 0.003)])
@pytest.mark.run
def test_holm_raises_any_false_alarm_with_at_most_the_probability_it_says(
    nulls: Callable[[np.random.Generator, int], list[float]], least: float
) -> None:
    draw = np.random.default_rng(8)
    tries = 4000
    alarms = 0
    for _ in range(tries):
        ps = [*nulls(draw, 6), 1e-9, 1e-8, 1e-7]  # and three differences that are there, which take no share
        alarms += min(holm(ps)[:6]) <= 0.05
    assert least <= alarms / tries <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / tries)


def enumerated_fisher(base: tuple[int, int], new: tuple[int, int]) -> float:
    cases, of = base[0] + new[0], base[1] + new[1]
    ways = {
        k: math.comb(base[1], k) * math.comb(new[1], cases - k)
        for k in range(max(0, cases - new[1]), min(base[1], cases) + 1)
    }
    return sum(w for w in ways.values() if w <= ways[base[0]]) / math.comb(of, cases)


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_fishers_test_counts_out_tables_with_the_same_margins(n: int, m: int, data: st.DataObject) -> None:
    base = data.draw(st.integers(0, n)), n
    new = data.draw(st.integers(0, m)), m
    p = fisher_exact(base, new)
    assert p == pytest.approx(enumerated_fisher(base, new), rel=1e-9)
    assert p == pytest.approx(fisher_exact(new, base), rel=1e-9)
    table = [[base[0], n - base[0]], [new[0], m - new[0]]]
    assert p == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)


def test_fishers_test_by_hand() -> None:
    assert fisher_exact((3, 4), (1, 4)) == pytest.approx(34 / 70)  # the lady tasting tea
    assert fisher_exact((0, 5), (5, 5)) == pytest.approx(2 / 252)
    assert fisher_exact((0, 5), (0, 5)) == pytest.approx(1.0)
    assert fisher_exact((2, 2), (5, 5)) == pytest.approx(1.0)


def rounded(printed: str) -> object:
    """What a table that prints so many digits says."""
    return pytest.approx(float(printed), abs=0.5 * 10.0 ** -len(printed.partition(".")[2]))


@pytest.mark.parametrize(
    ("n", "unpaired", "paired"),
    [
        (1, "1.0", "1.0"),
        (2, "0.333", "0.5"),
        (3, "0.100", "0.25"),
        (4, "0.029", "0.125"),
        (5, "0.0079", "0.0625"),
        (6, "0.0022", "0.031"),
        (7, "0.0006", "0.016"),
        (8, "0.0002", "0.0078"),
        (10, "0.00001", "0.0020"),
        (16, "0.0000000033", "0.00003"),
    ],
)
def test_the_smallest_p_that_so_many_seeds_can_reach(n: int, unpaired: str, paired: str) -> None:
    assert smallest_p(n, n, paired=False) == rounded(unpaired)
    assert smallest_p(n, n, paired=True) == rounded(paired)
    low, high = list(range(n)), list(range(n, 2 * n))
    assert mann_whitney(low, high) == pytest.approx(smallest_p(n, n, paired=False), rel=1e-9)
    assert sign_flip([1 + i for i in low]) == pytest.approx(smallest_p(n, n, paired=True), rel=1e-9)


@pytest.mark.parametrize("paired", [False, True])
def test_without_seeds_on_a_side_no_p_but_1_is_reached(paired: bool) -> None:
    assert smallest_p(0, 5, paired=paired) == smallest_p(5, 0, paired=paired) == 1.0


@given(st.lists(st.tuples(TIED, TIED), min_size=1, max_size=7), st.integers(1, 7))
def test_no_values_reach_less_than_the_smallest_p(pairs: list[tuple[float, float]], other: int) -> None:
    base, new = (list(side) for side in zip(*pairs, strict=True))
    assert mann_whitney(base, new) >= smallest_p(len(base), len(new), paired=False) * (1 - 1e-12)
    assert sign_flip(base) >= smallest_p(len(base), len(base), paired=True)
    # sides of other sizes: only without ties, which can leave one extreme division where there were two
    untied = [n + 0.1 for n in range(other)]
    p = mann_whitney(untied, [x + n / 100 for n, x in enumerate([5.0] * len(base))])
    assert p >= smallest_p(other, len(base), paired=False) * (1 - 1e-12)


@pytest.mark.parametrize(
    ("alpha", "unpaired", "paired"),
    [(1.0, 1, 1), (0.1, 3, 5), (0.05, 4, 6), (0.01, 5, 8), (0.01 / 40, 8, 13), (1 / 35, 4, 7)],
)
def test_seeds_to_reach_an_alpha(alpha: float, unpaired: int, paired: int) -> None:
    for n, is_paired in ((unpaired, False), (paired, True)):
        assert seeds_to_reach(alpha, paired=is_paired) == n
        assert smallest_p(n, n, paired=is_paired) <= alpha
        assert n == 1 or smallest_p(n - 1, n - 1, paired=is_paired) > alpha
