"""Control rows: images that no model made, to show what a metric says of the best and of known failures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genbench.core.errors import DataError
from genbench.core.ids import derive_seed
from genbench.core.record import CONTROLS
from genbench.data.dataset import Dataset


def control_samples(name: str, dataset: Dataset, n: int, seed: int) -> Tensor:
    """Images of a control row, to be measured exactly like a model's samples.

    ``real``: training images, each at most once: fresh real data against the test split, the best that
    a generator can attain. ``collapsed``: training images of the class ``seed % classes`` only: perfect
    images, no variety. ``noise``: every pixel uniform on 0 to 255.

    Args:
        name: one of ``genbench.core.record.CONTROLS``.
        dataset: where the images come from.
        n: how many.
        seed: decides which.

    Returns:
        (n, C, H, W) uint8.

    Raises:
        DataError: fewer than n training images for ``real``, or no labels for ``collapsed``.
        ValueError: no such control.
    """
    random = np.random.default_rng(derive_seed(seed, "control", name))
    images = dataset.train_images
    if name == "real":
        if n > len(images):
            raise DataError(
                f"control row 'real' needs {n} training images of {dataset.info.name!r}, which has "
                f"{len(images)}; repeated images would not be fresh data. Ask for fewer samples."
            )
        return _pick(images, random.choice(len(images), n, replace=False))
    if name == "collapsed":
        present = np.unique(dataset.train_labels)
        if not len(present):
            raise DataError(
                f"control row 'collapsed' needs labels, and {dataset.info.name!r} has none. "
                "Provide labels, or leave the measure `modes` out."
            )
        members = np.flatnonzero(dataset.train_labels == present[seed % len(present)])
        return _pick(images, random.choice(members, n, replace=n > len(members)))
    if name == "noise":
        return torch.from_numpy(random.integers(0, 256, (n, *dataset.info.shape), dtype=np.uint8))
    raise ValueError(f"no control row {name!r}: there are {', '.join(CONTROLS)}")


def _pick(images: NDArray[np.uint8], indices: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(images[indices])
