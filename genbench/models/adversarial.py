"""What every GAN here shares: a generator G, a network D that judges, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from genbench.core.datainfo import DataInfo
from genbench.models.backbone import Backbone
from genbench.models.optim import Optimizer
from genbench.models.protocol import Loss, Nets, Noise, Player


def networks(generator: Backbone, judge: Backbone, latent: int, data: DataInfo) -> Mapping[str, nn.Module]:
    """G: latent to example (an image before tanh); D: example to one number."""
    return {"G": generator.decoder(latent, data.shape), "D": judge.encoder(data.shape, 1)}


def game(
    *,
    judge: str,
    judge_loss: Loss,
    judge_optimizer: Optimizer,
    judge_steps: int,
    generator_loss: Loss,
    generator_optimizer: Optimizer,
    prior: Noise,
    clip: float | None = None,
) -> tuple[Player, Player]:
    """One step of the game: ``judge_steps`` updates of D, then one of G, each on fresh noise.

    Args:
        judge: what D is called: "discriminator" or "critic".
        judge_loss: what D minimizes.
        judge_optimizer: how.
        judge_steps: k of the GAN paper, n_critic of the WGAN paper.
        generator_loss: what G minimizes.
        generator_optimizer: how.
        prior: of the noise z that both take.
        clip: bound on D's weights.
    """
    noise = {"z": prior}
    return (
        Player(judge, ("D",), judge_loss, judge_optimizer, noise, repeats=judge_steps, clip=clip),
        Player("generator", ("G",), generator_loss, generator_optimizer, noise, uses_data=False),
    )


def generate(nets: Nets, z: Tensor) -> Tensor:
    """Latents (B, latent) to images (B, C, H, W) in [-1, 1], by tanh, or to points (B, D) anywhere.

    tanh x is written 2 sigmoid(2 x) - 1: compilers then keep the image, where they would compute tanh again
    at each of the places that read a pixel.
    """
    x = nets.G(z)
    return 2 * (2 * x).sigmoid() - 1 if x.ndim == 4 else x


def judge(nets: Nets, x: Tensor) -> Tensor:
    """Examples (B, ...) to logits or critic values (B,)."""
    return nets.D(x).squeeze(1)


def judge_both(nets: Nets, real: Tensor, fake: Tensor, *, apart: bool) -> tuple[Tensor, Tensor]:
    """Logits or critic values of real examples and of samples, (B,) each.

    Both go through D as one batch, which is the same with fewer and larger matrix products; ``apart`` keeps
    them two, for a D that normalizes by batch.
    """
    if apart:
        return judge(nets, real), judge(nets, fake)
    both = judge(nets, torch.cat((real, fake)))
    return both[: len(real)], both[len(real) :]
