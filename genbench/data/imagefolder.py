"""A folder of images, opened one by one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, GenbenchWarning
from genbench.data.imagefile import SUFFIXES, check_still_and_8_bit, decoded, open_image

_MODES = {1: "L", 3: "RGB"}


@dataclass(frozen=True, slots=True, eq=False)
class ImageFolder:
    """Images of one size, in the order of their names.

    Attributes:
        files: one for each image.
        shape: (N, H, W), or (N, H, W, 3).
    """

    files: tuple[Path, ...]
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        return np.dtype(np.uint8)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """These images, decoded.

        Raises:
            DataError: a file is damaged, of another size, of more than 8 bits, transparent, animated, or in
                colour where the dataset is grey.
        """
        files = self.files[rows]
        images = np.empty((len(files), *self.shape[1:]), dtype=np.uint8)
        for image, file in zip(images, files, strict=True):
            image[...] = self._read(file)
        return images

    def _read(self, file: Path) -> NDArray[np.uint8]:
        height, width = self.shape[1:3]
        with open_image(file, height * width) as image:
            if image.size != (width, height):  # before a pixel is decoded
                raise DataError(
                    f"{file} is {image.width} pixels wide and {image.height} high; the dataset's images "
                    f"are {width} and {height}. Resize the samples as the training images were: how one "
                    "resizes changes the scores, so it is not done here."
                )
            check_still_and_8_bit(image, file)
            return np.asarray(decoded(image, file, _MODES[1 if len(self.shape) == 3 else 3]))


def image_folder(folder: Path, info: DataInfo) -> ImageFolder:
    """The images in a folder; hidden files are passed over.

    Raises:
        DataError: there are none, or images are not what the dataset has.

    Warns:
        GenbenchWarning: something else lies between them, or they were compressed with losses.
    """
    if not info.is_image or info.shape[0] not in _MODES:
        what = f"images of {info.shape[0]} channels" if info.is_image else "points"
        raise DataError(
            f"{folder} is a folder, and samples of {info.name!r} are {what}, which image files do not hold. "
            "Save them with numpy.save, and name that file."
        )
    try:
        visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be read: {error.strerror}.") from error
    files = tuple(path for path in visible if path.suffix.lower() in SUFFIXES and path.is_file())
    images = set(files)
    others = [path.name for path in visible if path not in images]
    if not files:
        there = f"It has {_some(others)}" if others else "It is empty"
        raise DataError(f"the folder {folder} has no images ({', '.join(SUFFIXES)}). {there}.")
    if others:
        _warn(f"{folder}: left out what is no image: {_some(others)}.")
    if lossy := [path.name for path in files if path.suffix.lower() in (".jpg", ".jpeg")]:
        _warn(
            f"{folder}: {len(lossy):,} of its {len(files):,} images are JPEG: what the compression lost is "
            "scored as if the generator had lost it. Save samples as PNG."
        )
    channels, *size = info.shape
    return ImageFolder(files, (len(files), *size, *([channels] if channels > 1 else [])))


def _some(names: list[str]) -> str:
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more:,} more" if more > 0 else "")


def _warn(text: str) -> None:
    warnings.warn(text, GenbenchWarning, stacklevel=3)
