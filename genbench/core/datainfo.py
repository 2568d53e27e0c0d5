"""What a model and a measure need to know of a dataset, without its content."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataInfo:
    """The shape of one example and what its classes are called.

    Attributes:
        name: the dataset's name, as records and tables say it.
        shape: (C, H, W) of one image.
        classes: names of the classes, in label order; empty where there are no labels.
    """

    name: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Numbers in one example: C * H * W."""
        channels, height, width = self.shape
        return channels * height * width
