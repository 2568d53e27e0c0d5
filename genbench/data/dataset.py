"""What a loaded dataset is, and what a dataset's file must offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.ids import bytes_hash

Examples = NDArray[np.uint8 | np.float32]
"""Images (N, C, H, W) uint8, 0 to 255; or points (N, D) float32, in the data's own units."""


@dataclass(frozen=True, slots=True, eq=False)
class GaussianModes:
    """The true modes of a mixture of equal round Gaussians.

    Attributes:
        centers: (K, D) float64.
        scale: standard deviation of each coordinate around a centre.
    """

    centers: NDArray[np.float64]
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class ClassModes:
    """True modes that are the classes of images, as stacked digits are made.

    Attributes:
        shares: (K,) float64, how much of the training data's distribution each class is.
    """

    shares: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """The true continuous factors of images that were rendered from them.

    Attributes:
        names: of the F factors.
        low, high: (F,) float64, the range of each in its own unit; drawn uniformly unless the data says so.
        train, test: (N, F) float32, of each training and each test example.
        instrument_examples, instrument_labels, instrument_values: a third split, (M, C, H, W) uint8, (M,)
            int64, (M, F) float32, that no model sees: what measures factors is trained on it.
        render: tensors of classes (N,) int64 and factors (N, F) to images (N, C, H, W) in [0, 1],
            differentiable in the factors. It needs torch.
        renderer: name and version of ``render`` and of the factors' ranges: data with the same one can be
            measured with the same instruments.
    """

    names: tuple[str, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    train: NDArray[np.float32]
    test: NDArray[np.float32]
    instrument_examples: NDArray[np.uint8]
    instrument_labels: NDArray[np.int64]
    instrument_values: NDArray[np.float32]
    render: Callable[[Any, Any], Any]
    renderer: str


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Examples in memory, split once and for all.

    Attributes:
        info: name, shape and classes.
        train_examples, test_examples: images (N, C, H, W) uint8, 0 to 255; or points (N, D) float32.
        train_labels, test_labels: (N,) int64, an index into ``info.classes``.
        source: where it was found, for people ("/data/mnist", "scikit-learn 1.5").
        features: id of the shipped feature extractor that these images are made for, for which only the
            file that knows where they come from can vouch ("mnist-cnn": centred handwritten digits); by
            default none, whatever the images are called, and one is trained on them.
        modes: the true modes, where they are known: the Gaussians that points come from, or the classes of
            images that are made to have so many.
        factors: what the images were rendered from, where they were.
    """

    info: DataInfo
    train_examples: Examples
    train_labels: NDArray[np.int64]
    test_examples: Examples
    test_labels: NDArray[np.int64]
    source: str
    features: str = ""
    modes: GaussianModes | ClassModes | None = None
    factors: Factors | None = None

    @property
    def hash(self) -> str:
        """Hash of all examples, labels, modes and factors, in order: the same data has the same hash."""
        arrays: tuple[NDArray[Any], ...]
        arrays = (self.train_examples, self.train_labels, self.test_examples, self.test_labels)
        if isinstance(self.modes, GaussianModes):
            arrays += (self.modes.centers, np.array([self.modes.scale]))
        elif self.modes is not None:
            arrays += (self.modes.shares,)
        if self.factors is not None:
            arrays += (self.factors.train, self.factors.test, self.factors.instrument_values)
        return bytes_hash(
            *(
                chunk
                for a in arrays
                for chunk in (repr(a.shape).encode(), np.ascontiguousarray(a).data.cast("B"))
            )
        )


class DatasetSource(Protocol):
    """What is registered as a dataset: a frozen dataclass whose fields are the options of ``[[dataset]]``."""

    def load(self) -> Dataset:
        """Find, verify and read the data.

        Raises:
            DataError: not to be had, or damaged; the message lists what was tried and how to provide it.
        """
        ...

    def locate(self) -> str | None:
        """Where ``load`` would read from, without reading, importing or downloading anything: at once.

        Never raises, and looks only whether the files are there, not whether they are intact.

        Returns:
            The folder; None if ``load`` would have to download first, or would fail.
        """
        ...
