"""Which rows are corrected for together, and which of them count."""

from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_records import trained
from scipy.stats import fisher_exact

from genbench.analyse.compare import compare_models, compare_runs, family_of
from genbench.analyse.row import FAILED_SHARE, Row, Verdict
from genbench.analyse.sides import Side
from genbench.analyse.significance import mann_whitney, sign_flip
from genbench.analyse.verdict import counts, measured
from genbench.core.record import Better

FID, RECALL = "quality.fid", "quality.recall"
NEW: dict[str, Any] = {"run": "new"}


def row(base: list[float], new: list[float], *, paired: bool, metric: str = FID) -> Row:
    def side(values: list[float], first: int) -> Side:
        return Side(metric, "", Better.LOWER, dict(enumerate(values, first)), frozenset(), ())

    whole = Row(
        "d",
        "m",
        "m",
        metric,
        "",
        Better.LOWER,
        side(base, 0),
        side(new, 0 if paired else 100),
        Verdict.UNSURE,
    )
    return measured(whole, None)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=3, max_size=8))
@pytest.mark.run
def test_pairs_count_if_some_signs_would_be_significant(pairs: list[tuple[int, int]]) -> None:
    base, new = ([float(pair[k]) for pair in pairs] for k in (0, 1))
    gaps = [y - x for x, y in zip(base, new, strict=True)]
    least = min(
        sign_flip([s * d for s, d in zip(signs, gaps, strict=True)])
        for signs in product((1, -1), repeat=len(gaps))
    )
    assert counts(row(base, new, paired=True), 0.05) == (least <= 0.05)


@given(
    st.lists(st.integers(0, 2), min_size=3, max_size=4), st.lists(st.integers(0, 2), min_size=3, max_size=5)
)
def test_seeds_count_if_some_division_of_them_would_be_significant(base: list[int], new: list[int]) -> None:
    pooled = [*map(float, base), *map(float, new)]
    places = range(len(pooled))
    least = min(
        mann_whitney([pooled[i] for i in mine], [pooled[i] for i in places if i not in mine])
        for mine in combinations(places, len(base))
    )
    found = row(list(map(float, base)), list(map(float, new)), paired=False)
    assert counts(found, 0.05) == (least <= 0.05)


@pytest.mark.parametrize("sizes", [(6, 6), (8, 5), (12, 12)])
@pytest.mark.parametrize("failed", range(8))
def test_failures_count_if_some_division_of_them_would_be_significant(
    sizes: tuple[int, int], failed: int
) -> None:
    m, n = sizes
    there = [k for k in range(failed + 1) if k <= m and failed - k <= n]
    least = min(fisher_exact([[k, m - k], [failed - k, n - failed + k]]).pvalue for k in there)
    shared = min(failed, m)
    base = [1.0] * shared + [0.0] * (m - shared)
    new = [1.0] * (failed - shared) + [0.0] * (n - failed + shared)
    assert counts(row(base, new, paired=False, metric=FAILED_SHARE), 0.05) == (least <= 0.05)


def test_rows_that_could_show_nothing_cost_the_others_nothing() -> None:
    low, high = [float(n) for n in range(8)], [float(n + 50) for n in range(8)]
    same = {f"quality.same{n}": [10.0] * 8 for n in range(20)}
    nearly = {f"quality.nearly{n}": [10.0] * 7 + [9.0] for n in range(20)}
    base = trained({FID: low, **same, **nearly}, columns={})
    new = trained({FID: high, **same, **{name: [10.0] * 8 for name in nearly}}, columns={}, **NEW)
    found = {one.metric: one for one in compare_runs(base, new).rows}
    assert found[FID].adjusted == found[FID].p == 2 / 2**8


def test_a_model_is_a_family_and_gated_rows_are_one() -> None:
    from genbench.analyse.compare import Rule

    base = [r for m in ("a", "b") for r in trained({FID: range(8), RECALL: range(8)}, model=m)]
    new = [
        r for m in ("a", "b") for r in trained({FID: range(50, 58), RECALL: range(50, 58)}, model=m, **NEW)
    ]
    p = 2 / 2**8
    assert {one.adjusted for one in compare_runs(base, new).rows} == {2 * p}
    gated = compare_runs(base, new, rules=lambda data, model, metric: Rule(gated=metric == FID))
    assert {(one.metric, one.adjusted) for one in gated.rows} == {(FID, 2 * p), (RECALL, p)}
    assert len({family_of(one) for one in gated.rows}) == 3
    within = compare_models([*base, *trained({FID: range(50, 58), RECALL: range(50, 58)}, model="c")])
    assert {family_of(one) for one in within.rows} == {("digits", "a", "b"), ("digits", "a", "c")}
