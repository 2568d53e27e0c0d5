"""Arrays that a user's code made, checked in plain words before anything is trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import DataError
from genbench.data.dataset import Examples

MOST_CLASSES = 100_000
"""More is a mistake: labels that are no indexes."""

_TO_BYTES = ".round().clip(0, 255).astype(numpy.uint8)"


def examples_of(given: object, where: str) -> Examples:
    """Examples as genbench has them, from whatever array they came in.

    Args:
        given: images (N, C, H, W), or grey ones (N, H, W), uint8; or points (N, D), any numbers.
        where: what to call it in messages.

    Returns:
        Images (N, C, H, W) uint8, or points (N, D) float32.

    Raises:
        DataError: another shape, type or range; the message says how to convert.
    """
    array = _array(given, where)
    shape = array.shape
    if array.ndim not in (2, 3, 4):
        remedy = "one number each: reshape(-1, 1)" if array.ndim == 1 else "no shape of examples"
        raise DataError(
            f"{where} has the shape {shape}, {remedy}. Points have (N, D), images (N, channels, height, "
            "width), and grey images may have (N, height, width)."
        )
    if 0 in shape:
        raise DataError(f"{where} is empty: its shape is {shape}.")
    return _points(array, where) if array.ndim == 2 else _images(array, where)


def labels_of(given: object, n: int, where: str) -> NDArray[np.int64]:
    """Labels (N,) int64, indexes into the classes.

    Raises:
        DataError: not one whole number from 0 on for each of the n examples.
    """
    array = _array(given, where)
    if array.shape != (n,):
        raise DataError(f"{where} has the shape {array.shape}, expected ({n},): a label for every example.")
    if array.dtype.kind not in "iu":
        raise DataError(
            f"{where} is of type {array.dtype}, expected whole numbers, indexes into `classes`: "
            + (
                "`classes, labels = numpy.unique(labels, return_inverse=True)` makes them of names."
                if array.dtype.kind in "OUS"
                else "write `labels.astype(int)`."
            )
        )
    if array.min() < 0 or array.max() >= MOST_CLASSES:
        raise DataError(
            f"{where} holds numbers from {array.min()} to {array.max()}, expected indexes into `classes`, "
            "from 0 on: `classes, labels = numpy.unique(labels, return_inverse=True)` makes them."
        )
    return array.astype(np.int64)


def classes_of(
    given: Sequence[str] | None, labels: Sequence[NDArray[np.int64]], where: str
) -> tuple[str, ...]:
    """Names of the classes in label order: those given, or "0", "1", ... up to the largest label.

    Raises:
        DataError: they are not different texts, or fewer than labels need.
    """
    largest = max((int(part.max()) for part in labels if len(part)), default=-1)
    if given is None:
        return tuple(str(label) for label in range(largest + 1))
    classes = () if isinstance(given, str) else tuple(map(str, given))
    if isinstance(given, str) or len(set(classes)) < len(classes):
        raise DataError(f"`classes` of {where} is {given!r}, expected a list of different names.")
    if classes and largest < 0:
        raise DataError(f"{where} names classes and has no labels. Give both, or neither.")
    if largest >= len(classes):
        raise DataError(
            f"{where} has the label {largest}, and `classes` names {len(classes)} classes, for labels 0 to "
            f"{len(classes) - 1}. Name every class, or leave `classes` out."
        )
    return classes


def _array(given: object, where: str) -> NDArray[Any]:
    if callable(detach := getattr(given, "detach", None)):  # a tensor
        given = detach().cpu()
    try:
        array = np.asarray(given)
    except Exception as error:  # rows of different lengths, and whatever __array__ of others raises
        raise DataError(f"{where} is no array of numbers: {str(error).rstrip('.')}.") from error
    return array


def _images(array: NDArray[Any], where: str) -> NDArray[np.uint8]:
    if array.ndim == 3:
        array = array[:, np.newaxis]
    shape = array.shape
    if shape[1] not in (1, 3):
        last = shape[3] in (1, 3)
        remedy = (
            "Its channels are last: write `images.transpose(0, 3, 1, 2)`."
            if last
            else "Leave out what is neither grey nor red, green and blue."
        )
        raise DataError(
            f"{where} has the shape {shape}; images are (N, channels, height, width) with 1 channel or 3. "
            f"{remedy}"
        )
    if array.dtype != np.uint8:
        raise DataError(
            f"{where} has the shape of images and is of type {array.dtype}; images are uint8, black 0 and "
            f"white 255. {_how_to_bytes(array)}"
        )
    return np.require(array, np.uint8, ["C", "W"])


def _how_to_bytes(array: NDArray[Any]) -> str:
    if array.dtype.kind == "b":
        return "Write `images.astype(numpy.uint8) * 255`."
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        return "Some of these are no finite numbers."
    low, high = float(array.min()), float(array.max())
    seen, black, white, scaled = f"These run from {low:g} to {high:g}:", 0, 255, "images"
    if array.dtype.kind == "f" and high <= 1 and low >= -1:
        black, white, scaled = (-1, 1, "((images + 1) * 127.5)") if low < 0 else (0, 1, "(images * 255)")
    if not black <= low <= high <= white:
        return f"{seen} bring them to 0 to 255 by what is black and white in them."
    return f"{seen} if {black} is black and {white} white, write `{scaled}{_TO_BYTES}`."


def _points(array: NDArray[Any], where: str) -> NDArray[np.float32]:
    if array.dtype == np.uint8:
        raise DataError(
            f"{where} has the shape {array.shape} and is of type uint8. If each row is an image, write "
            "`images.reshape(-1, channels, height, width)`; if it is a point, `points.astype(numpy.float32)`."
        )
    if array.dtype.kind not in "iuf":
        raise DataError(f"{where} is of type {array.dtype}; points are real numbers, kept as float32.")
    with np.errstate(over="ignore"):
        points = np.array(array, dtype=np.float32, order="C")
    if bad := int((~np.isfinite(points)).any(axis=1).sum()):
        raise DataError(f"{bad:,} of the {len(points):,} points of {where} are not finite in float32.")
    return points
