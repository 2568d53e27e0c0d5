"""Directions of the latent that need no labels: what a generator's layers are most sensitive to."""

from __future__ import annotations

import torch
from torch import Tensor


def sefa(A: Tensor) -> Tensor:
    """(d, d) eigenvectors of A'A, a column each, by falling eigenvalue: the orthogonal basis of SeFa.

    The first column is the unit direction that moves the first layer's output most, in Euclidean length. The
    published code first scales each unit's weights to length 1; here they are as they are. Where d exceeds
    the rank, the last columns move nothing and are arbitrary. The sign is fixed: the largest entry is
    positive.

    Source: Shen & Zhou 2021 (arXiv:2007.06600), equation 5.

    Args:
        A: (units, d), the derivative of the first layer by the latent.
    """
    A = A.double()
    return _signed(torch.linalg.eigh(A.mT @ A).eigenvectors.flip(1))


def ganspace(z: Tensor, activations: Tensor) -> Tensor:
    """(d, K) latent directions of unit length, of the K = min(d, units) main components of activations.

    U = argmin ‖X U' - Z‖², X being the activations' coordinates along their principal components. Columns
    need not be orthogonal, and one whose component does not depend linearly on z is noise. A component that
    does not vary gives a column of zeros.

    Source: Härkönen et al. 2020 (arXiv:2004.02546), equation 3.

    Args:
        z: (N, d) latents.
        activations: (N, units) of a hidden layer at these latents.
    """
    z, h = z.double(), activations.double()
    z, h = z - z.mean(0), h - h.mean(0)
    left, s, _ = torch.linalg.svd(h, full_matrices=False)
    k = min(z.shape[1], h.shape[1], len(h))
    varies = s[:k] > 1e-10 * s[0]
    U = z.mT @ left[:, :k] * varies
    return _signed(U / U.norm(dim=0).clamp_min(torch.finfo(U.dtype).tiny))


def _signed(basis: Tensor) -> Tensor:
    """Columns whose largest entry is positive, so that the same data gives the same directions."""
    largest = basis.gather(0, basis.abs().argmax(0, keepdim=True))
    return basis * torch.where(largest < 0, -1.0, 1.0)
