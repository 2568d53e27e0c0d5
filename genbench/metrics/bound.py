"""Lower bounds on the log-likelihood of latent variable models, from log weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import matrix

ELBO = Column("elbo", "nats", Better.HIGHER, meaning="lower bound on ln p(x)")
IMPORTANCE_WEIGHTED_BOUND = Column(
    "importance_weighted_bound", "nats", Better.HIGHER, meaning="tighter lower bound on ln p(x), of K samples"
)


def elbo(log_weights: Tensor) -> Tensor:
    """Mean over K samples z ~ q(z|x) of ln w = ln p(x, z) - ln q(z|x), for each image.

    Kingma and Welling 2014, eq. 2, by Monte Carlo.

    Direction: higher. Range: any; for discrete images at most 0. Bias: none of the bound, which itself is
    KL(q(z|x) ‖ p(z|x)) below ln p(x), whatever K. Floor: ln p(x), which is not known; a model whose
    posterior is exact has it. Known failures: bounds of continuous images depend on the units of pixels;
    a better likelihood need not look better.

    Args:
        log_weights: (K, N), one row a sample of z, one column an image; any floating type.

    Returns:
        (N,) float64, in nats.

    Raises:
        ValueError: no matrix, or numbers that are not finite, named by image.
    """
    return _by_image(log_weights).mean(1)


def importance_weighted_bound(log_weights: Tensor) -> Tensor:
    """ln of the mean over K samples z ~ q(z|x) of w = p(x, z) / q(z|x), for each image.

    logsumexp over K of ln w, less ln K (Burda et al. 2016, eq. 8). With K = 1 the ``elbo``.

    Direction: higher. Range: any; for discrete images at most 0. Bias: downward; the expectation rises
    with K to ln p(x), below it by about var(w / p(x)) / 2K. So compare equal K. Floor: ln p(x), as of the
    ``elbo``. Known failure: where q misses a region of the posterior the weights are heavy-tailed, and the
    bound stays low at any K in reach, with a small variance that looks like convergence.

    Args:
        log_weights: (K, N), one row a sample of z, one column an image; any floating type.

    Returns:
        (N,) float64, in nats.

    Raises:
        ValueError: no matrix, or numbers that are not finite, named by image.
    """
    by_image = _by_image(log_weights)
    return torch.logsumexp(by_image, 1) - math.log(by_image.shape[1])


def _by_image(log_weights: Tensor) -> Tensor:
    if log_weights.ndim != 2:
        raise ValueError(f"log_weights {tuple(log_weights.shape)} must be (K, N): samples of z by images")
    return matrix(log_weights.T, "log_weights, by image,")
