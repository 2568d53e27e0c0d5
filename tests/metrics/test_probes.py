import numpy as np
import pytest
from sklearn.metrics import r2_score

from genbench.metrics.probes import Split, cluster_nmi, forest_r2, logistic_accuracy, r2, ridge_r2

RANDOM = np.random.default_rng(0)
Z = RANDOM.standard_normal((600, 3))


def halves(codes, targets):
    return Split(codes[:300], targets[:300]), Split(codes[300:], targets[300:])


def test_ridge_finds_what_is_linear_and_the_forest_what_is_not():
    y = np.column_stack([2 * Z[:, 0] - Z[:, 1] + 5, Z[:, 2] ** 2])
    linear, square = ridge_r2(*halves(1000 * Z + 7, y))
    assert linear > 0.999
    assert square < 0.2
    tree = forest_r2(*halves(Z, y), seed=0)
    assert tree[1] > 0.8
    assert np.array_equal(tree, forest_r2(*halves(Z, y), seed=0))


def test_ridge_by_hand():
    """Of n standardised codes ±1 and targets alike a penalty of 1 leaves the slope n / (n + 1)."""
    sign = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    fit = Split(0.5 * sign + 3, 10 * sign + 2)
    assert ridge_r2(fit, fit) == pytest.approx(1 - 1 / 25)
    # the mean and the deviation are those of the examples for fitting
    near = Split(0.5 * sign + 3.5, 10 * sign + 2)
    assert ridge_r2(fit, near) == pytest.approx(1 - ((10 - 16) ** 2 + 10**2) / 2 / 100)


def test_one_class_for_fitting_is_named_always():
    fit = Split(Z[:4], np.array([2, 2, 2, 2]))
    assert logistic_accuracy(fit, Split(Z[:5], np.array([2, 0, 1, 1, 1]))) == (0.2, 0.6)
    two = Split(Z[:4], np.array([0, 0, 1, 1]))
    assert logistic_accuracy(two, Split(Z[:2], np.array([0, 0]))).majority == 1


def test_no_more_clusters_than_examples():
    assert cluster_nmi(Z[:3], np.array([0, 1, 2]), clusters=5, seed=0) == pytest.approx(1)
    # two pairs far apart, of which one is told: I is ln 2, as are both entropies
    pairs = np.array([[0.0], [0.1], [9.0], [9.1]])
    assert cluster_nmi(pairs, np.array([5, 5, 7, 7]), clusters=2, seed=0) == pytest.approx(1)
    mixed = cluster_nmi(pairs, np.array([5, 5, 7, 8]), clusters=2, seed=0)
    assert mixed == pytest.approx(np.log(2) / ((np.log(2) + 1.5 * np.log(2)) / 2))


def test_each_target_has_a_forest_of_its_own():
    found = forest_r2(*halves(Z, Z[:, [0, 1]]), seed=0)
    assert found.shape == (2,) and (found > 0.95).all()
    assert not np.array_equal(found, forest_r2(*halves(Z, Z[:, [0, 1]]), seed=1))
    assert forest_r2(*halves(Z, Z[:, [1, 0]]), seed=0) != pytest.approx(found[::-1], abs=1e-9)


def test_noise_is_at_chance():
    noise = RANDOM.standard_normal((600, 1))
    assert abs(ridge_r2(*halves(Z, noise))[0]) < 0.06
    assert -0.6 < forest_r2(*halves(Z, noise), seed=0)[0] < 0.1
    labels = (np.arange(600) % 4 == 0).astype(int)
    probe = logistic_accuracy(*halves(Z, labels))
    assert probe.majority == 0.75
    assert probe.accuracy == pytest.approx(0.75, abs=0.03)
    assert cluster_nmi(Z, labels, clusters=4, seed=0) < 0.03


def test_r2_is_scikit_learns_and_nan_of_a_constant():
    y, predicted = Z, Z + 0.3 * RANDOM.standard_normal(Z.shape)
    assert r2(y, predicted) == pytest.approx(r2_score(y, predicted, multioutput="raw_values"))
    assert np.isnan(r2(np.ones((5, 1)), np.ones((5, 1)))[0])


def test_a_plane_is_found_and_clusters_are():
    labels = (Z[:, 0] > 0.2).astype(int)
    assert logistic_accuracy(*halves(Z, labels)).accuracy > 0.95
    three = np.arange(600) % 3
    apart = np.eye(3)[three] * 50 + Z
    assert cluster_nmi(apart, three, clusters=3, seed=1) == pytest.approx(1)


def test_one_class_and_constant_codes():
    ones = np.ones(600, dtype=int)
    assert logistic_accuracy(*halves(Z, ones)) == (1, 1)
    assert ridge_r2(*halves(np.zeros((600, 2)), Z))[0] == pytest.approx(0, abs=0.03)
    assert cluster_nmi(np.zeros((600, 2)), np.arange(600) % 3, clusters=3, seed=0) == 0


def test_codes_that_are_not_finite_are_refused():
    broken = np.full((4, 3), np.nan)
    for probe in (ridge_r2, lambda a, b: forest_r2(a, b, seed=0)):
        for sides in ((Split(broken, Z[:4]), Split(Z, Z)), (Split(Z, Z), Split(broken, Z[:4]))):
            with pytest.raises(ValueError, match="finite"):
                probe(*sides)
    labels = np.array([0, 1, 0, 1])
    for sides in ((broken, Z[:4]), (Z[:4], broken)):
        with pytest.raises(ValueError, match="finite"):
            logistic_accuracy(*(Split(codes, labels) for codes in sides))
    with pytest.raises(ValueError, match="a target each"):
        cluster_nmi(Z, labels, clusters=2, seed=0)
    cluster_nmi(Z[:2], labels[:2], clusters=2, seed=0)
    with pytest.raises(ValueError, match="at least 2"):
        cluster_nmi(Z[:1], np.zeros(1, dtype=int), clusters=2, seed=0)
