"""Inversion: the latent whose image comes nearest to a given one."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from genbench.measures.generator import Generator
from genbench.measures.posthoc_encoder import PosthocEncoder

_RATE = 0.05


class Inverted(NamedTuple):
    """Latents found, and how far from the examples their images are.

    Attributes:
        z: (N, d) the best latent of each example.
        error: (N,) its squared distance ‖G(z) - x‖²; infinite where no image was finite.
        by_start: (S, N) the best error from each start, the encoder's first.
    """

    z: Tensor
    error: Tensor
    by_start: Tensor


def invert(
    generator: Generator,
    x: Tensor,
    *,
    encoder: PosthocEncoder | None,
    restarts: int,
    steps: int,
    seed: int,
) -> Inverted:
    """e(x) = min_z ‖G(z) - x‖² by Adam (rate 0.05) on all examples and starts at once; the best z is kept.

    Starts are the encoder's mean and ``restarts`` draws of the prior. The problem is not convex, so that e is
    an upper bound: compare the starts. Nothing holds z near the prior; look at its norm. Source: the scheme
    of Zhu et al. 2020 (In-Domain GAN Inversion, arXiv:2004.00049) without their regularizer.

    Args:
        generator: whose latents are sought.
        x: (N, ...) examples as ``generator.decode`` gives them.
        encoder: of the first start; ``None`` for none.
        restarts: starts drawn from the prior.
        steps: of Adam.
        seed: names the stream of the starts.

    Raises:
        ValueError: neither an encoder nor a restart to start from.
    """
    x = x.to(generator.device)
    n = len(x)
    starts = [] if encoder is None else [encoder.mean(x).to(generator.device)]
    starts += [generator.draw(n, "inversion", seed, r) for r in range(restarts)]
    if not starts:
        raise ValueError("there is nothing to start from: give an encoder or at least one restart")
    target = x.repeat(len(starts), *[1] * (x.ndim - 1))
    z = torch.cat(starts).detach().requires_grad_()
    best = z.detach().clone()
    lowest = torch.full((len(z),), torch.inf, device=z.device)
    optimizer = torch.optim.Adam([z], _RATE)
    with torch.enable_grad():
        for step in range(steps + 1):
            error = (generator.decode(z) - target).flatten(1).pow(2).sum(1)
            now = error.detach()
            better = now < lowest  # never where it is NaN
            lowest = torch.where(better, now, lowest)
            best = torch.where(better[:, None], z.detach(), best)
            if step < steps:
                optimizer.zero_grad()
                error.sum().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    by_start = lowest.view(len(starts), n)
    chosen = by_start.argmin(0)
    each = torch.arange(n, device=z.device)
    return Inverted(best.view(len(starts), n, -1)[chosen, each], by_start[chosen, each], by_start)
