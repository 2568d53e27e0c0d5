"""Features of images whose channels are separate pictures: each channel through the same extractor."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genbench.core.errors import DataError
from genbench.features.extractor import Extractor
from genbench.features.protocol import Features, Samples

_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class PerChannel:
    """One extractor for every channel: stacked MNIST's digits are read one by one.

    Features of the channels stand side by side; the class of an image is the tuple of its channels'
    classes, the first channel the most significant digit, and its probability their product.

    Attributes:
        inner: reads a single channel (N, 1, H, W).
        channels: how many there are.
    """

    inner: Extractor
    channels: int

    @property
    def id(self) -> str:
        """Of the inner extractor, and that it is applied to each channel."""
        return f"{self.inner.id} per channel"

    @property
    def hash(self) -> str:
        """Of the inner extractor's weights."""
        return self.inner.hash

    @property
    def pinned(self) -> bool:
        """As the inner extractor."""
        return self.inner.pinned

    def __call__(self, samples: Samples) -> Features:
        """Images (N, C, H, W) uint8 to values (N, C * D) and probabilities (N, classes^C).

        Raises:
            DataError: other images.
        """
        values, probabilities = (torch.empty(len(samples), part.shape[1]) for part in self._empty())
        for start in range(
            0, len(samples), _CHUNK
        ):  # into place: a thousand probabilities an image, held once
            part = self._read(samples[start : start + _CHUNK])
            values[start : start + len(part.values)] = part.values
            probabilities[start : start + len(part.values)] = part.probabilities
        return Features(values, probabilities)

    def _read(self, images: Tensor) -> Features:
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != self.channels:
            raise DataError(
                f"extractor {self.id} reads uint8 images of {self.channels} channels, got {images.dtype} of "
                f"shape {tuple(images.shape)}."
            )
        read = self.inner(images.flatten(0, 1)[:, None])  # channels become images
        values = read.values.view(len(images), self.channels * read.values.shape[1])
        each = read.probabilities.view(len(images), self.channels, read.probabilities.shape[1])
        joint = each[:, 0]
        for channel in range(1, self.channels):
            joint = (joint[:, :, None] * each[:, channel, None, :]).flatten(1)
        return Features(values, joint)

    def _empty(self) -> Features:
        return self._read(torch.empty((0, self.channels, *self.inner.shape[1:]), dtype=torch.uint8))
