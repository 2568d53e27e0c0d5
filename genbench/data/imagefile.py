"""One image file that anyone may have written: opened, judged by its header, and only then decoded."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from genbench.core.bounded import MIB, read_bytes
from genbench.core.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm")
"""File names that end so are images."""

# Pillow tries these readers only, whatever the file says of itself: some others start programs.
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM")
_EIGHT_BIT = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_OPAQUE = (255, 255)
_MOST_BESIDES = 16 * MIB  # colour profiles, comments and the like, which readers load whole
_MOST_OF_A_PIXEL = 64  # bytes, be it written in digits


@contextmanager
def open_image(file: Path, most_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """An image of which nothing has been decoded yet. Whatever is raised inside is told as a damaged file.

    Args:
        file: where it is.
        most_pixels: how many may be in it at most, for the bytes that are read; whoever decodes it has to
            look at its size first.

    Raises:
        DataError: it cannot be read, is none of the known formats, or is damaged.
    """
    try:
        content = read_bytes(file, _MOST_BESIDES + _MOST_OF_A_PIXEL * most_pixels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's own, whatever it minds is refused here or harmless
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                yield image
    except DataError:
        raise
    except Exception as error:  # damaged bytes make Pillow raise nearly anything
        problem = "no such format" if isinstance(error, UnidentifiedImageError) else str(error)
        problem = error.strerror or problem if isinstance(error, OSError) else problem
        raise DataError(
            f"{file} cannot be read as an image ({problem.rstrip('.')}). Write it again as PNG, or take "
            "it out of the folder."
        ) from error


def check_still_and_8_bit(image: ImageFile.ImageFile, file: Path) -> None:
    """Refuse an animation, and more than 8 bits a channel, in an image not decoded yet.

    Raises:
        DataError: it is, by its mode or, in colour, only by how it will be decoded.
    """
    if getattr(image, "is_animated", False):
        raise DataError(f"{file} is an animation. Save its frames as images of their own.")
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


def decoded(image: Image.Image, file: Path, mode: str) -> Image.Image:
    """The pixels in grey ("L") or in colour ("RGB").

    Raises:
        DataError: it is transparent in places, or in colour where grey is wanted.
    """
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
