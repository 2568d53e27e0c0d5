"""Vendi score: how many different samples there are, in effect."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import matrix

VENDI_SCORE = Column(
    "vendi_score", "", Better.HIGHER, low=1.0, meaning="effective number of different samples"
)

_ROUNDING = 1e-3  # of a similarity that was computed in half precision


def vendi_score(features: Tensor | None = None, *, similarity: Tensor | None = None) -> float:
    """exp of the entropy of the eigenvalues of K / N: -Σ λ ln λ, K the similarities of N samples.

    Friedman and Dieng 2023, definition 3.1. K is given, or the cosine similarity of ``features``: with X
    the rows of length 1, K = XXᵀ, whose eigenvalues but for zeros are those of XᵀX, so that the smaller of
    the two is taken.

    Direction: higher. Range: 1 (all samples alike) to N (all orthogonal); with features at most D. Bias:
    downward, for N samples show no more than N: it rises with N to that of the distribution, for isotropic
    features as D / (1 + D / 2N) once N is above D. So compare equal N; the floor is what as many real
    images have. Known failures: quality is not seen, noise is the most diverse of
    all; cosine similarity takes features with a large common mean for nearly alike.

    Args:
        features: (N, D), no row 0, any floating type.
        similarity: (N, N) in place of features, symmetric, positive semidefinite, with diagonal 1 (all to
            0.001); any floating type.

    Raises:
        ValueError: both or none given, no matrix, a row of zeros, a matrix that is no similarity, or
            numbers that are not finite.
    """
    if (features is None) == (similarity is None):
        raise ValueError("give either features or similarity, one of them")
    if features is not None:
        x = matrix(features, "features")
        norms = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        zero = (norms[:, 0] == 0).nonzero().flatten().tolist()
        if zero:
            raise ValueError(
                f"features are all 0 in {len(zero)} of {len(x)} rows, the first {zero[0]}: they have no "
                "direction and so no cosine; give a similarity"
            )
        x = x / norms
        gram = (x @ x.T if len(x) <= x.shape[1] else x.T @ x) / len(x)
    else:
        assert similarity is not None
        gram = _similarity(similarity)
    values = torch.linalg.eigvalsh(gram)
    if float(values[0]) < -_ROUNDING:
        raise ValueError(
            f"similarity is not positive semidefinite: one eigenvalue is {float(values[0]) * len(gram):.3g}"
        )
    values = values.clamp_(min=0)
    return math.exp(max(0.0, float(torch.special.entr(values / values.sum()).sum())))


def _similarity(given: Tensor) -> Tensor:
    """K / N, once it is seen to be one."""
    k = matrix(given, "similarity")
    if k.shape[0] != k.shape[1]:
        raise ValueError(f"similarity {tuple(k.shape)} must be (N, N)")
    diagonal, skew = float((k.diagonal() - 1).abs().max()), float((k - k.T).abs().max())
    if diagonal > _ROUNDING:
        raise ValueError(
            f"similarity has diagonal entries {diagonal:.3g} away from 1; a sample is like itself"
        )
    if skew > _ROUNDING:
        raise ValueError(f"similarity is not symmetric: entries differ by {skew:.3g} from their mirror image")
    return (k + k.T) / (2 * len(k))
