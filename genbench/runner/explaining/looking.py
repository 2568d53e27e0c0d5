"""What every section looks at: images as arrays, places in the prior, classes and factors of samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genbench.measures.generator import Generator
from genbench.report.explanation.content import Images, Numbers
from genbench.runner.explaining.opening import Opened

_AT_ONCE = 250


@dataclass(frozen=True, eq=False)
class Lens:
    """An opened trial with the seed of the page.

    Attributes:
        opened: the trial.
        seed: of all that is drawn.
    """

    opened: Opened
    seed: int

    @property
    def generator(self) -> Generator:
        """Of the trial."""
        return self.opened.generator

    def draw(self, n: int, *purpose: str) -> Tensor:
        """Latents (n, d) of the page's own streams."""
        return self.generator.draw(n, "explain", self.seed, *purpose)

    def decode(self, z: Tensor) -> Tensor:
        """Samples (N, C, H, W) without gradients, some at a time."""
        with torch.no_grad():
            return torch.cat([self.generator.decode(part) for part in torch.split(z, _AT_ONCE)])


def as_images(x: Tensor) -> Images:
    """Images in [0, 1] as an array."""
    array: Images = x.detach().clamp(0, 1).cpu().numpy().astype(np.float32)
    return array


def as_numbers(x: Tensor) -> Numbers:
    """Any tensor as float64."""
    array: Numbers = x.detach().cpu().numpy().astype(np.float64)
    return array


def as_stored(x: Tensor) -> Tensor:
    """Images in [0, 1] as extractors read them: uint8."""
    return (x.detach().clamp(0, 1) * 255).round().to(torch.uint8)


def examples(stored: NDArray[np.uint8 | np.float32], device: torch.device) -> Tensor:
    """Stored images as ``decode`` gives them, in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(stored)).to(device).float() / 255


def quantiles(places: Tensor, distribution: str) -> Tensor:
    """Where a normal latent has ``places``, this prior has values of the same quantile."""
    if distribution == "normal":
        return places
    return torch.erf(places / 2**0.5)  # 2 Φ(u) - 1, the quantile of U(-1, 1)


def chunks(n: int, size: int) -> Iterator[slice]:
    """Slices of ``size`` that cover ``n``."""
    return (slice(start, start + size) for start in range(0, n, size))
