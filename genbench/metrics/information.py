"""How much of the latent can be read off what a generator makes."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor


class Gilbo(NamedTuple):
    """Generative information lower bound: its mean and its standard error, in nats."""

    value: float
    standard_error: float


def gilbo(log_e: Tensor, log_p: Tensor) -> Gilbo:
    """Mean of ln e(z|x) - ln p(z) over pairs z ~ p, x = G(z): at most I(X; Z).

    Direction: none; a collapsed generator has little information, and a perfect memory has much. Bias: low,
    by the KL divergence of the encoder from the true posterior; on pairs the encoder was trained with it is
    too high. Known failure: a deterministic generator of pixels in floating point has infinite information,
    and even one that has collapsed leaks its latent through digits nobody sees; compare only under the same
    noise on x. Compare only equal latent sizes.

    Source: Alemi & Fischer 2018 (arXiv:1802.04874), equation 4.

    Args:
        log_e: (N,) log-density of each latent given what it made, in nats.
        log_p: (N,) log-density of each latent under the prior, in nats.

    Raises:
        ValueError: shapes differ, or there are fewer than two pairs.
    """
    if log_e.shape != log_p.shape or log_e.ndim != 1 or len(log_e) < 2:
        raise ValueError(
            f"log_e and log_p must be (N,), N at least 2; got {tuple(log_e.shape)}, {tuple(log_p.shape)}"
        )
    nats = log_e.double() - log_p.double()
    return Gilbo(float(nats.mean()), float(nats.std()) / math.sqrt(len(nats)))
