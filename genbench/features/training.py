"""Training a small classifier whose features measure a dataset's samples."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genbench.core.ids import derive_seed
from genbench.features.cnn import SmallCNN

RECIPE = "1"
"""Raised whenever training would give other weights: networks of different recipes are different rulers."""

_EPOCHS = 5
_MIN_STEPS = 600
_BATCH = 128
_PEAK_RATE = 4e-3
_DECAY = 1e-2


def train(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    classes: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> SmallCNN:
    """Train a classifier on augmented images: AdamW, one learning-rate cycle, 5 epochs.

    Small datasets get at least 600 steps. The random streams are this function's own: neither does it
    depend on torch's global seed, nor does it change it.

    Args:
        images: (N, C, H, W) uint8.
        labels: (N,) class indices below ``classes``.
        classes: number of classes.
        seed: decides initial weights, order and augmentation.
        device: where to train.

    Returns:
        The network, on ``device``, in evaluation mode.
    """
    total = max(_MIN_STEPS, _EPOCHS * (len(images) // _BATCH))
    generator = torch.Generator().manual_seed(derive_seed(seed, "extractor", "batches"))
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed accelerators too, which nobody would set back
        torch.default_generator.manual_seed(derive_seed(seed, "extractor", "weights"))
        network = SmallCNN(images.shape[1], classes)
    network = network.to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_RATE, total_steps=total)
    pixels, targets = torch.from_numpy(images), torch.from_numpy(labels)
    for batch in islice(_batches(len(images), generator), total):
        varied = augment(pixels[batch].float() / 255, generator).to(device)
        loss = functional.cross_entropy(
            network(varied).logits, targets[batch].to(device), label_smoothing=0.05
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return network.eval()


def _batches(count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of full batches without end, in a new order every epoch; what is over waits for the next."""
    size = min(_BATCH, count)
    while True:
        order = torch.randperm(count, generator=generator)
        yield from torch.split(order[: count // size * size], size)


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Vary a batch (N, C, H, W) in [0, 1]: position, size, angle, contrast, and for some resolution.

    A third of the images is scaled down to 7 to 12 pixels in height and up again, at the larger size that
    scikit-learn's digits have, so that the network also reads digits that were scanned at 8 x 8.
    """
    count, _, height, width = images.shape

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    coarse = torch.rand(count, generator=generator) < 1 / 3
    angle = uniform(-0.21, 0.21)  # radians: 12 degrees
    zoom = torch.where(coarse, uniform(0.9, 1.4), uniform(0.9, 1.1))
    wide, high = zoom * uniform(0.9, 1.1), zoom
    shift_x, shift_y = uniform(-0.14, 0.14), uniform(-0.14, 0.14)  # of half the image: 2 pixels of 28
    rows = (angle.cos() / wide, angle.sin() / wide, shift_x, -angle.sin() / high, angle.cos() / high, shift_y)
    grid = functional.affine_grid(
        torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False
    )
    varied = functional.grid_sample(images, grid, align_corners=False)

    rough = int(torch.randint(7, 13, (), generator=generator))
    size = (min(rough, height), max(1, round(min(rough, height) * width / height)))
    small = functional.interpolate(varied[coarse], size, mode="area")
    varied[coarse] = functional.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    return varied * uniform(0.7, 1.0).view(-1, 1, 1, 1)


@torch.no_grad()
def accuracy(network: SmallCNN, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Share of images (N, C, H, W) uint8 that the network, in evaluation mode, gives their label."""
    device = next(network.parameters()).device
    right = 0
    for start in range(0, len(images), 500):
        pixels = torch.from_numpy(images[start : start + 500]).to(device).float() / 255
        right += int((network(pixels).logits.argmax(1).cpu().numpy() == labels[start : start + 500]).sum())
    return right / len(images)
