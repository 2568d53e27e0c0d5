"""Polygons with known angles, after Lucic et al. 2018 (arXiv:1711.10337)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.registry import datasets
from genbench.data.counter import uniforms
from genbench.data.dataset import Dataset, Factors
from genbench.data.rendered import rendered

SMALLEST_GAP = 20.0
"""Degrees between two vertices next to each other, at least."""

ROTATION = 2 * np.pi
"""Largest rotation, in degrees: a full turn in radians, which the original takes for degrees."""


@datasets.register("polygons")
@dataclass(frozen=True, slots=True, kw_only=True)
class Polygons:
    """Convex polygons, black on white, whose vertices lie on a circle, one in each of equal sectors.

    Factors, in degrees: the angle of each vertex, uniform within its sector of 360 / vertices degrees less 10
    at either end, and a rotation of the whole, uniform from 0 to 6.28. The polygons form a manifold of as
    many
    dimensions as they have vertices: a rotation is the same as equal changes of all angles.

    The published code differs where its description does too. Mended here: neighbouring vertices are at least
    20 degrees apart, where the code lets them come as near as half of that; the grey of a pixel is its
    covered area (``polygon_renderer.py``), where the code takes a blurred and shifted average; draws do not
    depend on numpy's global seed. Kept: the rotation is of 6.28 degrees, though a whole turn was meant. Image
    i of a split depends on the options, the split and i only.

    Attributes:
        vertices: 3, the class "triangle", or 4, "quadrilateral". Records say ``polygons`` or ``polygons-4``.
        images: for training.
        test_images: to score against.
        instrument_images: to train what measures factors.
        seed: of all draws.
    """

    vertices: Literal[3, 4] = 3
    images: Annotated[int, Gt(0)] = 60_000
    test_images: Annotated[int, Gt(0)] = 10_000
    instrument_images: Annotated[int, Gt(0)] = 10_000
    seed: Annotated[int, Ge(0)] = 0

    def load(self) -> Dataset:
        """Draw the factors and render them, or take the images from the cache.

        Returns:
            Images (N, 1, 28, 28) uint8, labels (N,) all 0, and their factors.

        Warns:
            GenbenchWarning: the cache cannot be written.
        """
        from genbench.data.polygon_renderer import RENDERER, render

        sector = 360 / self.vertices
        starts = sector * np.arange(self.vertices)
        low = np.append(starts + SMALLEST_GAP / 2, 0.0)
        high = np.append(starts + sector - SMALLEST_GAP / 2, ROTATION)

        def draw(n: int, split: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
            share = uniforms(n, len(low), self.seed, "polygons", self.vertices, split)
            return np.zeros(n, dtype=np.int64), (low + share * (high - low)).astype(np.float32)

        train, test = draw(self.images, "train"), draw(self.test_images, "test")
        instrument = draw(self.instrument_images, "instrument")
        pixels = [rendered(render, RENDERER, *drawn) for drawn in (train, test, instrument)]
        return Dataset(
            info=DataInfo(
                name="polygons" if self.vertices == 3 else "polygons-4",
                shape=pixels[0].shape[1:],
                classes=("triangle" if self.vertices == 3 else "quadrilateral",),
            ),
            train_examples=pixels[0],
            train_labels=train[0],
            test_examples=pixels[1],
            test_labels=test[0],
            source=f"rendered, {RENDERER}, seed {self.seed}",
            factors=Factors(
                names=(*(f"angle {vertex + 1}" for vertex in range(self.vertices)), "rotation"),
                low=low,
                high=high,
                train=train[1],
                test=test[1],
                instrument_examples=pixels[2],
                instrument_labels=instrument[0],
                instrument_values=instrument[1],
                render=render,
                renderer=f"{RENDERER} of {self.vertices} vertices",
            ),
        )

    def locate(self) -> str:
        """Nowhere: they are rendered."""
        return "rendered by genbench"
