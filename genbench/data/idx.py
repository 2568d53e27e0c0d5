"""IDX files (MNIST's format): a strict reader, and the dataset ``idx`` made of a user's own four files."""

from __future__ import annotations

import hashlib
import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genbench.core.bounded import MIB
from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset
from genbench.data.files import open_contents, read_up_to, user_path
from genbench.data.label import check_label

_UINT8 = 0x08
_OTHER_TYPES = {0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
_MOST_DIMENSIONS = 4
_INFLATED = 100  # times its own size that a gzip file may grow: images of digits grow five times
_SMALL = 16 * MIB
_AGAIN = "Copy or download it again."


def read_idx(path: str | Path, *, ndim: int | None = None, md5: str | None = None) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, plain or gzip-compressed (told by its first bytes, not its name).

    Nothing is believed before it is seen: memory grows with the bytes that are there, never with what the
    header announces, and a gzip wrapper is inflated one byte past the announced size at most, and to no more
    than 100 times its own size and 16 MiB.

    Args:
        path: the file.
        ndim: number of dimensions it must have; by default 1 to 4.
        md5: MD5 of the contents (after inflating) that it must have, in hexadecimal; by default any.

    Returns:
        uint8 of the shape in the header, every dimension at least 1.

    Raises:
        DataError: missing, unreadable, not such a file, cut short, followed by more bytes, or not ``md5``.
    """
    path = Path(path)
    with open_contents(path) as stream:
        magic = read_up_to(stream, 4)
        dimensions = _dimensions(path, magic, ndim)
        sizes = read_up_to(stream, 4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise DataError(f"{path} is cut short: it ends inside its IDX header. {_AGAIN}")
        shape = struct.unpack(f">{dimensions}I", sizes)
        size = math.prod(shape)
        if size == 0:
            raise DataError(f"{path} is empty: its IDX header announces the shape {shape}. {_AGAIN}")
        most = _SMALL + _INFLATED * path.stat().st_size
        body = read_up_to(stream, min(size, most) + 1)
    if len(body) > most:
        raise DataError(
            f"{path} inflates to more than {most:,} bytes, {_INFLATED} times its own: no images are "
            "packed so tightly. If they are meant to be like that, inflate the file with gunzip."
        )
    if len(body) < size:
        raise DataError(
            f"{path} is cut short, or its header is damaged: an IDX file of shape {shape} holds {size:,} "
            f"bytes after its header, and {len(body):,} are there. {_AGAIN}"
        )
    if len(body) > size:
        raise DataError(
            f"{path} goes on after its last value: an IDX file of shape {shape} ends {size:,} bytes after "
            f"its header. Either the header is damaged or something was appended. {_AGAIN}"
        )
    if md5 is not None:
        _check_md5(path, (magic, sizes, body), md5)
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)


def _dimensions(path: Path, magic: bytearray, wanted: int | None) -> int:
    """The number of dimensions that the four magic bytes announce (00 00, type, dimensions)."""
    if len(magic) < 4:
        raise DataError(
            f"{path} is cut short: it holds {len(magic)} bytes, fewer than an IDX header. {_AGAIN}"
        )
    zeros, kind, dimensions = magic[:2], magic[2], magic[3]
    if zeros == b"\0\0" and kind in _OTHER_TYPES:
        raise DataError(
            f"{path} is an IDX file of {_OTHER_TYPES[kind]} values, and only unsigned bytes (type 08) are "
            "read. Write its values again as uint8: images from 0 to 255, labels from 0."
        )
    if zeros != b"\0\0" or kind != _UINT8:
        raise DataError(
            f"{path} is not an IDX file of unsigned bytes: it begins with the bytes {magic.hex(' ')}, "
            "expected 00 00 08 and the number of dimensions. Check that it is the right file, and not a web "
            "page or an archive saved under its name."
        )
    if wanted is not None and dimensions != wanted:
        raise DataError(
            f"{path} has {dimensions} dimensions, expected {wanted} "
            "(images have 3: number, height, width; labels have 1). Check that files were not interchanged."
        )
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise DataError(
            f"{path} announces {dimensions} dimensions, expected 1 to {_MOST_DIMENSIONS}: its IDX header is "
            f"damaged. {_AGAIN}"
        )
    return dimensions


def _check_md5(path: Path, parts: tuple[bytearray, ...], expected: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    if digest.hexdigest() != expected:
        raise DataError(
            f"{path} is a whole IDX file but not the published one: the MD5 of its contents is "
            f"{digest.hexdigest()}, expected {expected}. {_AGAIN} "
            "(The dataset `idx` reads files of your own.)"
        )


@datasets.register("idx")
@dataclass(frozen=True, slots=True, kw_only=True)
class Idx:
    """Grey images and their labels in four IDX files, plain or gzip-compressed.

    Attributes:
        train_images, test_images: paths of files of shape (N, H, W), uint8; relative ones start at the
            working directory.
        train_labels, test_labels: paths of files of shape (N,), uint8: one label for each image, from 0.
        label: what records, tables and file names call the dataset; not the name of another one.
        classes: names of the classes in label order; by default "0", "1", ... up to the largest label.
    """

    train_images: str
    train_labels: str
    test_images: str
    test_labels: str
    label: str = "idx"
    classes: tuple[str, ...] | None = None

    def load(self) -> Dataset:
        """Read and check the four files.

        Returns:
            Images (N, 1, H, W) uint8, labels (N,) int64.

        Raises:
            DataError: a file is missing or damaged, images and labels do not fit each other, train and test
                images differ in size, a label has no class, or ``label`` or ``classes`` cannot be used.
        """
        check_label("idx", self.label)
        train_images, train_labels = _read_split(self.train_images, self.train_labels)
        test_images, test_labels = _read_split(self.test_images, self.test_labels)
        if train_images.shape[1:] != test_images.shape[1:]:
            raise DataError(
                f"training and test images differ in size: (channels, height, width) is "
                f"{train_images.shape[1:]} in {self.train_images} and {test_images.shape[1:]} in "
                f"{self.test_images}. Give two files of the same dataset."
            )
        classes = self._classes(train_labels, test_labels)
        _, channels, height, width = train_images.shape
        return Dataset(
            info=DataInfo(name=self.label, shape=(channels, height, width), classes=classes),
            train_examples=train_images,
            train_labels=train_labels,
            test_examples=test_images,
            test_labels=test_labels,
            source=self._folder(),
        )

    def locate(self) -> str | None:
        """The folder that holds all four files; None if one is missing."""
        try:
            return self._folder() if all(path.is_file() for path in self._paths()) else None
        except OSError:  # a folder that may not be entered
            return None

    def _paths(self) -> tuple[Path, ...]:
        return tuple(
            map(user_path, (self.train_images, self.train_labels, self.test_images, self.test_labels))
        )

    def _folder(self) -> str:
        folders = {str(path.absolute().parent) for path in self._paths()}
        try:
            return os.path.commonpath(folders)
        except ValueError:  # on different drives there is no common one
            return ", ".join(sorted(folders))

    def _classes(self, train_labels: NDArray[np.int64], test_labels: NDArray[np.int64]) -> tuple[str, ...]:
        largest = {self.train_labels: int(train_labels.max()), self.test_labels: int(test_labels.max())}
        if self.classes is None:
            return tuple(str(label) for label in range(max(largest.values()) + 1))
        if len(set(self.classes)) < len(self.classes):
            raise DataError(
                f"`classes` of the dataset {self.label!r} names a class twice: {list(self.classes)}."
            )
        for path, label in largest.items():
            if label >= len(self.classes):
                raise DataError(
                    f"{path} holds the label {label}, and `classes` names {len(self.classes)} classes, for "
                    f"labels 0 to {len(self.classes) - 1}. Name every class, or leave `classes` out."
                )
        return self.classes


def _read_split(images_path: str, labels_path: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, 1, H, W) and labels (N,) of one split."""
    images = read_idx(user_path(images_path), ndim=3)
    labels = read_idx(user_path(labels_path), ndim=1)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images and {labels_path} {len(labels)} labels, and each "
            "image needs one label. Check that both belong to the same split."
        )
    return images[:, np.newaxis], labels.astype(np.int64)
