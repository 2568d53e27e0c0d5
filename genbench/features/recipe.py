"""How an extractor's weights are made; anyone can make them again.

    python -m genbench.features.recipe --dataset mnist -o mnist_cnn.safetensors

takes a few minutes on two cores, prints the test accuracy, and fails below 99.2 %.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genbench import __version__
from genbench.core.errors import GenbenchError
from genbench.core.ids import derive_seed
from genbench.core.registry import datasets
from genbench.features.cnn import SmallCNN
from genbench.features.weightfile import save

RECIPE = "1"
"""Raised whenever training would give other weights: networks of different recipes are different rulers."""

ENOUGH = 0.992
"""Test accuracy that the shipped MNIST network must reach."""

_EPOCHS = 14
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
    """Train a classifier on augmented images: AdamW, one learning-rate cycle, 14 epochs.

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
    total = max(_MIN_STEPS, _EPOCHS * math.ceil(len(images) / _BATCH))
    generator = torch.Generator().manual_seed(derive_seed(seed, "extractor", "batches"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "extractor", "weights"))
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
    """Indices of batches without end, every image once an epoch."""
    while True:
        yield from torch.split(torch.randperm(count, generator=generator), _BATCH)


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


def main(arguments: list[str] | None = None) -> int:
    """Train, test and write an extractor; exit code 1 where it is not good enough, 2 without data."""
    parser = argparse.ArgumentParser(prog="python -m genbench.features.recipe", description=__doc__)
    parser.add_argument("--dataset", default="mnist", choices=datasets.names(), help="what to train on")
    parser.add_argument("-o", "--output", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        data = datasets.get(options.dataset)().load()
    except GenbenchError as error:
        print(error, file=sys.stderr)
        return 2
    classes = len(data.info.classes)
    network = train(data.train_images, data.train_labels, classes=classes, seed=options.seed)
    share = accuracy(network, data.test_images, data.test_labels)
    print(f"test accuracy {100 * share:.2f} % on {options.dataset}")
    if share < ENOUGH:
        print(f"below {100 * ENOUGH:.1f} %: not written. Try another --seed.", file=sys.stderr)
        return 1
    notes = {"recipe": RECIPE, "data": data.hash, "accuracy": f"{share:.4f}", "genbench": __version__}
    digest = save(
        network.cpu(), options.output, {**notes, "dataset": options.dataset, "seed": str(options.seed)}
    )
    print(f"{options.output}: weight hash {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
