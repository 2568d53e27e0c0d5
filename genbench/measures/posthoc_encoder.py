"""The post-hoc encoder: one network, trained alike for every generator, that tells latents from samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from genbench.core.ids import derive_seed
from genbench.measures.generator import Generator

SIGMA = 0.1
"""Standard deviation of the noise on what the encoder reads, in the units of examples."""

STEPS = 1500
BATCH = 128
POOL = 160 * BATCH
"""Pairs that are drawn: more would double the time of generators that are slow."""

_WIDTHS = (256, 128)
_RATE = 1e-3
_SLOPE = 0.2
_CHUNK = 1000
_SMALLEST = 0.1  # nothing is enlarged more than tenfold, or a constant generator's rounding would be read
_LOG_SD = 7.0  # |ln sd| at most: without noise the likelihood has no bound


@dataclass(frozen=True, eq=False)
class PosthocEncoder:
    """q(z | x), a Gaussian with diagonal covariance whose moments a network reads off x.

    Attributes:
        layers: weights and biases.
        center: (...) mean of what the generator makes.
        scale: what deviations from it are divided by.
        sigma: standard deviation of the noise it was trained under.
        device: where it computes.
    """

    layers: tuple[tuple[Tensor, Tensor], ...]
    center: Tensor
    scale: float
    sigma: float
    device: torch.device

    def mean(self, x: Tensor) -> Tensor:
        """Examples (N, ...), images in [0, 1], to the means of their latents, (N, d)."""
        with torch.no_grad():
            return torch.cat([_moments(self, part)[0] for part in torch.split(x.to(self.device), _CHUNK)])

    def log_density(self, z: Tensor, x: Tensor) -> Tensor:
        """ln q(z | x) in nats, (N,), of latents (N, d) given examples (N, ...) as they are."""
        with torch.no_grad():
            pairs = zip(*(torch.split(a.to(self.device), _CHUNK) for a in (z, x)), strict=True)
            return torch.cat([_log_density(part, *_moments(self, of)) for part, of in pairs])

    def noisy(self, x: Tensor, *purpose: str | int) -> Tensor:
        """Examples under the noise it was trained with, the stream that ``purpose`` names."""
        random = torch.Generator().manual_seed(derive_seed(0, "posthoc encoder", "noise", *purpose))
        return x + self.sigma * torch.empty(x.shape).normal_(generator=random).to(x.device)


def fit_encoder(generator: Generator, *, sigma: float = 0.0, steps: int = STEPS, seed: int) -> PosthocEncoder:
    """Train q(z | x) on pairs z ~ p(z), x = G(z) + σ ε by maximum likelihood.

    A network of two layers (256 and 128 units, LeakyReLU), Adam with a rate that falls from 0.001 to 0 along
    a cosine, batches of 128 out of 20,480 pairs, each time under
    fresh noise. Its means say what of z can be read off x, whatever the model's own
    encoder, if any, would say (Khrulkov et al. 2021, arXiv:2106.06959, train encoders of GANs so). Trained on
    what the generator makes, it extrapolates on real examples where these are not covered. A generator that
    is not finite gives an encoder that says NaN.

    Args:
        generator: of images in [0, 1] or of points.
        sigma: standard deviation of the noise on x, in the units of examples.
        steps: of training.
        seed: names the streams of weights, latents and noise.
    """
    device = generator.device
    random = torch.Generator().manual_seed(derive_seed(seed, "posthoc encoder", "training"))
    pool = generator.draw(POOL, "posthoc encoder", seed)
    with torch.no_grad():
        made = torch.cat([generator.decode(part) for part in torch.split(pool, _CHUNK)])
        center = made.mean(0)
        spread = float((made - center).double().pow(2).mean().sqrt())
    scale = max(_SMALLEST, math.hypot(spread, sigma)) if math.isfinite(spread) else 1.0
    sizes = (center.numel(), *_WIDTHS, 2 * generator.latent)
    layers = tuple(_layer(i, o, random, device) for i, o in pairwise(sizes))
    encoder = PosthocEncoder(layers, center, scale, sigma, device)
    parameters = [tensor for layer in layers for tensor in layer]
    optimizer = torch.optim.Adam(parameters, _RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
    for step in range(steps):
        first = step * BATCH % POOL
        z, x = (of[first : first + BATCH] for of in (pool, made))
        if sigma:
            x = x + sigma * torch.empty(x.shape).normal_(generator=random).to(device)
        with torch.enable_grad():
            loss = -_log_density(z, *_moments(encoder, x)).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
    for parameter in parameters:
        parameter.requires_grad_(False)
    return encoder


@lru_cache(maxsize=8)
def encoder_of(generator: Generator) -> PosthocEncoder:
    """The encoder that every measure of this generator shares, trained when first asked for."""
    return fit_encoder(generator, sigma=SIGMA, seed=generator.seed)


def _moments(encoder: PosthocEncoder, x: Tensor) -> tuple[Tensor, Tensor]:
    """(N, d) mean and logarithm of the standard deviation."""
    h = ((x - encoder.center) / encoder.scale).flatten(1)
    for i, (weight, bias) in enumerate(encoder.layers):
        h = functional.linear(functional.leaky_relu(h, _SLOPE) if i else h, weight, bias)
    mean, log_sd = h.chunk(2, 1)
    return mean, _LOG_SD * torch.tanh(log_sd / _LOG_SD)


def _log_density(z: Tensor, mean: Tensor, log_sd: Tensor) -> Tensor:
    u = (z - mean) * torch.exp(-log_sd)
    return -(u.pow(2) / 2 + log_sd + math.log(2 * math.pi) / 2).sum(1)


def _layer(inputs: int, outputs: int, random: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """Weights and biases uniform within 1 / √inputs."""
    reach = inputs**-0.5
    w, b = (
        torch.empty(*s).uniform_(-reach, reach, generator=random) for s in ((outputs, inputs), (outputs,))
    )
    return w.to(device).requires_grad_(), b.to(device).requires_grad_()
