"""Ctrl-C and SIGTERM at moments that lose nothing.

Raised wherever the interpreter happens to be, an interrupt may end in the middle of a library that does not
expect it, which then fails with an error of its own, or swallows it. So while a run is at work the first
signal is only noted, and heeded where the work can be put down; a second one is raised at once.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NOTED = b"\nstopping where nothing is lost, which may take a moment; once more stops at once\n"

_asked = False
_urgent = False


def is_urgent() -> bool:
    """Whether a second signal came, and nothing is to be waited for."""
    return _urgent


def is_asked() -> bool:
    """Whether an interrupt was noted that has not been heeded yet, or is being heeded."""
    return _asked


def ask() -> None:
    """Have the work put down as a first signal would: by order of the process that this one works for."""
    global _asked  # noqa: PLW0603
    _asked = True


def heed() -> None:
    """Stop here, if an interrupt was noted.

    Raises:
        KeyboardInterrupt: it was.
    """
    if _asked:
        raise KeyboardInterrupt


@contextmanager
def noted() -> Iterator[None]:
    """Inside, the first signal is noted only. Elsewhere than in the main thread nothing is changed."""
    global _asked, _urgent  # noqa: PLW0603 - signals are the process's
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked = _urgent = False
    usual = {number: signal.getsignal(number) for number in _SIGNALS}
    # what was told to ignore a signal, as a shell tells its background jobs, goes on ignoring it
    mine = [number for number in _SIGNALS if usual[number] not in (signal.SIG_IGN, None)]
    for number in mine:
        signal.signal(number, _note)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, usual[number])
        _asked = _urgent = False


def _note(_number: int, _frame: FrameType | None) -> None:
    global _asked, _urgent  # noqa: PLW0603
    if _asked:
        _urgent = True
        raise KeyboardInterrupt
    _asked = True
    with suppress(OSError):  # nobody reads it any more
        os.write(2, _NOTED)  # not through a stream that the signal may have interrupted
