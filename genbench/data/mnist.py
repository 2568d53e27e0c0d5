"""MNIST: 70,000 handwritten digits, 28 x 28 (LeCun, Cortes, Burges; 1998)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, DataUnavailable
from genbench.core.paths import cache_dir
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset
from genbench.data.fetch import RemoteFile, fetch
from genbench.data.files import user_path
from genbench.data.idx import read_idx

HELD_OUT = 10_000
"""Training images that ``validation`` sets aside, as many as there are test images."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

# In the order train images, train labels, test images, test labels. Sums and sizes are those of the contents:
# the same contents are in circulation in several gzip wrappers, and plain.
FILES = (
    RemoteFile(name="train-images-idx3-ubyte.gz", size=47_040_016, md5="6bbc9ace898e44ae57da46a324031adb"),
    RemoteFile(name="train-labels-idx1-ubyte.gz", size=60_008, md5="a25bea736e30d166cdddb491f175f624"),
    RemoteFile(name="t10k-images-idx3-ubyte.gz", size=7_840_016, md5="2646ac647ad5339dbf082846283269ea"),
    RemoteFile(name="t10k-labels-idx1-ubyte.gz", size=10_008, md5="27ae3e4e09519cfbb04c329615203637"),
)


@datasets.register("mnist")
@dataclass(frozen=True, slots=True)
class MNIST:
    """The four published files, wherever they are.

    Looked for in this order: ``path``; ``$GENBENCH_DATA/mnist``; the cache folder; a download into it. The
    first two are a user's word: if they are there and incomplete or damaged, that is an error and the search
    ends. The cache is our own: what is damaged in it is downloaded again.

    Attributes:
        path: a folder that holds the four files, each plain or with ``.gz``; by default the search above.
        validation: put the last 10,000 training images in the place of the test images, for choosing
            settings without looking at the test images. Records then say ``mnist-validation``.
    """

    path: str | None = None
    validation: bool = False

    def load(self) -> Dataset:
        """Find, verify and read all four files.

        Returns:
            60,000 training and 10,000 test images, (N, 1, 28, 28) uint8, with labels (N,) int64; of the
            training images, 50,000 and 10,000 with ``validation``.

        Raises:
            DataUnavailable: nowhere to be had; the message lists every place.
            DataError: incomplete or damaged where the user says it is.
        """
        data = self._load()
        return _hold_out(data) if self.validation else data

    def _load(self) -> Dataset:
        if folder := self._named_folder():
            return _read(folder)
        data = os.environ.get("GENBENCH_DATA")
        cache = cache_dir() / "mnist"
        tried = [
            f"$GENBENCH_DATA: no folder {user_path(data) / 'mnist'}." if data else "$GENBENCH_DATA: not set."
        ]
        if _missing(cache):
            tried.append(f"the cache: not in {cache}.")
        else:
            try:
                return _read(cache)
            except DataError as error:
                tried.append(f"the cache: {error}")
        try:
            fetch(FILES, MIRRORS, cache)
            return _read(cache)
        except DataError as error:
            tried.append(f"download: {error}")
            places = " ".join(f"({number}) {place}" for number, place in enumerate(tried, start=1))
            raise DataUnavailable(
                f"MNIST is not to be had. Tried: {places} To provide it, put the four files "
                f"{', '.join(_stem(file) for file in FILES)} (each plain or with .gz) into a folder called "
                "mnist and set GENBENCH_DATA to the folder that holds it, or name their folder as `path` in "
                "the suite's [[dataset]]."
            ) from error

    def locate(self) -> str | None:
        """The folder it would be read from; None if that means a download, or an incomplete named folder."""
        folder = self._named_folder() or cache_dir() / "mnist"
        return None if _missing(folder) else str(folder)

    def _named_folder(self) -> Path | None:
        """The folder that the suite or the environment names; the environment's only if it is there."""
        if self.path is not None:
            return user_path(self.path)
        if data := os.environ.get("GENBENCH_DATA"):
            folder = user_path(data) / "mnist"
            return folder if os.path.lexists(folder) else None
        return None


def _hold_out(data: Dataset) -> Dataset:
    return Dataset(
        info=DataInfo(name="mnist-validation", shape=data.info.shape, classes=data.info.classes),
        train_examples=data.train_examples[:-HELD_OUT],
        train_labels=data.train_labels[:-HELD_OUT],
        test_examples=data.train_examples[-HELD_OUT:],
        test_labels=data.train_labels[-HELD_OUT:],
        source=f"{data.source}, last {HELD_OUT:,} training images held out",
        features=data.features,
    )


def _stem(file: RemoteFile) -> str:
    return file.name.removesuffix(".gz")


def _find(folder: Path, file: RemoteFile) -> Path:
    """Where ``file`` lies in ``folder``, if it does: compressed, as a download leaves it, before plain."""
    compressed = folder / file.name
    return compressed if os.path.lexists(compressed) else folder / _stem(file)


def _missing(folder: Path) -> list[str]:
    return [_stem(file) for file in FILES if not os.path.lexists(_find(folder, file))]


def _read(folder: Path) -> Dataset:
    """Read and verify MNIST from ``folder``."""
    if missing := _missing(folder):
        raise DataError(
            f"MNIST cannot be read from {folder}: {', '.join(missing)} (plain or .gz) not found there. Put "
            "all four files there, or name the folder that holds them."
        )
    train_examples, train_labels, test_examples, test_labels = (
        read_idx(_find(folder, file), md5=file.md5) for file in FILES
    )
    return Dataset(
        info=DataInfo(name="mnist", shape=(1, 28, 28), classes=tuple("0123456789")),
        train_examples=train_examples[:, np.newaxis],
        train_labels=train_labels.astype(np.int64),
        test_examples=test_examples[:, np.newaxis],
        test_labels=test_labels.astype(np.int64),
        source=str(folder),
        features="mnist-cnn",
    )
