"""Whole files or none: text that a reader never sees half-written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from genbench.core.errors import OutputError


def write_text(path: Path, text: str) -> None:
    """Write ``text`` (UTF-8) to ``path``, replacing what is there; missing folders are made.

    The text goes to a file beside it first, which takes the name once it is safely on the disk: whoever
    reads sees the old text or the new one.

    Raises:
        OutputError: it cannot be written; what was there before is untouched.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
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
