"""What every GAN here shares: a generator G, a network D that judges, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from genbench.core.datainfo import DataInfo
from genbench.models.mlp import MLP
from genbench.models.protocol import Nets


def networks(generator: MLP, judge: MLP, latent: int, data: DataInfo) -> Mapping[str, nn.Module]:
    """G: latent to image before tanh; D: image to one number."""
    return {"G": generator.decoder(latent, data.shape), "D": judge.encoder(data.shape, 1)}


def generate(nets: Nets, z: Tensor) -> Tensor:
    """Latents (B, latent) to images (B, C, H, W) in [-1, 1]."""
    return nets.G(z).tanh()


def judge(nets: Nets, x: Tensor) -> Tensor:
    """Images (B, C, H, W) to logits or critic values (B,)."""
    return nets.D(x).squeeze(1)
