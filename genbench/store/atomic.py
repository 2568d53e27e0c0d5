"""Whole files or none: what a reader never sees half-written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from genbench.core.errors import OutputError


def write_text(path: Path, text: str) -> None:
    """Write ``text``, in UTF-8, as ``write_bytes`` does.

    Raises:
        OutputError: it cannot be written; what was there before is untouched.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, replacing what is there; missing folders are made.

    It goes to a file beside it first, which takes the name once it is safely on the disk: whoever reads
    sees the old content or the new one.

    Raises:
        OutputError: it cannot be written; what was there before is untouched.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_default_mode())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}. Free some space or mend the permissions, "
            "or choose another place (--out DIR or -o FILE)."
        ) from error


def _default_mode() -> int:
    """The mode of an ordinary new file: temporary files are made for their owner only."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
