"""A user's own images in a folder, one file each; sub-folders are their classes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, GenbenchWarning
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset
from genbench.data.files import user_path
from genbench.data.imagefile import SUFFIXES, check_still_and_8_bit, decoded, open_image
from genbench.data.label import check_label
from genbench.data.split import held_out_fifth

MOST_FILES = 1_000_000
"""Files and folders in it, at most: a wrong path such as the root of a disk ends there."""

MOST_PIXELS = 50_000_000
"""Of one image, before it is resized."""

MOST_BYTES = 8 << 30
"""Of all images as they are held in memory."""

LARGEST_SIZE = 1024
"""The largest ``size``."""

_GREY = ("1", "L", "LA")
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Listed:
    """Image files of one split in the order of classes and names, and the class of each, if there are any."""

    files: tuple[Path, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]


@datasets.register("folder")
@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Images of one's own in a folder: train/CLASS and test/CLASS, only CLASS, or no classes at all.

    Without ``train`` and ``test``, a fifth of every class is the test split, drawn by a fixed seed. Images
    are RGB if any of them has colour, else grey. They must be of one size, or are brought to ``size``: the
    largest square in the middle, resized with Pillow's bicubic filter (which averages over the pixels that
    fall into one). An orientation that a camera noted beside the pixels is not applied.

    Attributes:
        path: the folder; a relative one starts at the working directory. Links that lead out of it are
            refused.
        label: what records, tables and file names call the dataset; not the name of another one.
        size: height and width that images are brought to; by default they are kept as they are.
    """

    path: str
    label: str = "folder"
    size: int | None = None

    def load(self) -> Dataset:
        """Find, check and decode the images.

        Returns:
            Images (N, C, H, W) uint8, with C 1 or 3; labels (N,) int64, or none.

        Raises:
            DataError: there are no images, or too many; one is damaged, of another size, of more than 8 bits,
                transparent, animated, or outside of the folder; splits have different classes.

        Warns:
            GenbenchWarning: other files lie between the images and are left out.
        """
        check_label("folder", self.label)
        if self.size is not None and not 1 <= self.size <= LARGEST_SIZE:
            raise DataError(
                f"the dataset folder has the `size` {self.size}; images are from 1 to {LARGEST_SIZE} pixels "
                "wide and high here."
            )
        root = user_path(self.path)
        if not root.is_dir():
            raise DataError(f"there is no folder {root}. Check the `path` of the dataset folder.")
        search = _Search(root.resolve())
        folders, files = search.inside(root)
        named = {folder.name: folder for folder in folders}
        split = [named[name] for name in ("train", "test") if name in named]
        if len(split) == 2 and not files:
            train, test = (_listed(folder, search) for folder in split)
            search.left_out += [folder for folder in folders if folder not in split]
            if train.classes != test.classes:
                raise DataError(_different(root, train.classes, test.classes))
            images = _read((*train.files, *test.files), self.size, root)
            train_images, test_images = images[: len(train.files)], images[len(train.files) :]
            train_labels, test_labels = train.labels, test.labels
        else:
            if split:
                raise DataError(
                    f"{root} has a folder {split[0].name}, and "
                    f"{'images beside it' if files else 'not both `train` and `test`'}. Put all images into "
                    "`train` and `test`, or call a class of that name something else."
                )
            train = _listed(root, search)
            images = _read(train.files, self.size, root)
            rows = held_out_fifth(train.labels, len(images), f"the folder {root}")
            train_images, test_images = (images[part] for part in rows)
            train_labels, test_labels = (train.labels[part] if train.classes else _NONE for part in rows)
        search.tell_what_is_left_out()
        channels, height, width = images.shape[1:]
        return Dataset(
            info=DataInfo(self.label, (channels, height, width), train.classes),
            train_examples=train_images,
            train_labels=train_labels,
            test_examples=test_images,
            test_labels=test_labels,
            source=str(root.absolute()),
        )

    def locate(self) -> str | None:
        """The folder; None if there is none."""
        root = user_path(self.path)
        try:
            return str(root.absolute()) if root.is_dir() else None
        except OSError:  # one that may not be entered
            return None


@dataclass(slots=True)
class _Search:
    """Looks into folders, but never outside of the first, nor at more files than anyone has images.

    Attributes:
        root: the first folder, links resolved.
        seen: how many files and folders were looked at.
        left_out: what is no image of the dataset.
    """

    root: Path
    seen: int = 0
    left_out: list[Path] = field(default_factory=list)

    def inside(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """Folders and image files in a folder, sorted by name; hidden ones are passed over.

        Raises:
            DataError: it cannot be read, there are too many, or a link leads out of the first folder.
        """
        paths = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self.seen += 1
                    if self.seen > MOST_FILES:
                        raise DataError(
                            f"{self.root} holds more than {MOST_FILES:,} files. Check the `path` of the "
                            "dataset folder."
                        )
                    if not entry.name.startswith("."):
                        paths.append(Path(entry.path))
        except OSError as error:
            raise DataError(f"the folder {folder} cannot be read: {error.strerror}.") from error
        folders, images = [], []
        for path in sorted(paths):
            if path.is_symlink() and not _leads_into(path, self.root):
                raise DataError(
                    f"{path} is a link that leads out of the folder, to {path.readlink()}. Copy what it "
                    "leads to, or name the folder in which all images are."
                )
            if path.is_dir():
                folders.append(path)
            elif path.suffix.lower() in SUFFIXES and path.is_file():
                images.append(path)
            else:
                self.left_out.append(path)
        return folders, images

    def tell_what_is_left_out(self) -> None:
        """Warn of everything that is no image."""
        if not self.left_out:
            return
        some = ", ".join(f"{path.parent.name}/{path.name}" for path in self.left_out[:5])
        more = f" and {len(self.left_out) - 5:,} more" if len(self.left_out) > 5 else ""
        warnings.warn(
            f"{self.root}: left out what is no image of the dataset: {some}{more}.",
            GenbenchWarning,
            stacklevel=3,
        )


def _leads_into(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link to itself
        return False


def _listed(folder: Path, search: _Search) -> _Listed:
    """The images of a folder, or of its sub-folders, which are classes then."""
    folders, files = search.inside(folder)
    if files and folders:
        raise DataError(
            f"{folder} has images ({files[0].name}) and folders ({folders[0].name}) side by side. Put every "
            "image into a folder of its class, or all into one folder without classes."
        )
    if not folders:
        if not files:
            raise DataError(f"the folder {folder} has no images ({', '.join(SUFFIXES)}).")
        return _Listed(tuple(files), _NONE, ())
    found: list[Path] = []
    labels: list[int] = []
    for label, of_class in enumerate(folders):
        deeper, members = search.inside(of_class)
        for path in deeper:
            search.left_out.append(path)
        if not members:
            raise DataError(
                f"the folder {of_class} has no images ({', '.join(SUFFIXES)}), and each folder in {folder} "
                "is a class. Fill it or take it away."
            )
        if not of_class.name.isprintable() or len(of_class.name) > 64:
            raise DataError(f"{str(of_class)!r} cannot be the name of a class: use up to 64 letters.")
        found += members
        labels += [label] * len(members)
    return _Listed(tuple(found), np.array(labels, dtype=np.int64), tuple(path.name for path in folders))


def _different(root: Path, train: Sequence[str], test: Sequence[str]) -> str:
    only = [f"{name} (only in train)" for name in train if name not in test]
    only += [f"{name} (only in test)" for name in test if name not in train]
    more = f" and {len(only) - 5} more" if len(only) > 5 else ""
    return (
        f"train and test in {root} have different classes: {', '.join(only[:5])}{more}. Give both a folder "
        "for every class."
    )


def _read(files: Sequence[Path], size: int | None, root: Path) -> NDArray[np.uint8]:
    """(N, C, H, W), in the order of the files."""
    shape, colour = _sizes_and_colour(files, size)
    channels = 3 if colour else 1
    needed = len(files) * channels * shape[0] * shape[1]
    if needed > MOST_BYTES:
        raise DataError(
            f"the {len(files):,} images of {root} would take {needed / 2**30:.1f} GiB of memory, more than "
            f"{MOST_BYTES >> 30}. Use fewer, or bring them to a smaller `size`."
        )
    images = np.empty((len(files), *shape, channels), dtype=np.uint8)
    seen = False
    for image, file in zip(images, files, strict=True):
        image[...] = _pixels(file, shape, "RGB" if colour else "L", size).reshape(image.shape)
        seen = seen or bool(np.ptp(image, axis=2).any())
    images = images if seen else images[..., :1]  # grey images may have been saved in colour
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _sizes_and_colour(files: Sequence[Path], size: int | None) -> tuple[tuple[int, int], bool]:
    """Height and width, and whether any image may have colour, from the headers alone."""
    first: tuple[int, int] | None = None
    colour = False
    for file in files:
        with open_image(file, MOST_PIXELS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DataError(
                    f"{file} has {image.width} x {image.height} pixels, more than {MOST_PIXELS:,}. Make it "
                    "smaller, or take it out of the folder."
                )
            check_still_and_8_bit(image, file)
            first = first or image.size
            if size is None and image.size != first:
                raise DataError(
                    f"{file} is {image.width} pixels wide and {image.height} high, and {files[0]} is "
                    f"{first[0]} and {first[1]}. Make them alike, or let `size = 32` bring all to 32 x 32."
                )
            colour = colour or image.mode not in _GREY
    assert first is not None
    return (first[1], first[0]) if size is None else (size, size), colour


def _pixels(file: Path, shape: tuple[int, int], mode: str, size: int | None) -> NDArray[np.uint8]:
    with open_image(file, MOST_PIXELS) as image:
        if image.width * image.height > MOST_PIXELS or (size is None and image.size != shape[::-1]):
            raise DataError(f"{file} was changed while it was read. Start again.")
        pixels = decoded(image, file, mode)
        if pixels.size != shape[::-1]:
            side = min(pixels.size)
            left, top = (pixels.width - side) // 2, (pixels.height - side) // 2
            # cut first: a box given to resize lets pixels around it in
            square = pixels.crop((left, top, left + side, top + side))
            pixels = square.resize(shape[::-1], Image.Resampling.BICUBIC)
        return np.asarray(pixels)
