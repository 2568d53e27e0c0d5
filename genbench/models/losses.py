"""The losses of adversarial and variational models, from logits, in the papers' letters.

D(x) = sigmoid(l) is never formed: log D = -softplus(-l) and log(1 - D) = -softplus(l) are exact for any l.
All expectations are means over the batch; all results are scalars unless said otherwise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))), from logits (B,); 2 ln 2 where D cannot tell.

    Goodfellow et al. 2014 (arXiv:1406.2661), equation 1, as a loss.
    """
    return softplus(-real).mean() + softplus(fake).mean()


def minimax_generator_loss(fake: Tensor) -> Tensor:
    """E log(1 - D(G(z))), from logits (B,): the game's own value; -ln 2 where D cannot tell.

    Its gradient in the logit is -D(G(z)), so it vanishes where D rejects every sample. Goodfellow et al.
    2014, equation 1.
    """
    return -softplus(fake).mean()


def non_saturating_generator_loss(fake: Tensor) -> Tensor:
    """-E log D(G(z)), from logits (B,); ln 2 where D cannot tell.

    Its gradient in the logit is D(G(z)) - 1, so it stays at full strength where D rejects every sample.
    Goodfellow et al. 2014, section 3.
    """
    return softplus(-fake).mean()


def wasserstein_critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E f(G(z)) - E f(x), from critic values (B,): minus the distance, up to the Lipschitz constant.

    Arjovsky et al. 2017 (arXiv:1701.07875), equation 2.
    """
    return fake.mean() - real.mean()


def wasserstein_generator_loss(fake: Tensor) -> Tensor:
    """-E f(G(z)), from critic values (B,). Arjovsky et al. 2017, equation 3."""
    return -fake.mean()


def bernoulli_log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x|z), summed over pixels: x (B, C, H, W) in [0, 1] and logits of the same shape to (B,), nats.

    Grey levels count as probabilities (the expectation over binarizations), as in Kingma & Welling 2014.
    """
    return (x * logits - softplus(logits)).flatten(1).sum(1)


def gaussian_log_likelihood(x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """log N(x; mean, diag exp log_var): three (B, d) to (B,), nats.

    Kingma & Welling 2014 (arXiv:1312.6114), appendix C.2.
    """
    return -0.5 * ((x - mean).square() * (-log_var).exp() + log_var + math.log(2 * math.pi)).sum(1)


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, diag exp log_var) || N(0, I)): (B, d), (B, d) to (B,), nats.

    Kingma & Welling 2014 (arXiv:1312.6114), appendix B.
    """
    return 0.5 * (mean.square() + torch.expm1(log_var) - log_var).sum(1)
