"""A generator as a function of its latent: what trained lanes, untrained ones and oracles have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from genbench.core.ids import derive_seed


@dataclass(frozen=True, eq=False)
class Networks:
    """What can be seen inside the networks of a generator that has any.

    Attributes:
        hidden: latents (N, d) to the output of every hidden layer of the generator, by its name, in the order
            of the computation; each (N, units) or, of a convolution, (N, H, W, units).
        without: latents (N, d), the name of a hidden layer and a mask (units,) to the samples that come of it
            where that layer's output is multiplied by the mask.
        first: latents (N, d) to what the first nonlinearity of the generator takes, (N, units): an affine
            function of the latent, batch normalization folded in.
        seen: examples (N, ...) as ``decode`` gives them to the output of every hidden layer of the network
            that looks at examples (a discriminator, critic or encoder), by its name, in the order of the
            computation, each (N, units); ``None`` where no network does.
    """

    hidden: Callable[[Tensor], dict[str, Tensor]]
    without: Callable[[Tensor, str, Tensor], Tensor]
    first: Callable[[Tensor], Tensor]
    seen: Callable[[Tensor], dict[str, Tensor]] | None


@dataclass(frozen=True, eq=False)
class Generator:
    """A generator, and what the model around it can say of examples.

    All functions are of one sample each (evaluation mode), in float32, differentiable, and may be passed to
    ``torch.func``. Parameters take no gradient.

    Attributes:
        latent: size d of the latent.
        distribution: of each coordinate of the latent: N(0, 1) or U(-1, 1).
        seed: of the trial; names the streams of latents.
        device: where it computes.
        decode: latents (N, d) to images (N, C, H, W) in [0, 1], or to points (N, D).
        score: examples as ``decode`` gives them to how real the model holds each to be, (N,): the logit or
            critic value of a discriminator, or a bound on ln p(x) with the latent at its mean; ``None`` for a
            model that says nothing of it.
        scored_by: what ``score`` is.
        encode: examples to the mean of their latents, (N, d), where the model has an encoder of its own.
        networks: what can be seen inside; ``None`` for oracles.
    """

    latent: int
    distribution: Literal["normal", "uniform"]
    seed: int
    device: torch.device
    decode: Callable[[Tensor], Tensor]
    score: Callable[[Tensor], Tensor] | None = None
    scored_by: Literal["discriminator", "bound", ""] = ""
    encode: Callable[[Tensor], Tensor] | None = None
    networks: Networks | None = None

    def draw(self, n: int, *purpose: str | int) -> Tensor:
        """``n`` latents (n, d) of the stream that ``purpose`` names: the same ones every time."""
        random = torch.Generator().manual_seed(derive_seed(self.seed, "generator", *purpose))
        z = torch.empty(n, self.latent)
        if self.distribution == "normal":
            z.normal_(generator=random)
        else:
            z.uniform_(-1, 1, generator=random)
        return z.to(self.device)
