"""Reading files that anyone may have written: regular ones only, and no more of one than its kind needs."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

MIB = 1 << 20
_CHUNK = 1 << 20


def open_regular(path: Path) -> BufferedReader:
    """Open a file to read its bytes, without ever waiting for one: a pipe or a device is refused.

    Raises:
        OSError: there is none, it cannot be opened, or it is not a regular file.
    """
    # Asked of what was opened, so that nothing can be put in its place between; a pipe that nobody writes to
    # opens at once without blocking.
    waits_for_nothing = (
        getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    )
    try:
        handle = os.open(path, os.O_RDONLY | waits_for_nothing)
    except ValueError as error:  # a path with a null character
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a regular file", str(path))


def read_bytes(path: Path, most: int) -> bytes:
    """All bytes of a regular file, if they are at most ``most``; no memory is taken for more.

    Raises:
        OSError: there is none, it cannot be read, it is not a regular file, or it is larger.
    """
    too_large = OSError(errno.EFBIG, f"it is larger than {most / MIB:g} MiB", str(path))
    content = bytearray()
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise too_large
        while chunk := file.read(min(_CHUNK, most + 1 - len(content))):  # it may be growing
            content += chunk
            if len(content) > most:
                raise too_large
    return bytes(content)


def read_text(path: Path, most: int) -> str:
    """The same as text.

    Raises:
        OSError: as ``read_bytes``.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read_bytes(path, most).decode("utf-8")
