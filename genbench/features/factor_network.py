"""The network that reads factors off images, and how it is trained."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genbench.core.ids import derive_seed

RECIPE = "1"
"""Raised whenever training would give other weights."""

_EPOCHS = 6
_MIN_STEPS = 300
_BATCH = 128
_PEAK_RATE = 4e-3
_DECAY = 1e-2
_WEIGHT_OF_FACTORS = 30.0  # a squared error of shares is small beside a cross-entropy
_GRID = 7


class FactorOutputs(NamedTuple):
    """What the network says of a batch: logits (N, classes), and shares of the factors' ranges (N, F)."""

    logits: Tensor
    shares: Tensor


class FactorCNN(nn.Module):
    """Two convolutions and a layer that the class and all factors are read from.

    Args:
        channels: C of the images.
        classes: number of classes.
        factors: number of factors.
    """

    def __init__(self, channels: int, classes: int, factors: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, 16, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(_GRID),
            nn.Flatten(),
            nn.Linear(32 * _GRID * _GRID, 128),
            nn.ReLU(),
        )
        self.classify = nn.Linear(128, classes)
        self.regress = nn.Linear(128, factors)

    def forward(self, images: Tensor) -> FactorOutputs:
        """Logits and shares of images (N, C, H, W), float32 in [0, 1]."""
        seen = self.trunk(images)
        return FactorOutputs(self.classify(seen), self.regress(seen))


def train(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    shares: NDArray[np.float32],
    *,
    classes: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> FactorCNN:
    """Train on cross-entropy of the class and squared error of the factors: AdamW, one cycle, 6 epochs.

    Fewer than 6,400 images get 300 steps. The random streams are this function's own.

    Args:
        images: (N, C, H, W) uint8.
        labels: (N,) class indices below ``classes``.
        shares: (N, F), from 0 at the low end of a factor's range to 1 at its high end.
        classes: number of classes.
        seed: decides initial weights and order.
        device: where to train.

    Returns:
        The network, on ``device``, in evaluation mode.
    """
    size = min(_BATCH, len(images))
    total = max(_MIN_STEPS, _EPOCHS * (len(images) // size))
    generator = torch.Generator().manual_seed(derive_seed(seed, "factor reader", "batches"))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, "factor reader", "weights"))
        network = FactorCNN(images.shape[1], classes, shares.shape[1])
    network = network.to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_RATE, total_steps=total)
    pixels, targets, wanted = (torch.from_numpy(array) for array in (images, labels, shares))
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(total):
        if len(order) < size:
            order = torch.randperm(len(images), generator=generator)
        batch, order = order[:size], order[size:]
        logits, found = network(pixels[batch].to(device).float() / 255)
        loss = functional.cross_entropy(logits, targets[batch].to(device))
        loss = loss + _WEIGHT_OF_FACTORS * functional.mse_loss(found, wanted[batch].to(device))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return network.eval()
