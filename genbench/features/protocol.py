"""What stands between samples and metrics: a ruler with an identity."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor


class Features(NamedTuple):
    """What an extractor says of N samples, on the CPU.

    Attributes:
        values: (N, D) float32 features.
        probabilities: (N, classes) float32, rows sum to 1; no columns where nothing is classified.
    """

    values: Tensor
    probabilities: Tensor


class Samples(Protocol):
    """Examples or samples, read in slices, so that they need not be in memory at once. A tensor is such."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, rows: slice, /) -> Tensor:
        """These rows: images (n, C, H, W) uint8 or points (n, D) float32."""


class FeatureExtractor(Protocol):
    """What makes features of samples, the same way for everyone who has the same hash.

    Attributes:
        id: which extractor.
        hash: of its weights, 12 hexadecimal digits.
        pinned: whether it ships with genbench, so that everyone has the same.
    """

    @property
    def id(self) -> str:
        """Which."""

    @property
    def hash(self) -> str:
        """Of its weights."""

    @property
    def pinned(self) -> bool:
        """Whether everyone has the same."""

    def __call__(self, samples: Samples) -> Features:
        """Features of every sample, each by itself."""
        ...
