"""One process at a time in a run directory, and the mark of a run that has not come to its end."""

from __future__ import annotations

import errno
import json
import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from genbench.core.bounded import MIB, read_text
from genbench.core.errors import GenbenchWarning, OutputError
from genbench.store.atomic import sweep, unwritable, write_text
from genbench.store.rundir import RunDirectory

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""What some network file systems answer."""


@contextmanager
def claimed(run: RunDirectory) -> Iterator[None]:
    """Keep a run directory for this process, and clear away what a killed one was writing there.

    The system takes the claim back when the process ends, however it ends.

    Raises:
        OutputError: another process is at work in it, or it cannot be written.
    """
    lock = FileLock(run.lock)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise OutputError(
            f"{run.path} is being written by another process{_owner(run)}. Wait until it has ended, or stop "
            "it; --fresh begins a run of its own beside it."
        ) from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise unwritable(run.lock, error) from error
        warnings.warn(
            f"{run.path} lies on a file system without locks: see to it that only one process writes there.",
            GenbenchWarning,
            stacklevel=3,
        )
    try:
        sweep(run.path)
        yield
    finally:
        lock.release()


def begin(run: RunDirectory, *, again: int, maker: Mapping[str, str]) -> None:
    """Mark a run as unfinished, until ``finish`` is called: giving its command again continues it.

    Args:
        run: which one, claimed by this process.
        again: trials that failed within so many of its first records are to be tried again.
        maker: what is at work, by name: it is asked for when the run is to be continued.

    Raises:
        OutputError: the mark cannot be written.
    """
    since = datetime.now(UTC).isoformat(timespec="seconds")
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    mark = {**owner, "again": again, "maker": dict(maker)}
    write_text(run.unfinished, json.dumps(mark) + "\n")


def tried_again(run: RunDirectory) -> int | None:
    """What ``begin`` was told of an unfinished run; ``None`` where the run has come to its end."""
    if not run.unfinished.exists():
        return None
    again = _mark(run).get("again", 0)
    return again if isinstance(again, int) else 0


def maker_of(run: RunDirectory) -> dict[str, object]:
    """The maker that ``begin`` was told of an unfinished run; nothing where that cannot be told."""
    found = _mark(run).get("maker")
    return found if isinstance(found, dict) else {}


def finish(run: RunDirectory) -> None:
    """Say that the run has come to its end: giving its command again begins a new one.

    Raises:
        OutputError: the mark cannot be taken away.
    """
    try:
        run.unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(run.unfinished, error) from error


def is_claimed(run: RunDirectory) -> bool:
    """Whether a process is at work in a run directory now; it may be this one."""
    lock = FileLock(run.lock)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False  # whoever tries to claim it is told why it cannot be
    lock.release()
    return False


def _owner(run: RunDirectory) -> str:
    """Which process, as far as its mark tells."""
    mark = _mark(run)
    return (
        f" ({mark['pid']} on {mark['host']}, since {mark['since']})"
        if {"pid", "host", "since"} <= mark.keys()
        else ""
    )


def _mark(run: RunDirectory) -> dict[str, object]:
    try:
        mark = json.loads(read_text(run.unfinished, MIB))
    except (OSError, ValueError, RecursionError):
        return {}  # a mark that was cut off in writing is a mark all the same
    return mark if isinstance(mark, dict) else {}
