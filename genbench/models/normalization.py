"""Batch normalization without running averages.

While training, a batch is normalized by its own statistics and nothing is remembered: the forward pass
stays a pure function, which vectorizing over lanes needs. Before sampling, *standing statistics* are
computed once over many batches (as in Brock et al. 2019, arXiv:1809.11096, section 4.1), so that a sample
does not depend on the others drawn with it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPS = 1e-5
"""Added to the variance. (A well-known GAN code passes 0.8 here, meaning it as a momentum.)"""


class BatchNorm(nn.Module):
    """Ioffe & Szegedy 2015 (arXiv:1502.03167): per feature of (B, F), per channel of images (B, H, W, C).

    In training mode by batch statistics, in evaluation mode by ``standing_mean`` and ``standing_var``.
    """

    standing_mean: Tensor
    standing_var: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("standing_mean", torch.zeros(features))
        self.register_buffer("standing_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        """(B, ..., F) to the same. Statistics in float32 at least: bfloat16 sums lose the mean."""
        wide = x if x.dtype == torch.float64 else x.float()
        mean, var = self.statistics(wide) if self.training else (self.standing_mean, self.standing_var)
        scaled = (wide - mean) * torch.rsqrt(var + EPS)
        return (scaled * self.weight + self.bias).to(x.dtype)

    @staticmethod
    def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and biased variance of each feature: (B, ..., F) to (F,), (F,)."""
        others = tuple(range(x.ndim - 1))
        mean = x.mean(others)
        return mean, (x - mean).square().mean(others)
