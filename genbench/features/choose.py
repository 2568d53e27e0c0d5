"""Which extractor a dataset is measured with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError
from genbench.core.paths import cache_dir
from genbench.features.cnn import SmallCNN
from genbench.features.coordinates import Coordinates
from genbench.features.extractor import Extractor
from genbench.features.kept import blank, kept_or_trained
from genbench.features.per_channel import PerChannel
from genbench.features.protocol import FeatureExtractor
from genbench.features.training import RECIPE, train
from genbench.features.weightfile import load

_WEIGHTS = Path(__file__).parent / "weights"
_DIGITS = tuple("0123456789")
_PER_CHANNEL = " per channel"


@dataclass(frozen=True, slots=True)
class Pinned:
    """An extractor that ships with genbench.

    Attributes:
        weights: its file.
        hash: what its weights must have.
        of: the images it was made for.
        shape: (C, H, W) of these.
        classes: their classes.
    """

    weights: Path
    hash: str
    of: str
    shape: tuple[int, ...] = (1, 28, 28)
    classes: tuple[str, ...] = _DIGITS


PINNED = {
    "mnist-cnn": Pinned(_WEIGHTS / "mnist_cnn.safetensors", "fcd78be722c1", "handwritten digits"),
    "strokes-cnn": Pinned(_WEIGHTS / "strokes_cnn.safetensors", "0307f010875e", "the digits of `strokes`"),
}
"""By id. "<id> per channel" is the same network for each channel of stacked images."""


class Measurable(Protocol):
    """What is needed of a dataset to choose an extractor for it (``genbench.data.Dataset`` has it)."""

    @property
    def info(self) -> DataInfo:
        """Name, shape and classes."""

    @property
    def train_examples(self) -> NDArray[np.uint8 | np.float32]:
        """(N, C, H, W) uint8, or (N, D) float32."""

    @property
    def train_labels(self) -> NDArray[np.int64]:
        """(N,)."""

    @property
    def hash(self) -> str:
        """Content hash of the data."""

    @property
    def features(self) -> str:
        """Id of the extractor that ships with genbench and is right for these images; empty if none is."""


def extractor_for(dataset: Measurable, *, device: torch.device | str = "cpu") -> FeatureExtractor:
    """The extractor that a dataset is measured with.

    Points are measured by their coordinates. For images it goes by where they come from, never by what
    they are called: MNIST and scikit-learn's digits name a network that ships with genbench, "mnist-cnn",
    their stacks the same network for each channel, and rendered strokes "strokes-cnn". For any other dataset
    one is trained on its training split by the same recipe and kept in the cache directory; its scores
    compare only among runs that share that file (the weight hash tells).

    Args:
        dataset: points, or labelled images.
        device: where the network runs. Features come back to the CPU.

    Raises:
        DataError: the dataset has no labels, it names an extractor that there is not or that reads other
            images, or weights are damaged.

    Warns:
        GenbenchWarning: the cache cannot be written, so that the next run has to train again.
    """
    info = dataset.info
    if not info.is_image:
        return Coordinates(info.size)
    if not info.classes or len(dataset.train_labels) != len(dataset.train_examples):
        raise DataError(
            f"dataset {info.name!r} has no labels, and the features that quality and mode metrics need come "
            "from a classifier. Provide labels, or leave every measure of samples out of the suite."
        )
    return _pinned(dataset, device) if dataset.features else _trained(dataset, device)


def _pinned(dataset: Measurable, device: torch.device | str) -> FeatureExtractor:
    info, name = dataset.info, dataset.features.removesuffix(_PER_CHANNEL)
    stacked = name != dataset.features
    channels = info.shape[0] if stacked else 1
    pinned = PINNED.get(name)
    if pinned is None or (info.shape, len(info.classes)) != (
        (channels * pinned.shape[0], *pinned.shape[1:]),
        len(pinned.classes) ** channels,
    ):
        ship = "; ".join(
            f"{known!r}, for {each.of} of shape {each.shape} in {len(each.classes)} classes"
            for known, each in PINNED.items()
        )
        raise DataError(
            f"dataset {info.name!r}, of shape {info.shape} with {len(info.classes)} classes, names the "
            f"feature extractor {dataset.features!r}. Those that ship are {ship}; and the same with "
            f"{_PER_CHANNEL!r} appended, for such images stacked as channels with a class for every "
            "combination. Leave `features` out of the Dataset, and one is trained."
        )
    network = blank(lambda: SmallCNN(pinned.shape[0], len(pinned.classes)))
    digest = load(network, pinned.weights, expect=pinned.hash)
    of = DataInfo(name, pinned.shape, pinned.classes)
    one = _frozen(name, digest, network, of, device, pinned=True)
    return PerChannel(one, channels) if stacked else one


def _trained(dataset: Measurable, device: torch.device | str) -> Extractor:
    info, data_hash = dataset.info, dataset.hash

    def trained() -> SmallCNN:
        images = dataset.train_examples.astype(np.uint8, copy=False)
        return train(images, dataset.train_labels, classes=len(info.classes), device=device)

    network, digest = kept_or_trained(
        cache_dir() / "features" / f"{data_hash}-recipe{RECIPE}.safetensors",
        lambda: SmallCNN(info.shape[0], len(info.classes)),
        trained,
        what=f"feature extractor trained on {info.name}",
        notes={"recipe": RECIPE, "data": data_hash, "dataset": info.name},
    )
    return _frozen(f"trained:{data_hash}", digest, network, info, device, pinned=False)


def _frozen(
    name: str, digest: str, network: SmallCNN, info: DataInfo, device: torch.device | str, *, pinned: bool
) -> Extractor:
    network = network.to(device).eval().requires_grad_(False)
    return Extractor(name, digest, network, info.shape, info.classes, pinned)
