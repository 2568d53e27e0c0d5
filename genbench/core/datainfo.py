"""What a model and a measure need to know of a dataset, without its content."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataInfo:
    """The shape of one example and what its classes are called.

    Attributes:
        name: the dataset's name, as records and tables say it.
        shape: of one example: (C, H, W) of an image, or (D,) of a point.
        classes: names of the classes, in label order; empty where there are no labels.
    """

    name: str
    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()

    @property
    def is_image(self) -> bool:
        """Images are uint8 and bounded; points are float32 and may lie anywhere."""
        return len(self.shape) == 3

    @property
    def size(self) -> int:
        """Numbers in one example: C * H * W, or D."""
        return math.prod(self.shape)
