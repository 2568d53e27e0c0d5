"""Scores of codes whose structure is known: five factors of ten levels each."""

import math

import numpy as np
import pytest

from genbench.metrics.disentanglement import (
    dci,
    equal_width,
    factor_vae_score,
    importances,
    mig,
    modularity,
    mutual_information,
    rotated,
    sap,
)

N = 10_000
FACTORS = np.random.default_rng(0).integers(0, 10, (N, 5))
Z = FACTORS.astype(float)
MIXED = np.column_stack([(Z[:, 0] + Z[:, 1]) / 2**0.5, (Z[:, 0] - Z[:, 1]) / 2**0.5, Z[:, 2:]])
CODES = {
    "identity": Z,
    "permuted and flipped": -Z[:, [3, 1, 0, 2, 4]],
    "each twice": np.hstack([Z, Z]),
    "two turned by 45 degrees": MIXED,
    "one code for two factors": np.column_stack([10 * Z[:, 0] + Z[:, 1], Z[:, 2:]]),
    "factor 0 missing": Z[:, 1:],
    "noise": np.random.default_rng(1).standard_normal((N, 5)),
}
SCORES = {  # MIG, SAP, D, C (unweighted), FactorVAE
    "identity": (0.996, 0.999, 1, 1, 1),
    "permuted and flipped": (0.996, 0.999, 1, 1, 1),
    "each twice": (0, 0, 1, 0.716, 1),
    "two turned by 45 degrees": (0.597, 0.603, 0.828, 0.828, 0.790),
    "one code for two factors": (0.854, 0.799, 0.828, 1, 0.815),
    "factor 0 missing": (0.797, 0.800, 0.689, 0.800, 0.790),
    "noise": (0, 0, 0.001, 0.001, 0.2),
}


@pytest.mark.parametrize("name", CODES)
def test_mig_and_sap_of_known_codes(name):
    codes, (gap, separated, *_) = CODES[name], SCORES[name]
    assert mig(mutual_information(codes, FACTORS), FACTORS) == pytest.approx(gap, abs=0.02)
    assert sap(codes, FACTORS) == pytest.approx(separated, abs=0.02)


@pytest.mark.parametrize(
    "name",
    [
        "two turned by 45 degrees",
        *(pytest.param(name, marks=pytest.mark.run) for name in CODES if not name.startswith("two")),
    ],
)
def test_votes_of_known_codes(name):
    assert factor_vae_score(CODES[name], FACTORS, seed=0) == pytest.approx(SCORES[name][-1], abs=0.03)


def test_votes_are_drawn_by_the_seed(monkeypatch):
    monkeypatch.setattr("genbench.metrics.disentanglement._VOTES", (60, 30))
    found = {seed: factor_vae_score(MIXED, FACTORS, seed=seed) for seed in (1, 2)}
    assert found[1] == factor_vae_score(MIXED, FACTORS, seed=1) != found[2]


@pytest.mark.run
@pytest.mark.parametrize("name", CODES)
def test_dci_of_known_codes(name):
    codes, (_, _, d, c, _) = CODES[name], SCORES[name]
    R, r2 = importances(codes[:1000], FACTORS[:1000], (codes[5000:7000], FACTORS[5000:7000]), seed=0)
    assert R.sum(0) == pytest.approx(np.ones(5))
    plain = dci(R, np.ones(5))
    assert plain.disentanglement == pytest.approx(d, abs=0.02)
    assert plain.completeness == pytest.approx(c, abs=0.025)
    if name == "factor 0 missing":  # what cannot be predicted has no weight
        weighted = dci(R, r2)
        assert weighted[:2] == pytest.approx((1, 1), abs=0.02)
        assert r2[0] < 0.05


def test_importances_find_the_coordinate():
    R, r2 = importances(Z[:200], FACTORS[:200, :2], (Z[200:400], FACTORS[200:400, :2]), seed=0)
    assert R[0, 0] > 0.95
    assert R[1, 1] > 0.95
    assert (r2 > 0.95).all()


def test_dci_in_closed_form():
    assert dci(np.eye(4), np.ones(4)) == pytest.approx((1, 1, 1))
    assert dci(np.ones((3, 4)), np.ones(4)) == pytest.approx((0, 0, 1))
    pairs = np.kron(np.eye(5), np.ones((1, 2)))  # one code for two of ten factors
    assert dci(pairs, np.ones(10)) == pytest.approx((1 - math.log(2) / math.log(10), 1, 1))
    assert dci(pairs.T, np.ones(5)) == pytest.approx((1, 1 - math.log(2) / math.log(10), 1))
    assert dci(np.eye(2), np.zeros(2)) == (0, 0, 0)
    # weights scale importances, and their sum may be far below 1; what is worse than the mean weighs nothing
    assert dci(np.eye(2), np.full(2, 0.1)) == pytest.approx((1, 1, 0.1))
    assert dci(np.ones((2, 2)), np.array([0.01, -0.5])) == pytest.approx((1, 0, -0.245))
    # rows weigh as much as they have importance: 3/4 for a code of one factor, 1/4 for one of both
    R = np.array([[3.0, 0.0], [0.5, 0.5]])
    assert dci(R, np.ones(2)).disentanglement == pytest.approx(0.75)
    with pytest.raises(ValueError, match="two coordinates"):
        dci(np.ones((1, 3)), np.ones(3))


def test_modularity_in_closed_form():
    assert modularity(np.eye(3)) == modularity(0.1 * np.eye(3)) == 1
    assert modularity(np.ones((2, 3))) == 0
    assert modularity(np.array([[2.0, 1.0, 0.0]])) == pytest.approx(1 - 1 / 4 / 2)
    assert modularity(np.zeros((2, 3))) == 0
    with pytest.raises(ValueError, match="only one"):
        modularity(np.ones((2, 1)))


@pytest.mark.parametrize("n", [1000, 10_000])
def test_information_of_independent_variables_is_its_bias(n):
    random = np.random.default_rng(2)
    factors = random.integers(0, 10, (n, 4))
    found = mutual_information(random.uniform(size=(n, 4)), factors).mean()
    assert found == pytest.approx((20 - 1) * (10 - 1) / (2 * n), rel=0.1)


def test_random_rotations_mix_and_keep_lengths():
    turned = rotated(Z, seed=3)
    assert np.allclose((turned**2).sum(1), (Z**2).sum(1))
    assert mig(mutual_information(turned, FACTORS), FACTORS) < 0.5
    assert np.array_equal(turned, rotated(Z, seed=3))
    assert not np.array_equal(turned, rotated(Z, seed=4))
    # uniform: 0 by symmetry; without the signs the diagonal has -0.5
    mean = np.mean([rotated(np.eye(3), seed=seed) for seed in range(300)], 0)
    assert np.abs(mean).max() < 0.15


def test_bins_are_of_equal_width_from_the_least_to_the_largest_value():
    values = np.array([[0.0], [0.24], [0.26], [0.5], [0.99], [1.0]])
    for column in (values, 8 * values - 3, values / 1000):
        assert equal_width(column, 4)[:, 0].tolist() == [0, 0, 1, 2, 3, 3]
    assert equal_width(np.full((3, 1), 7.0), 4)[:, 0].tolist() == [0, 0, 0]


def test_information_is_in_nats_of_twenty_bins():
    fair = np.array([[0], [1]] * 20)
    steps = np.arange(40.0)[:, None]
    assert mutual_information(fair.astype(float), fair) == pytest.approx(math.log(2))
    # two values a bin, one of each level: nothing is known; 21 bins would part some of them
    assert mutual_information(steps, fair) == pytest.approx(0)
    assert mutual_information(steps, np.arange(40)[:, None]) == pytest.approx(math.log(20))


def test_mig_is_a_share_of_the_entropy_of_its_factor():
    fair = np.array([[0], [1]] * 20)
    known = math.log(2) * np.array([[1.0], [0.25], [0.5]])
    assert mig(known, fair) == pytest.approx(0.5)
    assert mig(known[:1], fair) == pytest.approx(1)  # one coordinate: the second is 0
    # a factor that does not vary has no gap, and lowers the mean
    beside = np.hstack([known, np.zeros((3, 1))])
    assert mig(beside, np.hstack([fair, 0 * fair])) == pytest.approx(0.25)


def test_sap_is_a_gap_of_squared_correlations():
    y = np.array([[0], [1], [2], [3]])
    bent = np.array([[0.0], [1.0], [1.0], [3.0]])
    squared = float(np.corrcoef(y[:, 0], bent[:, 0])[0, 1]) ** 2
    assert sap(bent, y) == pytest.approx(squared)
    assert sap(np.hstack([-2.0 * y, bent]), y) == pytest.approx(1 - squared)
    # ten equal numbers whose mean is rounded do not vary
    assert sap(np.full((10, 1), 0.1), np.arange(10)[:, None]) == 0


@pytest.mark.parametrize(
    "score",
    [
        mutual_information,
        sap,
        lambda c, y: factor_vae_score(c, y, seed=0),
        lambda c, y: importances(c, y, (Z[:9], FACTORS[:9]), seed=0),
        lambda c, y: importances(Z[:9], FACTORS[:9], (c, y), seed=0),
    ],
)
def test_codes_and_factors_that_do_not_fit_are_refused(score):
    with pytest.raises(ValueError, match="finite"):
        score(np.full((9, 5), np.inf), FACTORS[:9])
    none = np.zeros((9, 0))
    for codes, factors in (
        (Z[:8], FACTORS[:9]), (Z[:9, 0], FACTORS[:9]), (Z[:9], FACTORS[:9, 0]), (none, FACTORS[:9]),
        (Z[:9], none.astype(int)), (Z[:0], FACTORS[:0]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"must be \(N, d\)"):
            score(codes, factors)


def test_constant_codes():
    constant = np.zeros((N, 3))
    assert mig(mutual_information(constant, FACTORS), FACTORS) == 0
    assert sap(constant, FACTORS) == 0
    assert math.isnan(factor_vae_score(constant, FACTORS, seed=0))


def test_coordinates_that_hardly_vary_cast_no_votes(monkeypatch):
    monkeypatch.setattr("genbench.metrics.disentanglement._VOTES", (50, 20))
    part = Z[:100] / Z[:100].std(0)
    assert math.isnan(factor_vae_score(0.0499 * part, FACTORS[:100], seed=0))
    assert factor_vae_score(0.0501 * part, FACTORS[:100], seed=0) == 1
    # the scale of a coordinate that votes does not matter
    noisy = part + np.random.default_rng(3).standard_normal((100, 5))
    found = factor_vae_score(noisy * [9, 1, 0.1, 5, 2], FACTORS[:100], seed=0)
    assert found == factor_vae_score(noisy, FACTORS[:100], seed=0) < 1
