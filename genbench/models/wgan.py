"""The Wasserstein GAN with weight clipping (Arjovsky et al. 2017, arXiv:1701.07875, Algorithm 1)."""

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
from genbench.models.losses import wasserstein_critic_loss, wasserstein_generator_loss
from genbench.models.mlp import MLP
from genbench.models.optim import Optimizer, RMSprop
from genbench.models.protocol import Batch, Logs, Nets, Noise, Player


@models.register("wgan")
@dataclass(frozen=True, kw_only=True)
class WGAN:
    """Wasserstein GAN: the critic estimates a distance, its weights clipped to keep it Lipschitz.

    The paper's own settings: ``clip = 0.01``, RMSprop with ``lr = 5e-5``, ``critic_steps = 5``.
    """

    version: ClassVar[str] = "2"

    # Networks as for the other GANs. Learning rate and clip: the best of six settings by Fréchet distance to
    # held-out images, docs/search.md; with the paper's 5e-5 the critic learns too little in as many steps.
    latent: Annotated[int, Gt(0)] = 100
    generator: Backbone = MLP(hidden=(256, 512), batch_norm=True)
    critic: Backbone = MLP(hidden=(512, 256))
    generator_optimizer: Optimizer = RMSprop(lr=2e-4)
    critic_optimizer: Optimizer = RMSprop(lr=2e-4)
    critic_steps: Annotated[int, Gt(0)] = 5
    clip: Annotated[float, Gt(0)] = 0.01

    def prior(self, data: DataInfo) -> Noise:  # noqa: ARG002 - the same for all data
        """z ~ N(0, I)."""
        return Noise((self.latent,))

    @property
    def players(self) -> tuple[Player, ...]:
        """``critic_steps`` updates of the critic, each followed by clipping, then one of G."""
        return adversarial.game(
            judge="critic",
            judge_loss=self.critic_loss,
            judge_optimizer=self.critic_optimizer,
            judge_steps=self.critic_steps,
            generator_loss=self.generator_loss,
            generator_optimizer=self.generator_optimizer,
            prior=Noise((self.latent,)),
            clip=self.clip,
        )

    def networks(self, data: DataInfo) -> Mapping[str, nn.Module]:
        """G and the critic (called D in the network list), freshly initialized."""
        return adversarial.networks(self.generator, self.critic, self.latent, data)

    def critic_loss(self, nets: Nets, batch: Batch) -> tuple[Tensor, Logs]:
        """The critic ascends E f(x) - E f(G(z))."""
        fake = self.sample(nets, batch.noise["z"])
        real, fake = adversarial.judge_both(nets, batch.x, fake, apart=self.critic.batch_norm)
        return wasserstein_critic_loss(real, fake), {}

    def generator_loss(self, nets: Nets, batch: Batch) -> tuple[Tensor, Logs]:
        """G ascends E f(G(z))."""
        return wasserstein_generator_loss(adversarial.judge(nets, self.sample(nets, batch.noise["z"]))), {}

    def judge(self, nets: Nets, x: Tensor) -> Tensor:
        """Examples (B, ...) to critic values (B,)."""
        return adversarial.judge(nets, x)

    def sample(self, nets: Nets, z: Tensor) -> Tensor:
        """x = tanh G(z) of an image, G(z) of a point."""
        return adversarial.generate(nets, z)
