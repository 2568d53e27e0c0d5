"""Problems a user can fix. Each message is one paragraph: what happened, where, and how to mend it."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO


class GenbenchError(Exception):
    """A problem with a remedy. The command line prints ``str(error)``, without a traceback, and exits 2."""


class SuiteError(GenbenchError):
    """A suite file, or an option given on the command line, says something impossible."""


class DataError(GenbenchError):
    """A dataset is missing, damaged, or not what its description says."""


class DataUnavailable(DataError):  # noqa: N818 - read as "DataUnavailable: MNIST is not to be had"
    """A dataset is nowhere to be had; a suite's declared fallback may stand in."""


class CheckpointError(GenbenchError):
    """A checkpoint is missing, damaged, or belongs to something else."""


class RecordError(GenbenchError):
    """A records file cannot be read, or a record breaks the schema."""


class OutputError(GenbenchError):
    """A file or folder cannot be written."""


class PluginError(GenbenchError):
    """A plugin or an installed extension cannot be used."""


class UnknownName(GenbenchError):  # noqa: N818 - read as "UnknownName: no model 'gna'"
    """A name that nothing is registered under."""


class GenbenchWarning(UserWarning):
    """Something a user should know; the message carries the remedy."""


@contextmanager
def warnings_to(tell: Callable[[str], None]) -> Iterator[None]:
    """Our own warnings are told as paragraphs, every time; those of other packages keep their way."""
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
                tell(str(message))
            else:
                usual(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def choose_from(what: str, name: str, valid: Iterable[str]) -> str:
    """Say that ``name`` is not a known ``what``: nearest match first, then all valid choices."""
    choices = sorted(valid)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    listing = f" Valid: {', '.join(choices)}." if choices else " There are none."
    return f"unknown {what} {name!r}.{guess}{listing}"
