"""Where warnings and the log go while a run goes on."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from genbench.core.errors import GenbenchWarning, OutputError
from genbench.runner.progress import Reporter

_log = logging.getLogger("genbench")


@contextmanager
def warnings_to(reporter: Reporter) -> Iterator[None]:
    """Our own warnings go to the reporter as paragraphs; others keep their way."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", GenbenchWarning)
        usual = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, GenbenchWarning):
                reporter.warn(str(message))
            else:
                usual(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


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
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.addHandler(handler)
    try:
        yield
    finally:
        _log.removeHandler(handler)
        handler.close()
