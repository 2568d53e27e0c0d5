"""The non-saturating GAN (Goodfellow et al. 2014, arXiv:1406.2661, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt
from torch import Tensor, nn

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.models import adversarial
from genbench.models.backbone import Backbone
from genbench.models.losses import discriminator_loss, non_saturating_generator_loss
from genbench.models.mlp import MLP
from genbench.models.optim import Adam, Optimizer
from genbench.models.protocol import Batch, Logs, Nets, Noise, Player


@models.register("ns_gan")
@dataclass(frozen=True, kw_only=True)
class NSGAN:
    """Non-saturating GAN: G maximizes E log D(G(z)), so that it learns even where D rejects every sample.

    The fixed point of the minimax game with stronger early gradients; the two are no longer one game.
    """

    version: ClassVar[str] = "2"

    # Networks: those of a GAN text for MNIST, 100-256-512-784 and 784-512-256-1. Learning rates: the best of
    # six settings by Fréchet distance to held-out images, docs/search.md; 2e-4, the habit of convolutional
    # GANs, is far from done after 2,000 steps of these.
    latent: Annotated[int, Gt(0)] = 100
    generator: Backbone = MLP(hidden=(256, 512), batch_norm=True)
    discriminator: Backbone = MLP(hidden=(512, 256))
    generator_optimizer: Optimizer = Adam(lr=1e-3, betas=(0.5, 0.999))
    discriminator_optimizer: Optimizer = Adam(lr=1e-3, betas=(0.5, 0.999))
    discriminator_steps: Annotated[int, Gt(0)] = 1

    def prior(self, data: DataInfo) -> Noise:  # noqa: ARG002 - the same for all data
        """z ~ N(0, I)."""
        return Noise((self.latent,))

    @property
    def players(self) -> tuple[Player, ...]:
        """``discriminator_steps`` updates of D, then one of G."""
        return adversarial.game(
            judge="discriminator",
            judge_loss=self.discriminator_loss,
            judge_optimizer=self.discriminator_optimizer,
            judge_steps=self.discriminator_steps,
            generator_loss=self.generator_loss,
            generator_optimizer=self.generator_optimizer,
            prior=Noise((self.latent,)),
        )

    def networks(self, data: DataInfo) -> Mapping[str, nn.Module]:
        """G and D, freshly initialized."""
        return adversarial.networks(self.generator, self.discriminator, self.latent, data)

    def discriminator_loss(self, nets: Nets, batch: Batch) -> tuple[Tensor, Logs]:
        """D ascends E log D(x) + E log(1 - D(G(z)))."""
        fake = self.sample(nets, batch.noise["z"])
        real, fake = adversarial.judge_both(nets, batch.x, fake, apart=self.discriminator.batch_norm)
        logs = {"D(x)": real.sigmoid().mean(), "D(G(z))": fake.sigmoid().mean()}
        return discriminator_loss(real, fake), logs

    def generator_loss(self, nets: Nets, batch: Batch) -> tuple[Tensor, Logs]:
        """G ascends E log D(G(z))."""
        fake = adversarial.judge(nets, self.sample(nets, batch.noise["z"]))
        return non_saturating_generator_loss(fake), {}

    def judge(self, nets: Nets, x: Tensor) -> Tensor:
        """Examples (B, ...) to logits (B,)."""
        return adversarial.judge(nets, x)

    def sample(self, nets: Nets, z: Tensor) -> Tensor:
        """x = tanh G(z) of an image, G(z) of a point."""
        return adversarial.generate(nets, z)
