"""Fréchet distance between Gaussians fitted to two sets of features."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbench.metrics.inputs import feature_pair


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Squared 2-Wasserstein distance of the two fitted Gaussians: the FID, given Inception features.

    ‖μ₁ - μ₂‖² + Tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½) with unbiased covariances (Dowson and Landau 1982; Heusel et al.
    2017, eq. 6).

    Direction: lower. Range: 0 up; 0 for sets of equal mean and covariance. Bias: upward, for equal
    distributions with N and M samples of d uncorrelated features of variance 1 about
    d (1/N + 1/M) + d (d + 1) / 4 · (1/(N - 1) + 1/(M - 1)) (0.22 at d = 64 and 10,000 each), so compare
    only equal sizes and the same features. Known failures: it sees two moments, and a distribution may
    share them and look like nothing real; below d + 1 samples a covariance is singular and the bias large.

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
    mean_x, mean_y = x.mean(0), y.mean(0)
    root_x = (x - mean_x) / math.sqrt(len(x) - 1)  # root_xᵀ root_x = Σ₁
    root_y = (y - mean_y) / math.sqrt(len(y) - 1)
    # Tr (Σ₁Σ₂)^½ is the nuclear norm of root_x root_yᵀ; rotations by Q change no singular value
    overlap = torch.linalg.qr(root_x, mode="r").R @ torch.linalg.qr(root_y, mode="r").R.T
    distance = (
        (mean_x - mean_y).square().sum()
        + root_x.square().sum()
        + root_y.square().sum()
        - 2 * torch.linalg.svdvals(overlap).sum()
    )
    return max(0.0, float(distance))  # a squared distance; rounding may leave -1e-14 of the variances
