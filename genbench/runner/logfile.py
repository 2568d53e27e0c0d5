"""Where the log of a run goes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genbench.core.errors import OutputError
from genbench.report.untrusted import clean_lines

_log = logging.getLogger("genbench")


class _Harmless(logging.Formatter):
    """Tracebacks quote whatever went wrong, and logs are read in terminals."""

    def format(self, record: logging.LogRecord) -> str:
        return clean_lines(super().format(record))


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """What the run logs goes to a file.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}. Choose another folder with --out DIR."
        ) from error
    handler.setFormatter(_Harmless("%(asctime)s %(levelname)s %(message)s"))
    _log.addHandler(handler)
    try:
        yield
    finally:
        _log.removeHandler(handler)
        handler.close()
