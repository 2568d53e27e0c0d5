"""A user's files: their paths, and their bytes out of a gzip wrapper, never more than were asked for."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from genbench.core.bounded import open_regular
from genbench.core.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20


def user_path(text: str) -> Path:
    """The path a user wrote, with a leading ``~`` resolved where there is such a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~somebody without a home: whoever opens the path says that it is missing
        return Path(text)


@contextmanager
def open_contents(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file to read what it holds: inflated if it begins like a gzip file, whatever its name.

    Raises:
        DataError: missing, a folder, not readable, or (also while it is being read) a damaged gzip file.
    """
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder where a file is expected. Name a file inside it.")
        if not path.exists():
            raise DataError(f"there is no file {path}. Check the path, or put the file there.")
        if not path.is_file():
            raise DataError(f"{path} is not a regular file. Save its contents to a file and name that one.")
        with open_regular(path) as file:
            wrapped = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            file.seek(0)
            if wrapped:
                with gzip.GzipFile(fileobj=file) as inflated:
                    yield inflated
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file ({error}). Copy or download it again.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"{path} cannot be read: {reason}. Check the disk and the file's permissions."
        ) from error


def read_up_to(stream: BufferedIOBase, limit: int) -> bytearray:
    """Read ``limit`` bytes, or all there are if they are fewer; memory grows only with what is there."""
    content = bytearray()
    while len(content) < limit and (chunk := stream.read(min(_CHUNK, limit - len(content)))):
        content += chunk
    return content
