"""The convolutional backbone for images: ``name = "conv", channels = [64, 128]`` in a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from annotated_types import Gt, MinLen
from torch import nn

from genbench.core.errors import SuiteError
from genbench.models.convolution import ChannelsFirst, ChannelsLast, Down, Up
from genbench.models.mlp import LEAK
from genbench.models.normalization import BatchNorm
from genbench.models.optim import FORBID_UNKNOWN

INIT_STD = 0.02
"""Of initial weights (Radford et al. 2016, arXiv:1511.06434, section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv:
    """4 x 4 kernels of stride 2, LeakyReLU(0.2), initial weights N(0, 0.02).

    The networks of InfoGAN (Chen et al. 2016, arXiv:1606.03657, appendix C.1) as the study of Lucic et al.
    2018 (arXiv:1711.10337) uses them. With ``channels = [64, 128]`` and ``dense = 1024`` an encoder of 28 x
    28 images is conv 64 - conv 128 - dense 1024 - dense out, a decoder dense 1024 - dense 128 x 7 x 7 -
    deconv 64 - deconv out. Batch normalization follows every hidden layer but an encoder's first. Sides must
    be divisible by 2 for every entry of ``channels``: 28 and 32 by two.
    """

    __pydantic_config__ = FORBID_UNKNOWN

    name: Literal["conv"] = "conv"
    channels: Annotated[tuple[Annotated[int, Gt(0)], ...], MinLen(1)] = (64, 128)
    dense: Annotated[int, Gt(0)] = 1024
    batch_norm: bool = False

    def decoder(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Latents (B, latent) to images (B, C, H, W) without a final nonlinearity.

        Raises:
            SuiteError: the data is not of images, or their sides do not divide.
        """
        image, height, width = self._smallest(shape)
        smallest = (height, width, self.channels[-1])
        flat = self.channels[-1] * height * width
        layers = [
            *self._hidden(nn.Linear(latent, self.dense, bias=not self.batch_norm), self.dense),
            *self._hidden(nn.Linear(self.dense, flat, bias=not self.batch_norm), flat),
            nn.Unflatten(1, smallest),
        ]
        for wide, narrow in pairwise(reversed(self.channels)):
            layers += self._hidden(Up(wide, narrow, bias=not self.batch_norm), narrow)
        return _initialized([*layers, Up(self.channels[0], image), ChannelsFirst()])

    def encoder(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Images (B, C, H, W) to (B, outputs) without a final nonlinearity.

        Raises:
            SuiteError: the data is not of images, or their sides do not divide.
        """
        image, height, width = self._smallest(shape)
        layers: list[nn.Module] = [ChannelsLast(), Down(image, self.channels[0]), nn.LeakyReLU(LEAK)]
        for narrow, wide in pairwise(self.channels):
            layers += self._hidden(Down(narrow, wide, bias=not self.batch_norm), wide)
        flat = self.channels[-1] * height * width
        layers += [
            nn.Flatten(),
            *self._hidden(nn.Linear(flat, self.dense, bias=not self.batch_norm), self.dense),
            nn.Linear(self.dense, outputs),
        ]
        return _initialized(layers)

    def _hidden(self, layer: nn.Module, features: int) -> list[nn.Module]:
        return [layer, *([BatchNorm(features)] if self.batch_norm else []), nn.LeakyReLU(LEAK)]

    def _smallest(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Channels of the image, height and width of the innermost feature maps."""
        if len(shape) != 3:
            raise SuiteError(
                f"the conv backbone is for images, and this data has shape {shape}. Use the mlp backbone."
            )
        image, height, width = shape
        factor = 2 ** len(self.channels)
        if height % factor or width % factor:
            raise SuiteError(
                f"the conv backbone halves images once for each of its channels = {list(self.channels)}, and "
                f"{height} x {width} cannot be divided by {factor}. Use fewer channels, images whose sides "
                f"are multiples of {factor}, or the mlp backbone."
            )
        return image, height // factor, width // factor


def _initialized(layers: Sequence[nn.Module]) -> nn.Module:
    for layer in layers:
        if isinstance(layer, nn.Linear | Down | Up):
            nn.init.normal_(layer.weight, 0, INIT_STD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)
