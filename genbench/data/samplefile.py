"""Samples that any generator left on disk, in the form of a dataset's examples and read in slices."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, GenbenchWarning
from genbench.data.arrayfile import Header, open_array
from genbench.data.dataset import Examples
from genbench.data.imagefolder import image_folder

Range = tuple[float, float]
"""The numbers that mean black and white."""

USUAL: tuple[Range, ...] = ((0, 1), (-1, 1), (0, 255))
"""Ranges in which generators give images, the narrowest first."""

_GREYS: Range = (0, 255)
_SLACK = 0.01  # by which numbers may leave a range that is suggested
_AT_ONCE = 1 << 22  # bytes looked at together
_NAMED = 5  # rows that a message names

Array = NDArray[Any]


class Rows(Protocol):
    """An array on disk."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, ...)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its numbers."""

    def __getitem__(self, rows: slice, /) -> Array:
        """These rows, in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class SampleFile:
    """Samples on disk that have been looked through once: every number is finite and in its range.

    Attributes:
        path: where they are.
        hash: of the samples in the form in which they are scored; the layout of the file does not matter.
        rows: as they are on disk.
        form: makes examples of them.
    """

    path: Path
    hash: str
    rows: Rows
    form: Callable[[Array], Examples]

    def __len__(self) -> int:
        """How many."""
        return self.rows.shape[0]

    def __getitem__(self, rows: slice) -> Examples:
        """These samples: images (n, C, H, W) uint8 or points (n, D) float32."""
        return self.form(self.rows[rows])


@contextmanager
def open_samples(path: Path, info: DataInfo, value_range: Range | None = None) -> Iterator[SampleFile]:
    """Open samples and look through all of them, so that nothing is computed of what cannot be scored.

    Nothing is guessed, resized, clipped or scaled by what the numbers happen to be: one stray sample must
    not move the scores of the others.

    Args:
        path: an ``.npy``, an ``.npz``, or a folder of images.
        info: the dataset that they are to be compared with.
        value_range: which numbers mean black and white; for uint8 these are 0 and 255 always, and all other
            numbers need it. Not for points.

    Raises:
        DataError: they cannot be read, or are not samples of this dataset; the message tells why.

    Warns:
        GenbenchWarning: their numbers would lie in a narrower usual range too.
    """
    if not info.is_image and value_range is not None:
        raise DataError(
            f"--range: samples of {info.name!r} are points, which are scored in the data's own units. "
            "Leave it out."
        )
    if value_range is not None and not -math.inf < value_range[0] < value_range[1] < math.inf:
        raise DataError(
            f"--range {_colon(value_range)}: expected two numbers, the lower first, such as "
            f"{' or '.join(map(_colon, USUAL))}."
        )
    with _open_rows(path, info) as rows:
        span = _GREYS if rows.dtype == np.uint8 else value_range
        arrange = _arrangement(path, rows.shape, info)

        def form(raw: Array) -> Examples:
            if not info.is_image:
                return _as_points(raw)
            images: Examples = np.ascontiguousarray(arrange(_levels(raw, span or _GREYS)), dtype=np.uint8)
            return images

        yield SampleFile(path, _look_through(path, rows, info, span, form), rows, form)


def check_range_is_used(files: Sequence[SampleFile], value_range: Range | None) -> None:
    """A range that contradicts uint8, which is 0 to 255 always, must be meant for other files of the call.

    Raises:
        DataError: all the files are uint8.

    Warns:
        GenbenchWarning: of each uint8 file, where the range is for others.
    """
    if value_range is None or value_range == _GREYS:
        return
    given = f"--range {_colon(value_range)}"
    whole = [file for file in files if file.rows.dtype == np.uint8]
    if whole and len(whole) == len(files):
        raise DataError(
            f"{given}: {whole[0].path} is uint8, in which 0 is black and 255 white always. Leave the range "
            "out, or save the samples as floating-point numbers if they are in that range."
        )
    for file in whole:
        warnings.warn(
            f"{file.path} is uint8, in which 0 is black and 255 white always: {given} is for the others.",
            GenbenchWarning,
            stacklevel=2,
        )


@contextmanager
def _open_rows(path: Path, info: DataInfo) -> Iterator[Rows]:
    if path.is_dir():
        yield image_folder(path, info)
    elif path.suffix.lower() in (".npy", ".npz"):
        if path.exists() and not path.is_file():  # opening a pipe or a device could wait for ever
            raise DataError(f"{path} is not a regular file. Save its contents to a file and name that one.")

        def check(header: Header) -> None:
            _check_type(path, header.dtype, info)
            _arrangement(path, header.shape, info)

        with open_array(path, check) as array:
            yield array
    else:
        there = "holds no samples that can be read" if path.exists() else "is not there"
        raise DataError(f"{path} {there}. Give a .npy or .npz file, or a folder of images.")


def _check_type(path: Path, dtype: np.dtype[Any], info: DataInfo) -> None:
    if info.is_image and dtype.kind not in "fiu":
        raise DataError(
            f"{path} holds {dtype}; images are uint8, 0 to 255, or other whole or floating-point numbers "
            "with --range. Convert it."
        )
    if not info.is_image and dtype.kind != "f":
        raise DataError(
            f"{path} holds {dtype}; points are floating-point numbers in the data's own units. Convert it."
        )


def _arrangement(path: Path, shape: tuple[int, ...], info: DataInfo) -> Callable[[Array], Array]:
    """What brings rows of this shape to (N, C, H, W), or leaves points alone.

    Raises:
        DataError: no samples, another shape, or one that could be read in two ways.
    """
    if not info.is_image:
        known: dict[tuple[int, ...], Callable[[Array], Array]] = {info.shape: lambda x: x}
    else:
        channels, *size = info.shape
        last = (*size, channels)
        known = {info.shape: lambda x: x, last: lambda x: np.moveaxis(x, -1, 1)}
        if channels == 1:
            known[tuple(size)] = lambda x: x[:, np.newaxis]
        elif last == info.shape:
            raise DataError(
                f"{path}: whether the channels of (N, {_listed(last)}) come first or last cannot be told."
            )
    if shape[1:] not in known:
        accepted = " or ".join(f"(N, {_listed(each)})" for each in reversed(known))
        raise DataError(
            f"{path} holds an array of shape ({_listed(shape)}); samples of {info.name!r} have the shape "
            f"{accepted}. {'Nothing is resized or cut here. ' * info.is_image}Save them in that shape."
        )
    if not shape[0]:
        raise DataError(f"{path} holds no samples: its shape is ({_listed(shape)}).")
    return known[shape[1:]]


def _listed(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _levels(raw: Array, span: Range) -> Array:
    """Grey levels, rounded as those of a model's samples are and not yet clipped: in range, -0.5 to 255.5."""
    if raw.dtype == np.uint8 and span == _GREYS:
        return raw
    low, high = span
    values = raw.astype(np.result_type(raw.dtype, np.float32))
    return ((values - low) * (255 / (high - low))).round()


def _as_points(raw: Array) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # it shows as an infinity, which is refused
        return np.ascontiguousarray(raw, dtype=np.float32)


def _look_through(
    path: Path, rows: Rows, info: DataInfo, span: Range | None, form: Callable[[Array], Examples]
) -> str:
    """Read everything once and tell its hash.

    Raises:
        DataError: numbers that are not finite, outside of the range, or without one.
    """
    digest = hashlib.sha256(repr(rows.shape[0]).encode())
    at_once = max(1, _AT_ONCE // max(1, math.prod(rows.shape[1:]) * rows.dtype.itemsize))
    seen, outside, bad, named = (math.inf, -math.inf), 0, 0, list[int]()
    for start in range(0, rows.shape[0], at_once):
        raw = rows[start : start + at_once]
        finite = np.isfinite(raw if info.is_image else _as_points(raw)).reshape(len(raw), -1).all(axis=1)
        bad += int((~finite).sum())
        named += [start + int(row) for row in np.flatnonzero(~finite)[: _NAMED - len(named)]]
        if bad:
            continue
        if info.is_image:
            seen = min(seen[0], float(raw.min())), max(seen[1], float(raw.max()))
            if span is None:
                continue
            levels = _levels(raw, span)
            outside += int(((levels < _GREYS[0]) | (levels > _GREYS[1])).sum())
        if not outside:
            digest.update(form(raw).data.cast("B"))
    if bad:
        more = f" and {bad - _NAMED:,} more" if bad > _NAMED else ""
        raise DataError(
            f"{path}: {bad:,} of its {rows.shape[0]:,} samples hold NaN or infinity (counted from 0: "
            f"{_listed(tuple(named))}{more}). The generator that gave them has diverged. They are not "
            "left out here: that would score another generator."
        )
    if info.is_image:
        _check_range(path, rows, span, seen, outside)
    return digest.hexdigest()[:12]


def _check_range(path: Path, rows: Rows, span: Range | None, seen: Range, outside: int) -> None:
    numbers = f"{rows.dtype.name} numbers from {seen[0]:.6g} to {seen[1]:.6g}"
    likely = _likely(seen)
    if rows.dtype == np.uint8:
        advice = "For uint8 they are always 0 and 255: save the samples so."
    elif likely:
        advice = f"If they are {likely[0]:g} and {likely[1]:g}, give --range {_colon(likely)}."
    else:
        advice = (
            f"Give --range LO:HI. None of the usual {', '.join(map(_colon, USUAL))} holds these: if the "
            "images were normalized by a mean and a deviation, undo it first."
        )
    if span is None:
        raise DataError(f"{path} holds {numbers}. Which numbers mean black and white? {advice}")
    if outside:
        raise DataError(
            f"{path} holds {numbers}, and {outside:,} of {math.prod(rows.shape):,} lie outside of "
            f"{_colon(span)} by more than rounding; nothing is clipped here. Which numbers mean black and "
            f"white? {advice}"
        )
    if likely and likely[1] - likely[0] < span[1] - span[0]:
        warnings.warn(
            f"{path} holds {numbers}, a small part of the range {_colon(span)}. If they reach from black to "
            f"white, all scores are wrong. {advice}",
            GenbenchWarning,
            stacklevel=2,
        )


def _likely(seen: Range) -> Range | None:
    """The narrowest usual range that holds these extremes but for rounding."""
    fitting = (span for span in USUAL if span[0] - _SLACK <= seen[0] and seen[1] <= span[1] + _SLACK)
    return next(fitting, None)


def _colon(span: Range) -> str:
    return f"{span[0]:g}:{span[1]:g}"
