"""What is compared: models, batch sizes and lanes of ours, each beside a script that does the same work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.core.registry import datasets, models
from genbench.models.conv import Conv
from genbench.models.mlp import MLP
from genbench.models.optim import Adam
from genbench.models.protocol import GenerativeModel
from versus import scripts

IMAGES = 60_000
"""Random images of MNIST's shape: what pixels hold does not change the time, and no file is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the comparison.

    Attributes:
        name: as the command takes it.
        title: what it is, for people.
        model: ours.
        script: the eager side; it takes the same examples as floats.
        batch_size: of every update.
        lanes: numbers of seeds that ours trains at once, one contestant each.
        float32_lanes: the same in float32, where the precision would be another.
        points: on the ring's points instead of images.
    """

    name: str
    title: str
    model: GenerativeModel
    script: Callable[[scripts.Given], scripts.Script]
    batch_size: int
    lanes: tuple[int, ...]
    float32_lanes: tuple[int, ...] = ()
    points: bool = False

    @property
    def info(self) -> DataInfo:
        """Shape of the examples."""
        return DataInfo("ring", (2,)) if self.points else DataInfo("random images", scripts.IMAGE)

    def examples(self) -> Tensor:
        """What both sides are trained on: uint8 images (N, 1, 28, 28), or float32 points (N, 2)."""
        if self.points:
            return torch.from_numpy(datasets.get("ring")().load().train_examples)
        generator = torch.Generator().manual_seed(0)
        return torch.randint(0, 256, (IMAGES, *scripts.IMAGE), dtype=torch.uint8, generator=generator)


def _mlp_gan(given: scripts.Given) -> scripts.Script:
    return scripts.ns_gan(scripts.mlp_generator(), scripts.mlp_discriminator(), 100, 1e-3, given)


def _conv_gan(given: scripts.Given) -> scripts.Script:
    return scripts.ns_gan(scripts.conv_generator(), scripts.conv_discriminator(), 64, 2e-4, given)


def _wgan(given: scripts.Given) -> scripts.Script:
    return scripts.wgan(scripts.mlp_generator(), scripts.mlp_discriminator(), 100, 2e-4, given)


def _ring(given: scripts.Given) -> scripts.Script:
    return scripts.ns_gan(scripts.ring_generator(), scripts.ring_discriminator(), 2, 5e-4, given)


def _ns_gan(rate: float, **options: Any) -> GenerativeModel:
    adam = Adam(lr=rate, betas=(0.5, 0.999))
    model: GenerativeModel = models.get("ns_gan")(
        generator_optimizer=adam, discriminator_optimizer=adam, **options
    )
    return model


MLP_GAN = partial(
    Case,
    model=_ns_gan(
        1e-3,
        latent=100,
        generator=MLP(hidden=(256, 512), batch_norm=True),
        discriminator=MLP(hidden=(512, 256)),
    ),
    script=_mlp_gan,
    lanes=(1, 5, 16),
    float32_lanes=(5,),
)

CASES = {
    case.name: case
    for case in (
        MLP_GAN(name="mlp-gan", title="ns_gan 100-256-512-784, 784-512-256-1", batch_size=128),
        MLP_GAN(name="mlp-gan-64", title="the same with a batch of 64", batch_size=64),
        Case(
            name="wgan",
            title="wgan of the same networks, 5 critic updates, clipped",
            model=models.get("wgan")(critic_steps=5),
            script=_wgan,
            batch_size=128,
            lanes=(5,),
        ),
        Case(
            name="vae",
            title="vae 784-512-256-20",
            model=models.get("vae")(latent=20),
            script=partial(scripts.vae, 20),
            batch_size=128,
            lanes=(5,),
        ),
        Case(
            name="ring",
            title="ns_gan of points, 2-128-128-2, 2-128-128-1",
            model=_ns_gan(
                5e-4, latent=2, generator=MLP(hidden=(128, 128)), discriminator=MLP(hidden=(128, 128))
            ),
            script=_ring,
            batch_size=100,
            lanes=(10,),
            points=True,
        ),
        Case(
            name="conv-gan",
            title="ns_gan of InfoGAN's convolutional networks",
            model=_ns_gan(2e-4, latent=64, generator=Conv(batch_norm=True), discriminator=Conv()),
            script=_conv_gan,
            batch_size=64,
            lanes=(1, 4),
        ),
    )
}
"""By name, in the order they are run."""
