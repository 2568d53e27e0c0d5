"""Which extractor a dataset is measured with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, GenbenchWarning, OutputError
from genbench.core.paths import cache_dir
from genbench.features.cnn import SmallCNN
from genbench.features.coordinates import Coordinates
from genbench.features.extractor import Extractor
from genbench.features.per_channel import PerChannel
from genbench.features.protocol import FeatureExtractor
from genbench.features.training import RECIPE, train
from genbench.features.weightfile import load, save, weight_hash

MNIST_CNN = Path(__file__).parent / "weights" / "mnist_cnn.safetensors"
MNIST_CNN_HASH = "fcd78be722c1"

_PINNED = "mnist-cnn"
_PINNED_STACKED = "mnist-cnn per channel"
_SHAPE, _CLASSES = (1, 28, 28), 10


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
    they are called: MNIST and scikit-learn's digits name the network that ships with genbench, "mnist-cnn",
    and their stacks the same network for each channel. For any other dataset one is trained on its
    training split by the same recipe and kept in the cache directory; its scores compare only among runs
    that share that file (the weight hash tells).

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
    info = dataset.info
    channels = info.shape[0]
    known = {_PINNED: (_SHAPE, _CLASSES), _PINNED_STACKED: ((channels, *_SHAPE[1:]), _CLASSES**channels)}
    if known.get(dataset.features) != (info.shape, len(info.classes)):
        raise DataError(
            f"dataset {info.name!r}, of shape {info.shape} with {len(info.classes)} classes, names the "
            f"feature extractor {dataset.features!r}. Those that ship are {_PINNED!r}, for handwritten "
            f"digits of shape {_SHAPE} in ten classes, and {_PINNED_STACKED!r}, for such digits stacked as "
            "channels with a class for every combination. Leave `features` out of the Dataset, and one is "
            "trained."
        )
    network = SmallCNN(_SHAPE[0], _CLASSES)
    digest = load(network, MNIST_CNN, expect=MNIST_CNN_HASH)
    digits = DataInfo(_PINNED, _SHAPE, tuple(map(str, range(_CLASSES))))
    one = _frozen(_PINNED, digest, network, digits, device, pinned=True)
    return one if dataset.features == _PINNED else PerChannel(one, channels)


def _trained(dataset: Measurable, device: torch.device | str) -> Extractor:
    info, data_hash = dataset.info, dataset.hash
    path = cache_dir() / "features" / f"{data_hash}-recipe{RECIPE}.safetensors"
    if _is_kept(path):
        network = SmallCNN(info.shape[0], len(info.classes))
        digest = load(network, path)
    else:
        images = dataset.train_examples.astype(np.uint8, copy=False)
        network = train(images, dataset.train_labels, classes=len(info.classes), device=device)
        try:
            digest = save(network, path, {"recipe": RECIPE, "data": data_hash, "dataset": info.name})
        except OutputError as error:
            digest = weight_hash(network.state_dict())
            warnings.warn(
                f"the feature extractor trained on {info.name} cannot be kept ({error.__cause__ or error}): "
                "the next run trains it again, and where its weights come out otherwise the scores of the "
                "two do not compare. Set GENBENCH_CACHE to a folder that can be written.",
                GenbenchWarning,
                stacklevel=3,
            )
    return _frozen(f"trained:{data_hash}", digest, network, info, device, pinned=False)


def _is_kept(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that may not be entered
        return False


def _frozen(
    name: str, digest: str, network: SmallCNN, info: DataInfo, device: torch.device | str, *, pinned: bool
) -> Extractor:
    network = network.to(device).eval().requires_grad_(False)
    return Extractor(name, digest, network, info.shape, info.classes, pinned)
