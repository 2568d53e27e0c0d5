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


class Unfinished(OutputError):  # noqa: N818 - read as "Unfinished: the run stopped"
    """A run had to stop because it could not write; what it had finished is kept, and it can be continued."""


class PluginError(GenbenchError):
    """A plugin or an installed extension cannot be used."""


class UnknownName(GenbenchError):  # noqa: N818 - read as "UnknownName: no model 'gna'"
    """A name that nothing is registered under."""


class GenbenchWarning(UserWarning):
    """Something a user should know; the message carries the remedy."""


_LONGEST = 300  # letters of what an error says that is not ours: a record is no place for a compiler's log


def told_by(error: BaseException) -> str:
    """An error of others in one short line, for a record or a warning: its type, and what it says.

    It never raises, although what an error says is code of its own.
    """
    try:
        text = " ".join(str(error).split())
    except Exception as another:
        text = f"(what it says cannot be told: {type(another).__name__})"
    cut = f"{text[:_LONGEST]}..." if len(text) > _LONGEST else text
    return f"{type(error).__name__}: {cut}".removesuffix(": ")


@contextmanager
def warnings_to(tell: Callable[[str], None]) -> Iterator[None]:
    """Our own warnings are told as paragraphs, each text once; those of other packages keep their way.

    What a machine lacks is found out by every cohort, and is worth one paragraph.
    """
    told: set[str] = set()
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
            if not issubclass(category, GenbenchWarning):
                usual(message, category, filename, lineno, file, line)
            elif (text := str(message)) not in told:
                told.add(text)
                tell(text)

        warnings.showwarning = show
        yield


def choose_from(what: str, name: str, valid: Iterable[str]) -> str:
    """Say that ``name`` is not a known ``what``: nearest match first, then all valid choices."""
    choices = sorted(valid)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    listing = f" Valid: {', '.join(choices)}." if choices else " There are none."
    return f"unknown {what} {name!r}.{guess}{listing}"
