"""Files that lie beside a run's records, read to be shown: those of the run's own folder and no others."""

from __future__ import annotations

import errno
from pathlib import Path

from genbench.core.bounded import read_bytes


def read_own(folder: Path, path: Path, most: int) -> bytes:
    """All bytes of a file of a run.

    Somebody else's run may hold a link to a file of ours, which would then stand in a report that we publish.

    Args:
        folder: of the run; it may be reached by a link itself.
        path: the file.
        most: bytes that it may have.

    Raises:
        OSError: there is none, it cannot be read, it is a link that leads out of the folder, it is not a
            regular file, or it is larger.
    """
    if not path.resolve().is_relative_to(folder.resolve()):
        raise OSError(errno.EPERM, "it is a link that leads out of the run's folder", str(path))
    return read_bytes(path, most)
