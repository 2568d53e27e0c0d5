"""From images to features: the ruler that quality and mode metrics measure with."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, GenbenchWarning, OutputError
from genbench.core.paths import cache_dir
from genbench.features.cnn import FEATURES, SmallCNN
from genbench.features.training import RECIPE, train
from genbench.features.weightfile import load, save, weight_hash

MNIST_CNN = Path(__file__).parent / "weights" / "mnist_cnn.safetensors"
MNIST_CNN_HASH = "fcd78be722c1"

_PINNED = "mnist-cnn"
_BATCH = 256


class Features(NamedTuple):
    """What an extractor says of N images, on the CPU.

    Attributes:
        values: (N, D) float32 features.
        probabilities: (N, classes) float32, rows sum to 1.
    """

    values: Tensor
    probabilities: Tensor


class LabelledImages(Protocol):
    """What is needed of a dataset to make an extractor for it (``genbench.data.Dataset`` has it)."""

    @property
    def info(self) -> DataInfo:
        """Name, shape and classes."""

    @property
    def train_images(self) -> NDArray[np.uint8]:
        """(N, C, H, W)."""

    @property
    def train_labels(self) -> NDArray[np.int64]:
        """(N,)."""

    @property
    def hash(self) -> str:
        """Content hash of the data."""

    @property
    def features(self) -> str:
        """Id of the extractor that ships with genbench and is right for these images; empty if none is."""


@dataclass(frozen=True, eq=False)
class Extractor:
    """A frozen network with an identity. Call it on images.

    Attributes:
        id: which extractor: "mnist-cnn", or "trained:<data hash>".
        hash: first 12 digits of the SHA-256 of its weights.
        network: the network, in evaluation mode.
        shape: (C, H, W) of the images that it reads.
        classes: names of the classes, in the order of the probabilities.
        pinned: whether the weights ship with genbench, so that everyone has the same.
    """

    id: str
    hash: str
    network: SmallCNN
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    pinned: bool

    def __call__(self, images: Tensor) -> Features:
        """Features and class probabilities of images (N, C, H, W) uint8 on any device.

        The same image gives the same features in any company: nothing is rescaled by the data, and the
        network always sees full batches (the last one is filled up), so that no kernel is chosen by N.

        Raises:
            DataError: other shape or type than the extractor reads.
        """
        if images.dtype != torch.uint8 or images.shape[1:] != self.shape:
            raise DataError(
                f"extractor {self.id} reads uint8 images of shape (N, {', '.join(map(str, self.shape))}), "
                f"got {images.dtype} of shape {tuple(images.shape)}. Scale samples to 0-255 and resize them."
            )
        device = next(self.network.parameters()).device
        values = torch.empty(len(images), FEATURES)
        probabilities = torch.empty(len(images), len(self.classes))
        with torch.inference_mode(), _exact(device):
            for start in range(0, len(images), _BATCH):
                batch = images[start : start + _BATCH].to(device)
                count = len(batch)
                filled = functional.pad(batch, (0, 0, 0, 0, 0, 0, 0, _BATCH - count))
                outputs = self.network(filled.float() / 255)
                values[start : start + count] = outputs.features[:count].cpu()
                probabilities[start : start + count] = outputs.logits[:count].softmax(1).cpu()
        return Features(values, probabilities)


def extractor_for(dataset: LabelledImages, *, device: torch.device | str = "cpu") -> Extractor:
    """The extractor that a dataset is measured with.

    Which one goes by where the images come from, never by what they are called: MNIST and scikit-learn's
    digits name the network that ships with genbench, "mnist-cnn". For any other dataset one is trained on
    its training split by the same recipe and kept in the cache directory; its scores compare only among
    runs that share that file (the weight hash tells).

    Args:
        dataset: labelled images.
        device: where the network runs. Features come back to the CPU.

    Raises:
        DataError: the dataset has no labels, it names an extractor that there is not or that reads other
            images, or weights are damaged.

    Warns:
        GenbenchWarning: the cache cannot be written, so that the next run has to train again.
    """
    info = dataset.info
    if not info.classes or len(dataset.train_labels) != len(dataset.train_images):
        raise DataError(
            f"dataset {info.name!r} has no labels, and the features that quality and mode metrics need come "
            "from a classifier. Provide labels, or leave `quality` and `modes` out of the suite's measures."
        )
    return _pinned(dataset, device) if dataset.features else _trained(dataset, device)


def _pinned(dataset: LabelledImages, device: torch.device | str) -> Extractor:
    info = dataset.info
    if (dataset.features, info.shape, len(info.classes)) != (_PINNED, (1, 28, 28), 10):
        raise DataError(
            f"dataset {info.name!r}, of shape {info.shape} with {len(info.classes)} classes, names the "
            f"feature extractor {dataset.features!r}. The one that ships is {_PINNED!r}, for handwritten "
            "digits of shape (1, 28, 28) in ten classes. Leave `features` out of the Dataset, and one is "
            "trained."
        )
    network = SmallCNN(1, 10)
    digest = load(network, MNIST_CNN, expect=MNIST_CNN_HASH)
    return _frozen(_PINNED, digest, network, info, device, pinned=True)


def _trained(dataset: LabelledImages, device: torch.device | str) -> Extractor:
    info, data_hash = dataset.info, dataset.hash
    path = cache_dir() / "features" / f"{data_hash}-recipe{RECIPE}.safetensors"
    if _is_kept(path):
        network = SmallCNN(info.shape[0], len(info.classes))
        digest = load(network, path)
    else:
        network = train(dataset.train_images, dataset.train_labels, classes=len(info.classes), device=device)
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


@contextmanager
def _exact(device: torch.device) -> Iterator[None]:
    """Full float32 whatever the trainer has chosen: no TF32, no autocast, no algorithm picked by timing."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with (
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
            torch.autocast(device.type, enabled=False),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
