"""A fresh critic: how well a new network, the same for all models, tells samples from real examples."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from genbench.core.ids import derive_seed
from genbench.metrics.judging import auc, divergence_bound

STEPS = 800
"""Of its training: about two seconds on one core for images of 784 pixels."""

MOST = 5000
"""Examples of each side that it is trained on, and as many that it is judged by, at most."""

_BATCH = 64  # of each side
_HIDDEN = 128
_RATE = 1e-3
_NOISE = 0.02  # of the range of a pixel: hides what is left of how an image was rounded
_SLOPE = 0.2
_CHOOSING = 5  # one in so many training examples is kept to choose the weights by
_EVERY = 50  # steps between two looks at them


class Verdict(NamedTuple):
    """What a fresh critic says of held-out examples.

    Attributes:
        divergence: lower bound on the Jensen-Shannon divergence, in nats, at most ln 2.
        auc: probability that it scores a real example above a sample.
        n: held-out examples of the smaller side.
    """

    divergence: float
    auc: float
    n: int


def fresh_critic(train: Tensor, test: Tensor, samples: Tensor, *, seed: int) -> Verdict:
    """Train a critic on training examples and half of the samples; judge test examples and the other half.

    An MLP of two hidden layers of 128 units with leaky rectifiers, binary cross-entropy, 800 steps of Adam
    (1e-3) on 64 examples of each side. A fifth of what it is trained on chooses which weights of the way are
    used, those before training included; nothing that it is judged by is seen before. Images are as they are
    stored, in 8 bits, both sides alike, with noise of .02 of the range on every pixel; points are scaled by
    the mean and standard deviation of the training points. It computes on the CPU, so that every machine
    trains the same one.

    The counterpart of a discriminator's accuracy for models of any family, which is the same game for all of
    them (Goodfellow et al. 2014, theorem 1; Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample
    tests").

    Bias: downward; it is a lower bound, and this critic is small. Known failures: it saturates at ln 2 for
    all models that are easily told apart, and then says nothing of which is nearer; of few examples it
    learns little, which flatters.

    Args:
        train: (N, ...) real training examples as they are stored: uint8 images, float32 points.
        test: (M, ...) real test examples.
        samples: (K, ...) generated ones, K ≥ 4.
        seed: of its weights, batches and noise.

    Raises:
        ValueError: too few examples, points that are not finite, or training points that are all alike.
    """
    if len(train) < 2 or not len(test) or len(samples) < 4:
        raise ValueError(
            f"{len(train)} training examples, {len(test)} test examples and {len(samples)} samples are too "
            "few for a critic"
        )
    random = torch.Generator().manual_seed(derive_seed(seed, "fresh critic"))
    half = len(samples) // 2
    real, held, fake, judged = (_some(side, random) for side in (train, test, samples[:half], samples[half:]))
    place, spread = _scale(real)

    def read(side: Tensor) -> Tensor:
        return (side.cpu().flatten(1).float() - place) / spread

    noise = _NOISE * 2 if train.dtype == torch.uint8 else 0.0  # of numbers from -1 to 1
    real, held, fake, judged = map(read, (real, held, fake, judged))
    if not all(bool(side.isfinite().all()) for side in (real, held, fake, judged)):
        raise ValueError("points that are not finite have no critic")
    weights = _trained(real, fake, noise, random)
    with torch.no_grad():
        of_real, of_fake = (_logits(weights, _noisy(side, noise, random)) for side in (held, judged))
    return Verdict(divergence_bound(of_real, of_fake), auc(of_real, of_fake), min(len(held), len(judged)))


def _some(side: Tensor, random: torch.Generator) -> Tensor:
    """At most ``MOST`` of the examples, in random order."""
    return side[torch.randperm(len(side), generator=random)[:MOST].to(side.device)]


def _scale(real: Tensor) -> tuple[Tensor, Tensor]:
    """What is taken away from each number, and what it is divided by: pixels go to ±1."""
    if real.dtype == torch.uint8:
        return torch.tensor(127.5), torch.tensor(127.5)
    points = real.cpu().double()
    spread = points.std(0)
    if not bool((spread > 0).all()):
        raise ValueError("the training points are all alike in some coordinate")
    return points.mean(0).float(), spread.float()


def _trained(real: Tensor, fake: Tensor, noise: float, random: torch.Generator) -> list[Tensor]:
    """The weights that tell apart best what was not trained on."""
    sides = []
    for side in (real, fake):
        kept = max(1, len(side) // _CHOOSING)
        sides.append((side[kept:], side[:kept]))
    (real, real_kept), (fake, fake_kept) = sides
    weights = _initial(real.shape[1], random)
    real_kept, fake_kept = (_noisy(side, noise, random) for side in (real_kept, fake_kept))
    adam = torch.optim.Adam(weights, _RATE)
    best, chosen = -math.inf, weights
    for step in range(STEPS + 1):
        if step % _EVERY == 0:
            with torch.no_grad():
                told = divergence_bound(_logits(weights, real_kept), _logits(weights, fake_kept))
            if told > best:
                best, chosen = told, [w.detach().clone() for w in weights]
        loss = torch.zeros(())
        for side, sign in ((real, -1.0), (fake, 1.0)):
            batch = side[torch.randint(len(side), (_BATCH,), generator=random)]
            loss = loss + functional.softplus(sign * _logits(weights, _noisy(batch, noise, random))).mean()
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
    return chosen


def _initial(size: int, random: torch.Generator) -> list[Tensor]:
    """Weights and biases as He et al. (2015) draw them; the last layer begins at 0 and says nothing."""
    weights = []
    for fan_in, fan_out in ((size, _HIDDEN), (_HIDDEN, _HIDDEN)):
        gain = math.sqrt(2 / (1 + _SLOPE**2) / fan_in)
        weights += [gain * torch.randn(fan_out, fan_in, generator=random), torch.zeros(fan_out)]
    weights += [torch.zeros(1, _HIDDEN), torch.zeros(1)]
    return [w.requires_grad_() for w in weights]


def _logits(weights: list[Tensor], x: Tensor) -> Tensor:
    """(N,)."""
    for place in (0, 2):
        x = functional.leaky_relu(functional.linear(x, weights[place], weights[place + 1]), _SLOPE)
    return functional.linear(x, weights[4], weights[5])[:, 0]


def _noisy(x: Tensor, noise: float, random: torch.Generator) -> Tensor:
    return x + noise * torch.randn(x.shape, generator=random) if noise else x
