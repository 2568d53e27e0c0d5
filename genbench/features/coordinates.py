"""The features of points: their coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from genbench.core.errors import DataError
from genbench.core.ids import content_hash
from genbench.features.protocol import Features, Samples

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Points (N, D) float32 are their own features, in the data's own units; nothing is classified.

    Attributes:
        dimensions: D.
    """

    dimensions: int

    id: ClassVar[str] = "coordinates"
    hash: ClassVar[str] = content_hash("coordinates")
    pinned: ClassVar[bool] = True

    def __call__(self, samples: Samples) -> Features:
        """The points themselves.

        Raises:
            DataError: not points of this dimension.
        """
        starts = range(0, len(samples), _CHUNK)
        values = torch.cat(
            [torch.empty(0, self.dimensions), *(self._read(samples, start) for start in starts)]
        )
        return Features(values, torch.empty(len(values), 0))

    def _read(self, samples: Samples, start: int) -> torch.Tensor:
        points = samples[start : start + _CHUNK]
        if points.dtype != torch.float32 or points.shape[1:] != (self.dimensions,):
            raise DataError(
                f"expected float32 points of shape (N, {self.dimensions}), got {points.dtype} of shape "
                f"{tuple(points.shape)}."
            )
        return points.cpu()
