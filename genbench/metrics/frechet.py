"""Fréchet distance between Gaussians fitted to two sets of features."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import feature_pair, matrix

FRECHET_DISTANCE = Column(
    "frechet_distance",
    "",
    Better.LOWER,
    low=0.0,
    meaning="squared 2-Wasserstein distance of the Gaussians fitted to both sets",
)
FRECHET_DISTANCE_INFINITY = Column(
    "frechet_distance_infinity",
    "",
    Better.LOWER,
    meaning="the Fréchet distance extrapolated to infinitely many samples",
)

_SIZES = 15  # subset sizes of the extrapolation, as in the paper's code


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Squared 2-Wasserstein distance of the two fitted Gaussians: the FID, given Inception features.

    ‖μ₁ - μ₂‖² + Tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½) with unbiased covariances (Dowson and Landau 1982; Heusel et al.
    2017, eq. 6).

    Direction: lower. Range: 0 up; 0 for sets of equal mean and covariance. Bias: upward, for equal
    distributions with N and M samples of d uncorrelated features of variance 1 about
    d (1/N + 1/M) + d (d + 1) / 4 · (1/(N - 1) + 1/(M - 1)) (0.22 at d = 64 and 10,000 each), and for any
    features the floor ``expected_frechet_distance``, so compare only equal sizes and features. Known
    failures: it sees two moments, and a distribution may share them and look like nothing real; below
    d + 1 samples a covariance is singular and the bias large.

    Why not ``torchmetrics.image.FrechetInceptionDistance``: it takes square roots of the eigenvalues of
    Σ₁Σ₂, and where a covariance is singular (collapse, or few samples) those that should be 0 are 1e-16
    of the largest, their roots 1e-8, so that a set of 50 points and 512 features is -7e-5 away from
    itself and a near copy of it is 14 % off. Here the trace of (Σ₁Σ₂)^½ is the sum of singular values of
    R₁R₂ᵀ, the centred sets being QR: no squaring, and hence right to rounding. On ordinary input the two
    agree, and a test holds that.

    Args:
        real: (N, D), N ≥ 2, any floating type.
        fake: (M, D), M ≥ 2, any floating type; M may differ from N.

    Raises:
        ValueError: shapes that do not fit, fewer than two rows, or numbers that are not finite.
    """
    x, y = feature_pair(real, fake, at_least=2)
    return max(0.0, _distance(_moments(x), _moments(y)))  # rounding may leave -1e-14 of the variances


def frechet_distance_infinity(real: Tensor, fake: Tensor, *, seed: int) -> float:
    """The Fréchet distance to infinitely many fake samples: a line through it against 1/n, at 1/n = 0.

    FD(n) = FD∞ + c / n by least squares over 15 sizes n, evenly spaced from the greater of M / 4 and 4 D
    to M (Chong and Forsyth 2020, section 4, who go from 5,000 to 50,000 of Inception's 2,048 features;
    starting at M / 10 has the same variance here and leaves more of the bias, which is no line in 1/n
    where n is few times D). At each size a random order of the fake set is cut into as many disjoint
    subsets as it holds, and their distances averaged: without replacement, for repeated rows would add a
    bias of their own.

    Direction: lower. Range: 0 in expectation for equal distributions, and falls below 0 by chance. Bias:
    what N real samples add stays, ``expected_frechet_distance(real, math.inf)``; of the fake side's some
    3 % is taken too much at M = 8 D, less above. Known failures: those of the Fréchet distance, and more
    variance.

    Args:
        real: (N, D), N ≥ 2, any floating type.
        fake: (M, D), M ≥ 8 D and at least 60, any floating type; M may differ from N.
        seed: of the order in which the fake set is cut up.

    Raises:
        ValueError: shapes that do not fit, too few rows, or numbers that are not finite.
    """
    x, y = feature_pair(real, fake, at_least=2)
    fewest = max(8 * y.shape[1], 4 * _SIZES)
    if len(y) < fewest:
        raise ValueError(
            f"fake has {len(y)} rows; an extrapolation needs at least {fewest} with {y.shape[1]} features. "
            "Draw more samples, or use frechet_distance"
        )
    generator = torch.Generator().manual_seed(seed)
    target = _moments(x)
    smallest = max(len(y) // 4, 4 * y.shape[1])
    sizes = [round(smallest + step * (len(y) - smallest) / (_SIZES - 1)) for step in range(_SIZES)]
    distances = []
    for size in sizes:
        mixed = y[torch.randperm(len(y), generator=generator).to(y.device)]
        subsets = torch.split(mixed[: len(y) // size * size], size)
        distances.append(math.fsum(_distance(target, _moments(subset)) for subset in subsets) / len(subsets))
    inverse = 1 / torch.tensor(sizes, dtype=torch.float64)
    found = torch.tensor(distances, dtype=torch.float64)
    apart = inverse - inverse.mean()
    slope = (apart * found).sum() / apart.square().sum()
    return float(found.mean() - slope * inverse.mean())


def expected_frechet_distance(real: Tensor, n_fake: float) -> float:
    """What ``frechet_distance`` gives where ``n_fake`` samples have the distribution of ``real``: its floor.

    With λ the eigenvalues of the covariance Σ of ``real`` (N rows) and y its centred rows in the basis of
    eigenvectors: Tr Σ · (1/N + 1/M) + ½ Σᵢⱼ (Vᵢⱼ(N) + Vᵢⱼ(M)) / (λᵢ + λⱼ), where Vᵢⱼ(n) = var(yᵢyⱼ) / n +
    (λᵢλⱼ + [i = j] λᵢ²) / (n (n - 1)) is the variance of an entry of a covariance of n rows. Derived from
    the covariances being Σ + A and Σ + B with small A and B, whose part of the distance is to second order
    ½ Σᵢⱼ (A - B)ᵢⱼ² / (λᵢ + λⱼ); for no particular distribution, the fourth moments being those of the
    rows. For Gaussian features of unit variance it is the formula of ``frechet_distance``.

    A second-order expansion: valid for N and M well above D. The moments of N rows stand for the true
    ones, which makes it about D / 2N too low (5 % at N = 10 D, a quarter at 2 D), and more so where rare
    large values decide and few rows have them.

    Args:
        real: (N, D), N ≥ 2, any floating type.
        n_fake: M, at least 2; ``math.inf`` for what the N real rows alone add.

    Raises:
        ValueError: no matrix, fewer than two rows on either side, or numbers that are not finite.
    """
    x = matrix(real, "real", at_least=2)
    if not n_fake >= 2:
        raise ValueError(f"n_fake is {n_fake}; a covariance needs at least 2 rows")
    n = len(x)
    centred = x - x.mean(0)
    _, singular, axes = torch.linalg.svd(centred, full_matrices=False)
    spread = singular.square() / (n - 1)  # λ, without those that are 0 for want of rows
    y = centred @ axes.T
    squares = y.square()
    diagonal = torch.eye(len(spread), dtype=y.dtype, device=y.device)
    product = spread[:, None] * spread
    variance = squares.T @ squares / n - diagonal * product
    gaussian = product * (1 + diagonal)
    entries = variance * (1 / n + 1 / n_fake) + gaussian * (1 / (n * (n - 1)) + 1 / (n_fake * (n_fake - 1)))
    pairs = spread[:, None] + spread
    # a direction in which nothing varies adds nothing: its numerator is 0 too
    curved = torch.where(pairs > 0, entries / pairs, torch.zeros_like(pairs)).sum() / 2
    return float(spread.sum() * (1 / n + 1 / n_fake) + curved)


class _Moments(NamedTuple):
    mean: Tensor  # (D,)
    trace: Tensor  # () of the covariance
    root: Tensor  # (min(N, D), D): rootᵀ root is the covariance


def _moments(x: Tensor) -> _Moments:
    mean = x.mean(0)
    centred = (x - mean) / math.sqrt(len(x) - 1)
    return _Moments(mean, centred.square().sum(), torch.linalg.qr(centred, mode="r").R)


def _distance(a: _Moments, b: _Moments) -> float:
    # Tr (Σ₁Σ₂)^½ is the nuclear norm of the product of any two roots: rotations change no singular value
    overlap = torch.linalg.svdvals(a.root @ b.root.T).sum()
    return float((a.mean - b.mean).square().sum() + a.trace + b.trace - 2 * overlap)
