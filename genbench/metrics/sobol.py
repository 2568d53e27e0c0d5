"""Which directions of the latent move which factors: total Sobol indices, and how singly they do it."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from genbench.core.ids import derive_seed


def changes(read: Callable[[Tensor], Tensor], z: Tensor, fresh: Tensor, Q: Tensor, y: Tensor) -> Tensor:
    """(d, N, F) half the squared change of y when one coordinate of z in the basis Q is drawn anew.

    The mean over N, divided by the variance of y, is Jansen's estimator of the total index of that
    coordinate: R_ij = E[(y_j(z) - y_j(z with (Q'z)_i redrawn))²] / (2 Var y_j).

    Args:
        read: latents (M, d) to the outputs (M, F), each by itself.
        z: (N, d) from N(0, I).
        fresh: (N, d) from N(0, I), independent of ``z``: the new coordinates.
        Q: (d, d) orthogonal, a direction a column.
        y: (N, F), ``read(z)``, which all bases share.
    """
    Q = Q.to(z)
    step = (fresh - z @ Q).T[:, :, None] * Q.T[:, None]
    moved = read((z + step).flatten(0, 1)).double().view(*step.shape[:2], -1)
    return (moved - y.double()).square() / 2


def total_importance(changed: Tensor, variance: Tensor) -> Tensor:
    """(..., d, F) importances R of ``changes`` (..., d, N, F), in parts of the variance (F,) of each factor.

    Range: from 0, without an upper end where the variance is of the data and not of the generator. Of a
    linear y = W z in the canonical basis R_ij = W_ji² / variance_j. Bias: none; relative standard error about
    √(2 / N). A column sums to more than 1 where directions interact.

    Source: Jansen 1999 (Computer Physics Communications 117), equation 9; the same as ``ST`` of Saltelli et
    al. 2010.
    """
    return changed.mean(-2) / variance.to(changed)


def disentanglement(R: Tensor) -> Tensor:
    """(...) D = Σ_i ρ_i (1 - H(R_i·) / ln F) of importances (..., d, F), ρ_i the share of row i in ΣR.

    1 where each direction moves one factor, 0 where each moves all alike; NaN where nothing moves. Direction:
    higher. Bias: noise of R raises it. Known failures: axes of an isotropic prior are nobody's choice, so
    that D is luck unless it is compared with random rotations; a collapsed generator, all of whose latents
    push what little is left, scores higher than a good one; a factor that never moves costs nothing.

    Source: Eastwood & Williams 2018 (ICLR), section 2, with interventions in place of a regressor.

    Raises:
        ValueError: fewer than two factors: there is no spread to take the entropy of.
    """
    if R.shape[-1] < 2:
        raise ValueError("disentanglement compares factors, and there is only one")
    mass = R.sum(-1)
    return (mass / mass.sum(-1, keepdim=True) * (1 - _entropy(R) / math.log(R.shape[-1]))).sum(-1)


def completeness(R: Tensor) -> Tensor:
    """(...) C = Σ_j κ_j (1 - H(R_·j) / ln d) of importances (..., d, F), κ_j the share of column j in ΣR.

    1 where each factor is moved by one direction, 0 where by all alike; NaN where nothing moves. Bias and
    failures are those of ``disentanglement``; two latents that share a factor lower it by design.

    Raises:
        ValueError: fewer than two directions.
    """
    if R.shape[-2] < 2:
        raise ValueError("completeness compares directions of the latent, and there is only one")
    return disentanglement(R.mT)


def percentile(value: float, random: Tensor) -> float:
    """p = (1 + #{D_rand ≥ D}) / (R + 1), the p-value of a test by R random rotations; 1/(R + 1) at least."""
    return (1 + int((random >= value).sum())) / (len(random) + 1)


def rotation(d: int, *seed: str | int) -> Tensor:
    """(d, d) float64, an orthogonal matrix drawn uniformly (Haar), the one that ``seed`` names.

    By QR of Gaussian numbers, signs fixed so that R has a positive diagonal (Mezzadri 2007,
    arXiv:math-ph/0609050): without that the draw is not uniform.
    """
    random = torch.Generator().manual_seed(derive_seed(0, "rotation", *seed))
    Q, R = torch.linalg.qr(torch.randn(d, d, generator=random, dtype=torch.float64))
    signed: Tensor = Q * R.diagonal().sign()
    return signed


def resampled(changed: Tensor, times: int, *seed: str | int) -> Tensor:
    """(times, ..., d, F) means of ``changes`` (..., d, N, F) over latents drawn again: a bootstrap.

    The same latents are drawn for all bases, so that what bases share cancels in their differences.
    """
    n = changed.shape[-2]
    random = torch.Generator().manual_seed(derive_seed(0, "resampled latents", *seed))
    chosen = torch.randint(n, (times, n), generator=random)
    counts = torch.zeros(times, n, dtype=torch.float64).scatter_add_(
        1, chosen, torch.ones(times, n, dtype=torch.float64)
    )
    means: Tensor = torch.einsum("tn,...nf->t...f", counts.to(changed) / n, changed)
    return means


def _entropy(R: Tensor) -> Tensor:
    """(...) in nats, of the shares along the last axis; 0 of a row of zeros."""
    p = R / R.sum(-1, keepdim=True).clamp_min(torch.finfo(R.dtype).tiny)
    entropies: Tensor = torch.special.entr(p).sum(-1)
    return entropies
