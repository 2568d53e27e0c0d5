"""Arrays in files of NumPy, read in slices: ``.npy``, and a member of an ``.npz``. Nothing is unpickled."""

from __future__ import annotations

import io
import math
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from genbench.core.bounded import open_regular
from genbench.core.errors import DataError

PREFERRED = ("samples", "images", "arr_0")
"""Members of an ``.npz`` that are taken where it has several, the first of these that is there."""

_CHUNK = 1 << 20
_LONGEST_HEADER = 10_000  # what NumPy evaluates; it would read any length before it minds
# What numpy.savez writes. Others may take memory of any size to unpack: an LZMA member says itself how much.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError)


@dataclass(frozen=True, slots=True)
class Header:
    """What an array file says of itself before its numbers.

    Attributes:
        shape: of the array.
        dtype: of its numbers, in whatever byte order.
        fortran: whether the first index runs fastest.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def size(self) -> int:
        """Bytes of all its numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class ArrayFile:
    """The rows of an array in an open file.

    Attributes:
        path: what to call it.
        file: where it is.
        offset: of the first number, in bytes.
        header: what it is.
    """

    path: Path
    file: IO[bytes]
    offset: int
    header: Header

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""
        return self.header.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of its numbers."""
        return self.header.dtype

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """These rows, copied: a mapping that stayed would count all that was ever read as memory.

        Raises:
            DataError: the file has become shorter since it was opened, or cannot be mapped as announced.
        """
        order: Literal["F", "C"] = "F" if self.header.fortran else "C"
        try:
            mapped = np.memmap(self.file, self.dtype, "r", self.offset, self.shape, order)
            return np.array(mapped[rows])
        except (OSError, ValueError, TypeError, IndexError, OverflowError) as error:  # shapes no array has
            raise DataError(
                f"{self.path} was changed while it was read, or is damaged ({error}). Write it again."
            ) from error


@contextmanager
def open_array(path: Path, check: Callable[[Header], None]) -> Iterator[ArrayFile]:
    """Open an ``.npy`` where it is, or unpack a member of an ``.npz`` to a temporary file.

    Args:
        path: the file; its suffix tells which.
        check: raises where the array is not what is wanted; called before anything is unpacked.

    Raises:
        DataError: missing, damaged, of objects, or an ``.npz`` without a member to choose.
    """
    try:
        array = _member_of(path, check) if path.suffix.lower() == ".npz" else _plain(path, check)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Check the path, the disk and the permissions."
        ) from error
    with array.file:
        yield array


def _plain(path: Path, check: Callable[[Header], None]) -> ArrayFile:
    file = open_regular(path)
    try:
        header = _header(file, str(path))
        check(header)
        there = path.stat().st_size - file.tell()
        if there != header.size:
            raise _other_size(str(path), header.size, there)
    except BaseException:
        file.close()
        raise
    return ArrayFile(path, file, file.tell(), header)


def _member_of(path: Path, check: Callable[[Header], None]) -> ArrayFile:
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it; without a name nothing stays
    try:
        with open_regular(path) as file, zipfile.ZipFile(_ReadInParts(file)) as archive:
            member = _member(path, archive.namelist())
            if archive.getinfo(member).compress_type not in _METHODS:
                raise zipfile.BadZipFile(f"{member!r} is packed in a way that numpy.savez does not use")
            with archive.open(member) as stream:
                header = _unpack(stream, unpacked, f"{path}, member {member!r}", check)
    except BaseException as error:
        unpacked.close()
        if isinstance(error, DataError | OSError) or not isinstance(error, Exception):
            raise
        # damaged bytes make the archive's reader raise nearly anything
        raise DataError(
            f"{path} is no .npz file that can be read ({error}). Write it again with numpy.savez."
        ) from error
    return ArrayFile(path, unpacked, 0, header)


class _ReadInParts:
    """A file that gives no more than a megabyte at once: an archive's list of members is not longer.

    Its reader asks for the whole list at once, however long the archive says that it is.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close
        self._read = file.read

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        if size > _CHUNK:
            raise zipfile.BadZipFile(f"its list of members has {size:,} bytes")
        return self._read(_CHUNK if size < 0 else size)  # without a size only what is left of the last 64 kB


def _member(path: Path, names: list[str]) -> str:
    arrays = {name.removesuffix(".npy"): name for name in names if name.endswith(".npy")}
    for name in PREFERRED:
        if name in arrays:
            return arrays[name]
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    there = f"It has {', '.join(sorted(arrays))}" if arrays else "It has no array"
    raise DataError(
        f"{path}: which array holds the samples? {there}. Write them as the only array of the file, or call "
        f"them {' or '.join(map(repr, PREFERRED))}."
    )


def _unpack(stream: IO[bytes], to: IO[bytes], what: str, check: Callable[[Header], None]) -> Header:
    """Copy a member's numbers: as many bytes as its header announces, if they are really there."""
    header = _header(stream, what)
    check(header)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if header.size > free / 2:  # others write there too
        raise DataError(
            f"{what} announces {header.size:,} bytes, and the folder for temporary files, "
            f"{tempfile.gettempdir()}, has {free:,} left, half of which may be used. Save the samples with "
            "numpy.save, or set TMPDIR."
        )
    copied = 0
    while chunk := stream.read(min(_CHUNK, header.size - copied)):
        to.write(chunk)
        copied += len(chunk)
    more = len(stream.read(_CHUNK))  # and at the end of the member its checksum is compared
    if more or copied != header.size:
        raise _other_size(what, header.size, copied + more)
    to.flush()
    return header


def _header(stream: IO[bytes], what: str) -> Header:
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        length = stream.read(2 if version == (1, 0) else 4)
        if (size := int.from_bytes(length, "little")) > _LONGEST_HEADER:
            raise ValueError(f"its header has {size:,} bytes")
        shape, fortran, dtype = read(io.BytesIO(length + stream.read(size)))
    except (OSError, *_UNREADABLE):
        raise  # of the disk or the archive, not of the header
    except Exception as error:  # NumPy evaluates the header: TypeError, TokenError, MemoryError and others
        reason = (str(error) or type(error).__name__).partition("\n")[0].rstrip(".")
        raise DataError(
            f"{what} is no array file of NumPy ({reason}). Write the samples with numpy.save."
        ) from error
    if dtype.hasobject:
        raise DataError(
            f"{what} holds Python objects, which are never unpickled here. Save an array of numbers."
        )
    if any(isinstance(length, bool) or not 0 <= length <= sys.maxsize for length in shape):
        raise DataError(f"{what} is damaged: it announces the shape {shape}. Write it again.")
    return Header(shape, dtype, fortran)


def _other_size(what: str, announced: int, there: int) -> DataError:
    relation = "only " if there < announced else "at least "
    return DataError(
        f"{what} is damaged: its header announces {announced:,} bytes of numbers, and {relation}{there:,} "
        "are there. Write or copy it again."
    )
