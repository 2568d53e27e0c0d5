"""Stroke digits: rendered images whose class and five continuous factors are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.registry import datasets
from genbench.data.counter import uniforms
from genbench.data.dataset import Dataset, Factors
from genbench.data.rendered import rendered

NAMES = ("thickness", "slant", "scale", "x", "y")
LOW = np.array([1.6, -0.5, 0.65, -3.0, -3.0])
HIGH = np.array([4.0, 0.5, 1.0, 3.0, 3.0])

CORRELATION = 0.7
LEVELS = 8

Variant = Literal["full", "corr", "gap", "imbalanced", "one-class", "grid"]

_DIGITS = 10


@datasets.register("strokes")
@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    """Ten digits of line strokes, white on black, drawn from known factors.

    Factors: thickness 1.6 to 4 and the shifts x and y, -3 to 3, in pixels; slant -0.5 to 0.5, the shear;
    scale 0.65 to 1, of a digit 17 pixels high. All are uniform and, like the class, independent, unless the
    variant says so. There is no separate rotation: it would be confounded with the slant. Image i of a split
    depends on
    the seed, the split and i only: fewer images are the first ones of more.

    Attributes:
        variant: ``full``; ``corr``, thickness and slant correlated by 0.7 (their copula is Gaussian);
            ``gap``, never both thickness and slant in the middle third of their range; ``imbalanced``, the
            digits 0 to 9 as frequent as 1 to 10; ``one-class``, only the digit ``digit``; ``grid``, each
            factor at 8 equally spaced levels, both ends included. Records say ``strokes`` or
            ``strokes-<variant>``.
        digit: which one ``one-class`` has; the others do not ask for it.
        images: for training.
        test_images: to score against.
        instrument_images: to train what measures factors; of the same digits, otherwise always ``full``.
        seed: of all draws.
    """

    variant: Variant = "full"
    digit: Annotated[int, Ge(0), Le(9)] = 3
    images: Annotated[int, Gt(0)] = 60_000
    test_images: Annotated[int, Gt(0)] = 10_000
    instrument_images: Annotated[int, Gt(0)] = 10_000
    seed: Annotated[int, Ge(0)] = 0

    def load(self) -> Dataset:
        """Draw the factors and render them, or take the images from the cache.

        Returns:
            Images (N, 1, 28, 28) uint8, labels (N,) int64 from 0 to 9, and their factors. All ten classes
            have a name, also where only one occurs.

        Warns:
            GenbenchWarning: the cache cannot be written.
        """
        from genbench.data.stroke_renderer import RENDERER, render

        train, test = (
            self._draw(n, split, self.variant)
            for n, split in ((self.images, "train"), (self.test_images, "test"))
        )
        instrument = self._draw(
            self.instrument_images, "instrument", "one-class" if self.variant == "one-class" else "full"
        )
        pixels = [rendered(render, RENDERER, *drawn) for drawn in (train, test, instrument)]
        return Dataset(
            info=DataInfo(
                name="strokes" if self.variant == "full" else f"strokes-{self.variant}",
                shape=pixels[0].shape[1:],
                classes=tuple(map(str, range(_DIGITS))),
            ),
            train_examples=pixels[0],
            train_labels=train[0],
            test_examples=pixels[1],
            test_labels=test[0],
            source=f"rendered, {RENDERER}, seed {self.seed}",
            features="strokes-cnn",
            factors=Factors(
                names=NAMES,
                low=LOW,
                high=HIGH,
                train=train[1],
                test=test[1],
                instrument_examples=pixels[2],
                instrument_labels=instrument[0],
                instrument_values=instrument[1],
                render=render,
                renderer=RENDERER,
            ),
        )

    def locate(self) -> str:
        """Nowhere: they are rendered."""
        return "rendered by genbench"

    def _draw(self, n: int, split: str, variant: Variant) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Classes (n,) and factors (n, 5)."""
        u = uniforms(n, 1 + len(NAMES), self.seed, "strokes", split)
        weights = np.ones(_DIGITS)
        if variant == "imbalanced":
            weights = np.arange(1.0, _DIGITS + 1)
        elif variant == "one-class":
            weights = np.eye(_DIGITS)[self.digit]
        bounds = weights.cumsum() / weights.sum()
        classes = np.searchsorted(bounds, u[:, 0], side="right").astype(np.int64)
        share = u[:, 1:]
        if variant == "corr":
            share[:, 1] = _correlated(share[:, 0], share[:, 1])
        elif variant == "gap":
            share[:, 0], share[:, 1] = _around_the_middle(share[:, 0], share[:, 1])
        elif variant == "grid":
            share = np.floor(LEVELS * share) / (LEVELS - 1)
        return classes, (LOW + share * (HIGH - LOW)).astype(np.float32)


def _correlated(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """A uniform number that correlates with ``first`` by 0.7, of the independent ``second``.

    Normal numbers that correlate by r have quantiles that correlate by 6/pi asin(r/2).
    """
    from scipy.special import ndtr, ndtri

    r = 2 * np.sin(np.pi * CORRELATION / 6)
    tiny = np.finfo(np.float64).tiny  # the quantile of 0 is not finite
    quantile, fresh = ndtri(np.maximum(first, tiny)), ndtri(np.maximum(second, tiny))
    mixed: NDArray[np.float64] = ndtr(r * quantile + np.sqrt(1 - r * r) * fresh)
    return mixed


def _around_the_middle(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Uniform on the unit square without its middle ninth.

    Of the eight ninths that are left, three have a first coordinate below 1/3, two between, three above.
    """
    x = np.interp(first, [0, 3 / 8, 5 / 8, 1], [0, 1 / 3, 2 / 3, 1])
    between = (x > 1 / 3) & (x < 2 / 3)
    outside = 2 / 3 * second
    outside = np.where(outside < 1 / 3, outside, outside + 1 / 3)
    return x, np.where(between, outside, second)
