"""The fully connected backbone: ``hidden = [256, 512]`` in a suite."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from annotated_types import Gt, MinLen
from torch import nn

from genbench.models.normalization import BatchNorm
from genbench.models.optim import FORBID_UNKNOWN

LEAK = 0.2
"""Slope of LeakyReLU below zero in encoders (Radford et al. 2016, arXiv:1511.06434)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MLP:
    """Layers of the given widths. Decoders use ReLU, encoders LeakyReLU(0.2).

    ``latent = 100``, a decoder of ``hidden = [256]`` and an encoder of ``hidden = [256]`` on 28 x 28
    images are the networks 100-256-784 and 784-256-1.
    """

    __pydantic_config__ = FORBID_UNKNOWN

    name: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[Annotated[int, Gt(0)], ...], MinLen(1)] = (256, 512)
    batch_norm: bool = False

    def decoder(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Latents (B, latent) to values (B, *shape) without a final nonlinearity."""
        layers = self._layers(latent, nn.ReLU())
        return nn.Sequential(*layers, nn.Linear(self.hidden[-1], math.prod(shape)), nn.Unflatten(1, shape))

    def encoder(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Examples (B, *shape) to (B, outputs) without a final nonlinearity."""
        layers = self._layers(math.prod(shape), nn.LeakyReLU(LEAK))
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(self.hidden[-1], outputs))

    def _layers(self, inputs: int, activation: nn.Module) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for width, following in pairwise((inputs, *self.hidden)):
            # a bias before batch normalization would be subtracted again
            layers.append(nn.Linear(width, following, bias=not self.batch_norm))
            layers += [BatchNorm(following)] if self.batch_norm else []
            layers.append(activation)
        return layers
