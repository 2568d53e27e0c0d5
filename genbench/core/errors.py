"""Problems a user can fix. Each message is one paragraph: what happened, where, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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


def choose_from(what: str, name: str, valid: Iterable[str]) -> str:
    """Say that ``name`` is not a known ``what``: nearest match first, then all valid choices."""
    choices = sorted(valid)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    listing = f" Valid: {', '.join(choices)}." if choices else " There are none."
    return f"unknown {what} {name!r}.{guess}{listing}"
