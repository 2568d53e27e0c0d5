"""Probes: what a simple predictor finds in codes or features, on examples it was not fitted to."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.core.ids import derive_seed

_TREES = 30
_ITERATIONS = 300

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
Targets = Values | Labels


class Split(NamedTuple):
    """Codes (N, d) with targets: numbers (N, F), or labels (N,)."""

    codes: Values
    targets: Targets


def ridge_r2(fit: Split, held_out: Split) -> Values:
    """(F,) held-out R² of each target by ridge regression (penalty 1 on standardised codes).

    R² = 1 - Σ (y - ŷ)² / Σ (y - ȳ)², at most 1; 0 is the mean and below it worse than that. Direction:
    higher. Bias: low, by about d/N. Known failure: what is not linear in the code is not found. NaN of a
    target that does not vary. An untrained network is not at 0: compare with one.

    Raises:
        ValueError: fewer than two rows, or codes that are not finite.
    """
    from sklearn.linear_model import Ridge

    train, test = _standardised(fit, held_out)
    predicted = Ridge(1.0).fit(train, fit.targets).predict(test).reshape(held_out.targets.shape)
    return r2(held_out.targets, predicted)


def forest_r2(fit: Split, held_out: Split, *, seed: int) -> Values:
    """(F,) held-out R² of each target by a random forest of 30 trees each.

    As ``ridge_r2``, but finds what is not linear, and is worse than it where many coordinates each say a
    little.

    Raises:
        ValueError: fewer than two rows, or codes that are not finite.
    """
    from sklearn.ensemble import RandomForestRegressor

    _check(fit, held_out)
    y = fit.targets.reshape(len(fit.targets), -1)
    predicted = []
    for j in range(y.shape[1]):
        forest = RandomForestRegressor(_TREES, random_state=_state(seed, f"forest {j}"))
        predicted.append(forest.fit(fit.codes, y[:, j]).predict(held_out.codes))
    return r2(held_out.targets, np.stack(predicted, 1).reshape(held_out.targets.shape))


class Accuracy(NamedTuple):
    """Share of held-out examples that are named right, and the share of their most common class."""

    accuracy: float
    majority: float


def logistic_accuracy(fit: Split, held_out: Split) -> Accuracy:
    """Held-out accuracy of logistic regression (penalty 1, features as they are given).

    Direction: higher; ``majority`` is what naming one class always would have. Bias: low, where there are few
    examples for the width. Known failure: classes that no plane parts are missed, and the penalty depends on
    the scale of the features. Where all examples for fitting are of one class, it is what naming that class
    gives.

    Raises:
        ValueError: fewer than two rows, or features that are not finite.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    _check(fit, held_out)
    labels = held_out.targets
    majority = float(np.unique(labels, return_counts=True)[1].max() / len(labels))
    if len(np.unique(fit.targets)) < 2:
        return Accuracy(float(np.mean(labels == fit.targets[0])), majority)
    model = LogisticRegression(max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        # stopped early is a regularizer too, and the same for everyone
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(fit.codes, fit.targets)
    return Accuracy(float(np.mean(model.predict(held_out.codes) == labels)), majority)


def cluster_nmi(codes: Values, labels: Labels, *, clusters: int, seed: int) -> float:
    """NMI of k-means' clusters (best of three starts) with labels: I / mean of the entropies, 0 to 1.

    Direction: higher. Bias: high; of K clusters and L labels that know nothing of each other about (K - 1)(L
    - 1) / 2N over the mean of the entropies is left, 0.01 of ten and ten at N = 2,000. Known failure: k-means
    sees round clusters of equal size, and large coordinates before small ones.

    Source: Strehl & Ghosh 2002 (JMLR 3), with the arithmetic mean that scikit-learn takes.

    Args:
        codes: (N, d).
        labels: (N,).
        clusters: how many, at most N.
        seed: names the stream of the starts.

    Raises:
        ValueError: fewer than two rows, or codes that are not finite.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import normalized_mutual_info_score

    _check(Split(codes, labels))
    means = KMeans(min(clusters, len(codes)), n_init=3, random_state=_state(seed, "k-means"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct codes than clusters: NMI says it
        found = means.fit_predict(codes)
    return float(normalized_mutual_info_score(labels, found))


def r2(y: Targets, predicted: Values) -> Values:
    """(F,) 1 - Σ (y - ŷ)² / Σ (y - ȳ)² of each column; NaN of one that does not vary."""
    spread = ((y - y.mean(0)) ** 2).sum(0)
    ratio = ((y - predicted) ** 2).sum(0) / np.where(spread > 0, spread, np.nan)
    return np.asarray(1 - ratio, dtype=np.float64)


def _standardised(fit: Split, held_out: Split) -> tuple[Values, Values]:
    """Both codes less the mean and divided by the standard deviation of those for fitting."""
    _check(fit, held_out)
    mean, spread = fit.codes.mean(0), fit.codes.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    return (fit.codes - mean) / spread, (held_out.codes - mean) / spread


def _check(*splits: Split) -> None:
    for codes, targets in splits:
        if codes.ndim != 2 or len(codes) != len(targets) or len(codes) < 2:
            raise ValueError(f"codes must be (N, d) with a target each, N at least 2; got {codes.shape}")
        if not np.isfinite(codes).all():
            raise ValueError("codes are not all finite")


def _state(seed: int, purpose: str) -> int:
    return derive_seed(seed, purpose) % 2**32
