"""Samples as pictures: rows of images, labelled, enlarged without smoothing."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genbench.report.folding import fold
from genbench.report.untrusted import clean
from genbench.store.atomic import write_bytes

_SCALE = 2
_GUTTER = 2
_MARGIN = 8
_FONT_SIZE = 13
_LABEL_WIDTH = 18  # letters, before a label is folded


def write_grid(
    path: Path, images: NDArray[np.uint8], row_labels: Sequence[str], *, title: str = "", scale: int = _SCALE
) -> None:
    """Write a PNG of images in rows.

    Args:
        path: the file.
        images: (rows, columns, C, H, W), C is 1 or 3.
        row_labels: a label for each row, such as ``seed 3``.
        title: a line above.
        scale: pixels to draw each pixel with, along either side.

    Raises:
        ValueError: another shape or type, or not a label for each row.
        OutputError: the file cannot be written.
    """
    from PIL import Image, ImageDraw, ImageFont

    _check(images, row_labels)
    font = ImageFont.load_default(size=_FONT_SIZE)
    labels = [fold(clean(label), _LABEL_WIDTH) for label in row_labels]
    title = clean(title)
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    sizes = [ruler.multiline_textbbox((0, 0), label, font=font) for label in labels]
    left = _MARGIN + max((int(size[2]) for size in sizes), default=0) + _MARGIN
    top = _MARGIN + (2 * _FONT_SIZE if title else 0)
    mosaic = _mosaic(images, scale)
    width = max(left + mosaic.shape[1], int(ruler.textlength(title, font=font)) + _MARGIN) + _MARGIN
    picture = Image.new("RGB", (width, top + mosaic.shape[0] + _MARGIN), "white")
    picture.paste(Image.fromarray(mosaic), (left, top))
    draw = ImageDraw.Draw(picture)
    if title:
        draw.text((_MARGIN, _MARGIN), title, fill="black", font=font)
    step = images.shape[3] * scale + _GUTTER
    for row, label in enumerate(labels):
        middle = top + row * step + (step - _GUTTER) / 2
        draw.multiline_text((_MARGIN, middle), label, fill="black", font=font, anchor="lm")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    write_bytes(path, buffer.getvalue())


def write_figure(
    path: Path,
    samples: Mapping[str, NDArray[np.uint8]],
    *,
    columns: int = 16,
    title: str = "",
    scale: int = _SCALE,
) -> None:
    """Write one PNG with a row a model, in the order given; ``real`` goes in as one of them.

    Args:
        path: the file.
        samples: a label to (N, C, H, W) images, of which the first ``columns`` are shown.
        columns: images in a row, at most.
        title: a line above.
        scale: as in ``write_grid``.

    Raises:
        ValueError: no images, or images of different shapes.
        OutputError: the file cannot be written.
    """
    if not samples:
        raise ValueError("no images to show: give at least one model's samples.")
    shown = min(columns, *(len(images) for images in samples.values()))
    shapes = {label: images.shape[1:] for label, images in samples.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"images of one figure must have one shape (C, H, W); these have {shapes}.")
    stacked = np.stack([images[:shown] for images in samples.values()])
    write_grid(path, stacked, list(samples), title=title, scale=scale)


def _check(images: NDArray[np.uint8], row_labels: Sequence[str]) -> None:
    if images.ndim != 5 or images.shape[2] not in (1, 3) or 0 in images.shape or images.dtype != np.uint8:
        raise ValueError(
            f"a grid needs uint8 images (rows, columns, C, H, W) with C 1 or 3; "
            f"this is {images.dtype} {images.shape}."
        )
    if len(row_labels) != len(images):
        raise ValueError(f"{len(images)} rows of images, {len(row_labels)} labels: give one for each row.")


def _mosaic(images: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """One (height, width, 3) picture, white between the images."""
    rows, columns, channels, height, width = images.shape
    large = images.repeat(scale, axis=3).repeat(scale, axis=4)
    tall, wide = height * scale + _GUTTER, width * scale + _GUTTER
    canvas = np.full((rows, columns, tall, wide, 3), 255, dtype=np.uint8)
    color = np.broadcast_to(large, (rows, columns, 3, *large.shape[3:])) if channels == 1 else large
    canvas[:, :, :-_GUTTER, :-_GUTTER] = color.transpose(0, 1, 3, 4, 2)  # (rows, columns, H, W, 3)
    picture = canvas.transpose(0, 2, 1, 3, 4).reshape(rows * tall, columns * wide, 3)
    return picture[:-_GUTTER, :-_GUTTER]
