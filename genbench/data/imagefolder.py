"""A folder of images, opened one by one."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from genbench.core.bounded import MIB, read_bytes
from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, GenbenchWarning

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm")
"""File names that end so are images."""

# Pillow tries these readers only, whatever the file says of itself: some others start programs.
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM")
_MODES = {1: "L", 3: "RGB"}
_EIGHT_BIT = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_OPAQUE = (255, 255)
_MOST_BESIDES = 16 * MIB  # colour profiles, comments and the like, which readers load whole
_MOST_OF_A_PIXEL = 64  # bytes, be it written in digits


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
        try:
            content = read_bytes(file, _MOST_BESIDES + _MOST_OF_A_PIXEL * height * width)
            # the size is known, and checked, before a pixel is decoded
            with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                warnings.simplefilter(
                    "ignore"
                )  # of Pillow's own, whatever it minds is refused here or harmless
                if image.size != (width, height):
                    raise DataError(
                        f"{file} is {image.width} pixels wide and {image.height} high; the dataset's images "
                        f"are {width} and {height}. Resize the samples as the training images were: how one "
                        "resizes changes the scores, so it is not done here."
                    )
                if getattr(image, "is_animated", False):
                    raise DataError(f"{file} is an animation. Save its frames as images of their own.")
                _check_depth(image, file)
                return np.asarray(_converted(image, file, _MODES[1 if len(self.shape) == 3 else 3]))
        except DataError:
            raise
        except Exception as error:  # damaged bytes make Pillow raise nearly anything
            problem = "no such format" if isinstance(error, UnidentifiedImageError) else str(error)
            problem = error.strerror or problem if isinstance(error, OSError) else problem
            raise DataError(
                f"{file} cannot be read as an image ({problem.rstrip('.')}). Write it again as PNG, or take "
                "it out of the folder."
            ) from error


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


def _check_depth(image: ImageFile.ImageFile, file: Path) -> None:
    """Refuse more than 8 bits a channel in an image not decoded yet.

    Raises:
        DataError: it has, by its mode or, in colour, only by how it will be decoded.
    """
    if image.mode not in _EIGHT_BIT:
        what = f"pixels of mode {image.mode!r}, not of 8 bits a channel"
    elif image.format in ("PNG", "PPM") and _decoded_from_more(image.tile[0][3]):
        what = "more than 8 bits a channel"
    else:
        return
    raise DataError(
        f"{file} has {what}, and how to bring them to 0 to 255 is not known. Save it with 8 bits."
    )


def _decoded_from_more(how: object) -> bool:
    """PNG: raw mode, such as ``RGB;16B``; PPM: a mode and the number of white, where that is not 255."""
    if isinstance(how, tuple):
        return any(isinstance(part, int) and part > 255 for part in how)
    return ";16" in str(how)


def _converted(image: Image.Image, file: Path, mode: str) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != _OPAQUE:
            raise DataError(
                f"{file} is transparent in places, and what is behind it is not known. Save it without alpha."
            )
    if image.mode in ("1", "L", "LA"):
        return image.convert(mode)
    image = image.convert("RGB")
    if mode == "L" and np.ptp(np.asarray(image), axis=2).any():
        raise DataError(
            f"{file} is in colour, and the dataset's images are grey: how one greys them changes the scores, "
            "so it is not done here. Save it in grey."
        )
    return image.convert(mode)


def _some(names: list[str]) -> str:
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more:,} more" if more > 0 else "")


def _warn(text: str) -> None:
    warnings.warn(text, GenbenchWarning, stacklevel=3)
