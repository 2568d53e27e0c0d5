"""Three digits stacked as the channels of one image: 1,000 modes that are known (Metz et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Annotated

import numpy as np
from annotated_types import Gt
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.ids import derive_seed
from genbench.core.registry import datasets
from genbench.data.dataset import ClassModes, Dataset
from genbench.data.digits import Digits
from genbench.data.mnist import MNIST

_CHANNELS = 3


@datasets.register("stacked_mnist")
@dataclass(frozen=True, slots=True, kw_only=True)
class StackedMNIST:
    """Three random MNIST digits as red, green and blue; the class is their three-digit number.

    128,000 stacks for training as in VEEGAN and PacGAN (arXiv:1705.07761, arXiv:1712.04086), which take their
    digits from all 70,000 images; here training stacks are of training digits only and test stacks of test
    digits, so that what is scored against was never trained on.

    Attributes:
        path: a folder with MNIST's four files; by default looked for as the dataset ``mnist`` does.
        stacks: images for training.
        test_stacks: images to score against.
    """

    path: str | None = None
    stacks: Annotated[int, Gt(0)] = 128_000
    test_stacks: Annotated[int, Gt(0)] = 10_000

    def load(self) -> Dataset:
        """Find MNIST and stack it, always the same way.

        Returns:
            (N, 3, 28, 28) uint8 with labels (N,) int64, 0 to 999.

        Raises:
            DataUnavailable: MNIST is nowhere to be had.
            DataError: it is damaged.
        """
        return _stack(MNIST(path=self.path).load(), "stacked_mnist", self.stacks, self.test_stacks)

    def locate(self) -> str | None:
        """Where MNIST would be read from."""
        return MNIST(path=self.path).locate()


@datasets.register("stacked_digits")
@dataclass(frozen=True, slots=True, kw_only=True)
class StackedDigits:
    """Three random digits of scikit-learn as red, green and blue: ``stacked_mnist`` without MNIST.

    Attributes:
        stacks: images for training.
        test_stacks: images to score against.
    """

    stacks: Annotated[int, Gt(0)] = 20_000
    test_stacks: Annotated[int, Gt(0)] = 10_000

    def load(self) -> Dataset:
        """Stack the digits, always the same way: (N, 3, 28, 28) uint8 with labels (N,) int64, 0 to 999."""
        return _stack(Digits().load(), "stacked_digits", self.stacks, self.test_stacks)

    def locate(self) -> str | None:
        """Where the digits are read from."""
        return Digits().locate()


def _stack(digits: Dataset, name: str, stacks: int, test_stacks: int) -> Dataset:
    train, train_labels = _draw(digits.train_examples, digits.train_labels, stacks, name, "train")
    test, test_labels = _draw(digits.test_examples, digits.test_labels, test_stacks, name, "test")
    classes = len(digits.info.classes) ** _CHANNELS
    of_one = np.bincount(digits.train_labels, minlength=len(digits.info.classes)) / len(digits.train_labels)
    shares = reduce(np.multiply.outer, [of_one] * _CHANNELS).reshape(-1)
    return Dataset(
        info=DataInfo(
            name=name,
            shape=(_CHANNELS, *digits.info.shape[1:]),
            classes=tuple(f"{number:0{_CHANNELS}d}" for number in range(classes)),
        ),
        train_examples=train,
        train_labels=train_labels,
        test_examples=test,
        test_labels=test_labels,
        source=f"{digits.source}, {_CHANNELS} digits an image",
        features=f"{digits.features} per channel",
        modes=ClassModes(shares),
    )


def _draw(
    images: NDArray[np.uint8 | np.float32], labels: NDArray[np.int64], n: int, name: str, split: str
) -> tuple[NDArray[np.uint8 | np.float32], NDArray[np.int64]]:
    chosen = np.random.default_rng(derive_seed(0, name, split)).integers(0, len(images), (n, _CHANNELS))
    return images[chosen, 0], labels[chosen] @ 10 ** np.arange(_CHANNELS - 1, -1, -1)
