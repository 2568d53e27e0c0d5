"""The feature extractor of images: a frozen classifier, and what it says of images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from genbench.core.errors import DataError
from genbench.features.cnn import FEATURES, SmallCNN
from genbench.features.protocol import Features, Samples

_BATCH = 256


@dataclass(frozen=True, eq=False)
class Extractor:
    """A frozen network with an identity. Call it on images.

    Attributes:
        id: which extractor: "mnist-cnn", or "trained:<data hash>".
        hash: first 12 digits of the SHA-256 of its weights.
        network: the network, in evaluation mode.
        shape: (C, H, W) of the images that it reads.
        classes: names of the classes, in the order of the probabilities.
        pinned: whether the weights ship with genbench, so that everyone has the same.
    """

    id: str
    hash: str
    network: SmallCNN
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    pinned: bool

    def __call__(self, samples: Samples) -> Features:
        """Features and class probabilities of images (N, C, H, W) uint8 on any device.

        The same image gives the same features in any company: nothing is rescaled by the data, and the
        network always sees full batches of one layout in memory (the last one is filled up), so that no
        kernel is chosen by N or by strides.

        Raises:
            DataError: other shape or type than the extractor reads.
        """
        device = next(self.network.parameters()).device
        values = torch.empty(len(samples), FEATURES)
        probabilities = torch.empty(len(samples), len(self.classes))
        with torch.inference_mode(), exact(device):
            for start in range(0, len(samples), _BATCH):
                batch = samples[start : start + _BATCH]
                self._check(batch)
                count = len(batch)
                filled = torch.zeros((_BATCH, *self.shape), device=device)
                filled[:count] = batch.to(device).float() / 255
                outputs = self.network(filled)
                values[start : start + count] = outputs.features[:count].cpu()
                probabilities[start : start + count] = outputs.logits[:count].softmax(1).cpu()
        return Features(values, probabilities)

    def _check(self, images: Tensor) -> None:
        if images.dtype != torch.uint8 or images.shape[1:] != self.shape:
            raise DataError(
                f"extractor {self.id} reads uint8 images of shape (N, {', '.join(map(str, self.shape))}), "
                f"got {images.dtype} of shape {tuple(images.shape)}. Scale samples to 0-255 and resize them."
            )


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Full float32 whatever the trainer has chosen: no TF32, no autocast, no algorithm picked by timing."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with (
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
            torch.autocast(device.type, enabled=False),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
