"""The literature's scores of disentanglement, of codes (N, d) and discrete factors (N, F).

Formulas and defaults follow Locatello et al. 2019 (arXiv:1811.12359). All of them but FactorVAE's depend on
the axes of the code, and a generator of an isotropic prior has none of its own: set each beside its mean over
random rotations of the code. Seeds and hyper-parameters move them more than the objective does (same source).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.core.ids import derive_seed
from genbench.metrics.probes import r2

BINS = 20
"""Equal-width bins of each coordinate of the code."""

_TREES = 30

_GROUP = 64  # examples that share a level of one factor, for one vote
_VOTES = 10_000, 5_000  # for fitting, for scoring
_ACTIVE = 0.05  # standard deviation below which a coordinate casts no votes

Codes = NDArray[np.float64]
Levels = NDArray[np.int64]


def equal_width(values: Codes, bins: int) -> Levels:
    """Bin of each value, 0 to bins - 1, (N, K): of equal width between the extremes of its column."""
    low, high = values.min(0), values.max(0)
    width = np.where(high > low, high - low, 1.0)
    binned: Levels = np.clip(((values - low) / width * bins).astype(np.int64), 0, bins - 1)
    return binned


def mutual_information(codes: Codes, factors: Levels) -> NDArray[np.float64]:
    """(d, F) plug-in I(c_i; y_j) in nats of codes in ``BINS`` equal-width bins.

    Bias: high by about (B - 1)(L - 1) / 2n for B bins and L levels (Miller 1955); use n of 10,000. Known
    failure: a monotone warp of a coordinate changes its bins.

    Raises:
        ValueError: other shapes than (N, d) and (N, F), or codes that are not finite.
    """
    _check(codes, factors)
    binned = equal_width(codes, BINS)
    return np.array([[_information(c, y) for y in factors.T] for c in binned.T])


def mig(information: NDArray[np.float64], factors: Levels) -> float:
    """Mutual information gap: mean over factors of (largest - second largest I(c_i; y_j)) / H(y_j), 0 to 1.

    Direction: higher. Bias: little, since both have that of ``mutual_information``. Known failure: two equal
    copies of a coordinate score 0, by design. With one coordinate the second largest is 0.

    Source: Chen et al. 2018 (arXiv:1802.04942), equation 6.

    Args:
        information: (d, F) of ``mutual_information``.
        factors: (N, F) levels.
    """
    entropies = np.array([_information(y, y) for y in factors.T])
    gap = _gap(information)
    return float(np.mean(gap / np.where(entropies > 0, entropies, 1.0)))


def sap(codes: Codes, factors: Levels) -> float:
    """Separated attribute predictability: mean over factors of the gap between the best and second R².

    R² of y_j from c_i alone by least squares is their squared correlation, as for continuous factors, of the
    levels' numbers. 0 to 1, higher is better. Bias: about 1/n in each R². Known failure: relations that are
    not monotone are not seen, and two equal copies score 0.

    Source: Kumar et al. 2018 (arXiv:1711.00848), section 3.

    Raises:
        ValueError: other shapes than (N, d) and (N, F), or codes that are not finite.
    """
    _check(codes, factors)
    c, y = _standard(codes), _standard(factors.astype(np.float64))
    return float(np.mean(_gap((c.T @ y / len(c)) ** 2)))


def modularity(information: NDArray[np.float64]) -> float:
    """Mean over coordinates of 1 - Σ_{j ≠ j*} I_ij² / (I_ij*² (F - 1)), j* the factor best known; 0 to 1.

    Direction: higher. Known failure: a coordinate that knows nothing but the bias of I scores low or high by
    chance, one that knows exactly nothing scores 0; two copies score 1.

    Source: Ridgeway & Mozer 2018 (arXiv:1802.05312), section 3.

    Raises:
        ValueError: fewer than two factors.
    """
    if information.shape[1] < 2:
        raise ValueError("modularity compares what a coordinate knows of several factors; there is only one")
    squared = information**2
    largest = squared.max(1)
    rest = squared.sum(1) - largest
    known = largest > 0
    each = 1 - rest / np.where(known, largest, 1.0) / (information.shape[1] - 1)
    return float(np.mean(np.where(known, each, 0.0)))


class Dci(NamedTuple):
    """Disentanglement and completeness, 0 to 1, and informativeness (mean held-out R²), at most 1."""

    disentanglement: float
    completeness: float
    informativeness: float


def importances(
    codes: Codes, factors: Levels, held_out: tuple[Codes, Levels], *, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(d, F) importances of each coordinate for each factor, columns sum to 1; and (F,) held-out R².

    By a random forest of 30 trees a factor: total decrease of squared error.

    Raises:
        ValueError: other shapes than (N, d) and (N, F), or codes that are not finite.
    """
    from sklearn.ensemble import RandomForestRegressor

    _check(codes, factors)
    _check(*held_out)
    columns, scores = [], []
    for j in range(factors.shape[1]):
        forest = RandomForestRegressor(_TREES, random_state=derive_seed(seed, "dci", j) % 2**32)
        forest.fit(codes, factors[:, j])
        columns.append(forest.feature_importances_)
        y = held_out[1][:, [j]].astype(np.float64)
        scores.append(r2(y, forest.predict(held_out[0])[:, None])[0])
    return np.array(columns).T, np.array(scores)


def dci(importance: NDArray[np.float64], r2: NDArray[np.float64]) -> Dci:
    """DCI scores of importances R (d, F), its columns weighted by max(0, R²).

    D = Σ_i ρ_i (1 - H(R_i·) / ln F) and C = Σ_j κ_j (1 - H(R_·j) / ln d), with ρ and κ the shares of rows and
    columns in ΣR; I = mean R². Direction: higher. The weights are not of the source: importances of a forest
    sum to 1 even for a factor that cannot be predicted at all, and without weights such noise enters D and C
    like knowledge. Bias: D and C of a useless code are slightly above 0; where no factor has an R² above 0
    both are 0. Known failure: D of a collapsed generator can be higher than that of a good one.

    Source: Eastwood & Williams 2018 (ICLR, "A framework for the quantitative evaluation of disentangled
    representations"), section 2.

    Raises:
        ValueError: fewer than two coordinates or factors: there is no spread to take the entropy of.
    """
    d, F = importance.shape
    if d < 2 or F < 2:
        raise ValueError(f"DCI needs two coordinates and two factors at least; there are {d} and {F}")
    R = importance * np.clip(r2, 0, None)
    total = R.sum()
    if not total > 0:
        return Dci(0.0, 0.0, float(np.mean(r2)))
    D = (R.sum(1) / total) @ (1 - _entropies(R) / np.log(F))
    C = (R.sum(0) / total) @ (1 - _entropies(R.T) / np.log(d))
    return Dci(float(D), float(C), float(np.mean(r2)))


def factor_vae_score(codes: Codes, factors: Levels, *, seed: int) -> float:
    """Held-out accuracy of the vote: which factor was fixed, by the coordinate of least relative variance.

    A vote is a group of 64 examples that share a level of one factor drawn at random: the coordinate whose
    variance in the group is the smallest part of its variance over all. Each coordinate stands for the factor
    for which it has most of 10,000 votes, and the score is the share of 5,000 further votes that are right;
    chance is 1 / F. Coordinates with standard deviation below 0.05 cast none. NaN where no coordinate is
    left.

    Direction: higher. Bias: none to speak of; its standard error is at most 0.007. Known failure: copies, and
    a coordinate with two factors of which one is coarse, are not seen. Where levels are bins of a continuous
    factor it still varies a little inside a group; the source renders groups anew.

    Source: Kim & Mnih 2018 (arXiv:1802.05983), section 4.

    Raises:
        ValueError: other shapes than (N, d) and (N, F), or codes that are not finite.
    """
    _check(codes, factors)
    spread = codes.std(0)
    active = spread >= _ACTIVE
    if not active.any():
        return float("nan")
    scaled = codes[:, active] / spread[active]
    random = np.random.default_rng(derive_seed(seed, "FactorVAE score"))
    d, F = scaled.shape[1], factors.shape[1]
    fixed = random.integers(F, size=sum(_VOTES))
    chosen = factors[random.integers(len(factors), size=sum(_VOTES)), fixed]
    votes = np.empty(sum(_VOTES), dtype=np.int64)
    members = {
        (j, level): np.flatnonzero(factors[:, j] == level)
        for j in range(F)
        for level in np.unique(factors[:, j])
    }
    for v, key in enumerate(zip(fixed.tolist(), chosen.tolist(), strict=True)):
        group = scaled[random.choice(members[key], _GROUP)]
        votes[v] = group.var(0).argmin()
    fitting, scoring = slice(_VOTES[0]), slice(_VOTES[0], None)
    table = np.zeros((d, F), dtype=np.int64)
    np.add.at(table, (votes[fitting], fixed[fitting]), 1)
    return float(np.mean(table.argmax(1)[votes[scoring]] == fixed[scoring]))


def rotated(codes: Codes, *, seed: int) -> Codes:
    """``codes`` times an orthogonal matrix drawn uniformly (Mezzadri 2007, arXiv:math-ph/0609050)."""
    random = np.random.default_rng(derive_seed(seed, "rotation"))
    Q, R = np.linalg.qr(random.standard_normal((codes.shape[1],) * 2))
    turned: Codes = codes @ (Q * np.sign(np.diag(R)))
    return turned


def _information(a: Levels, b: Levels) -> float:
    from sklearn.metrics import mutual_info_score

    return max(0.0, float(mutual_info_score(a, b)))


def _gap(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) the largest less the second largest of each column."""
    descending = -np.sort(-np.vstack([scores, np.zeros(scores.shape[1])]), axis=0)
    gap: NDArray[np.float64] = descending[0] - descending[1]
    return gap


def _standard(values: Codes) -> Codes:
    """Columns of mean 0 and variance 1; constant ones are 0."""
    centred = values - values.mean(0)
    spread = centred.std(0)
    varies = spread > 1e-12 * np.maximum(1.0, np.abs(values).max(0))
    standard: Codes = np.where(varies, centred / np.where(varies, spread, 1.0), 0.0)
    return standard


def _entropies(R: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy in nats of each row, divided by its sum; 0 of a row of zeros."""
    mass = R.sum(1, keepdims=True)
    p = R / np.where(mass > 0, mass, 1.0)
    entropies: NDArray[np.float64] = -(p * np.log(np.where(p > 0, p, 1.0))).sum(1)
    return entropies


def _check(codes: Codes, factors: Levels) -> None:
    if (
        codes.ndim != 2
        or factors.ndim != 2
        or len(codes) != len(factors)
        or not codes.size
        or not factors.size
    ):
        raise ValueError(f"codes must be (N, d) and factors (N, F); got {codes.shape} and {factors.shape}")
    if not np.isfinite(codes).all():
        raise ValueError("codes are not all finite")
