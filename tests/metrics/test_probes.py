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


def test_noise_is_at_chance():
    noise = RANDOM.standard_normal((600, 1))
    assert abs(ridge_r2(*halves(Z, noise))[0]) < 0.06
    assert forest_r2(*halves(Z, noise), seed=0)[0] < 0.1
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
    with pytest.raises(ValueError, match="finite"):
        ridge_r2(*halves(np.full((600, 2), np.nan), Z))
    with pytest.raises(ValueError, match="at least 2"):
        cluster_nmi(Z[:1], np.zeros(1, dtype=int), clusters=2, seed=0)
