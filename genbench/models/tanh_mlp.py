"""A small smooth backbone, whose loss has second derivatives everywhere: ``name = "tanh_mlp"`` in a suite."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt, MinLen
from torch import nn

from genbench.models.optim import FORBID_UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class TanhMLP:
    """Fully connected layers of the given widths with tanh between them, in decoders and encoders alike.

    For the measure ``rotation``, which differentiates twice: the second derivative of a ReLU network is zero
    almost everywhere and jumps at its kinks.
    """

    __pydantic_config__ = FORBID_UNKNOWN

    batch_norm: ClassVar[bool] = False

    name: Literal["tanh_mlp"] = "tanh_mlp"
    hidden: Annotated[tuple[Annotated[int, Gt(0)], ...], MinLen(1)] = (8, 8)

    def decoder(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Latents (B, latent) to values (B, *shape) without a final nonlinearity."""
        layers = self._layers(latent)
        return nn.Sequential(*layers, nn.Linear(self.hidden[-1], math.prod(shape)), nn.Unflatten(1, shape))

    def encoder(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Examples (B, *shape) to (B, outputs) without a final nonlinearity."""
        layers = self._layers(math.prod(shape))
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(self.hidden[-1], outputs))

    def _layers(self, inputs: int) -> list[nn.Module]:
        return [
            layer
            for width, following in pairwise((inputs, *self.hidden))
            for layer in (nn.Linear(width, following), nn.Tanh())
        ]
