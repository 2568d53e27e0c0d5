"""Whole files or none: what a reader never sees half-written."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from genbench.core.errors import OutputError

TEMPORARY = ".tmp"
"""Ends the names of files that are being written; they begin with a dot."""

_ELSEWHERE = "choose another place with -o or --out"


def write_text(path: Path, text: str) -> None:
    """Write ``text``, in UTF-8, as ``write_bytes`` does.

    Raises:
        OutputError: it cannot be written; what was there before is untouched.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, replacing what is there; missing folders are made.

    Whoever reads sees the old content or the new one, also after the power has failed.

    Raises:
        OutputError: it cannot be written; what was there before is untouched.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write to, which takes its place once it is closed and safely on the disk.

    Raises:
        OutputError: it cannot be written; what was there before is untouched.
    """
    if path.is_dir():
        raise unwritable(path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("r+b") as file:  # a system may refuse to bring to the disk what it only reads
            os.fsync(file.fileno())
        temporary.chmod(_default_mode())
        temporary.replace(path)
        temporary = None
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary is not None:  # whatever came between, an interrupt too
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable too, where the system can (Windows cannot open folders).

    Raises:
        OSError: the system could not.
    """
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what processes that were killed while they wrote have left in a folder and all below it.

    Nobody else may be writing there.
    """
    for left in folder.rglob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):  # it costs space and is never read
            left.unlink()


def unwritable(path: Path, error: OSError) -> OutputError:
    """Say that ``path`` cannot be written, why, and what mends that."""
    return OutputError(f"cannot write {path}: {error.strerror or error}. {_remedy(path, error)}")


def _remedy(path: Path, error: OSError) -> str:
    if isinstance(error, IsADirectoryError):
        return "Name a file in that folder, not the folder itself."
    if isinstance(error, FileExistsError | NotADirectoryError):
        in_the_way = next((up for up in path.parents if os.path.lexists(up) and not up.is_dir()), path)
        return f"{in_the_way} is a file, and would have to be a folder: move it, or {_ELSEWHERE}."
    if isinstance(error, PermissionError):
        return f"Mend the permissions of {path.parent}, or {_ELSEWHERE}."
    remedies = {
        errno.ENOSPC: f"Free some space, or {_ELSEWHERE}.",
        errno.EDQUOT: f"Free some space, or {_ELSEWHERE}.",
        errno.ENOENT: f"{path.parent} was deleted or moved meanwhile: put it back.",
        errno.ENAMETOOLONG: "Choose a shorter name.",
    }
    return remedies.get(error.errno or 0, f"{_ELSEWHERE.capitalize()}.")


def _default_mode() -> int:
    """The mode of an ordinary new file: temporary files are made for their owner only."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
