"""An exception in the words of the file that a person wrote: what was raised, and in which line of it."""

from __future__ import annotations

import inspect
import linecache
import traceback
from pathlib import Path

LONGEST_LINE = 80
"""Letters of a source line that are shown."""


def source_of(kind: type) -> Path | None:
    """The file in which a class is written; none for what has no file."""
    try:
        file = inspect.getsourcefile(kind)
    except TypeError:
        return None
    return Path(file).resolve() if file else None


def raised(error: BaseException, file: Path | None) -> str:
    """``ValueError: no such shape, in line 12 of my_model.py (`x.view(3)`)``.

    Args:
        error: what was raised.
        file: whose lines are meant; the last one that the error passed through is named, if there is any.
    """
    first = str(error).strip().partition("\n")[0].rstrip(".")
    said = type(error).__name__ + (f": {first}" if first else "")
    if isinstance(error, SyntaxError) and error.filename and _same(error.filename, file):
        return f"SyntaxError: {error.msg}, in line {error.lineno} of {Path(error.filename).name}"
    where = line_of(error, file)
    return f"{said}, {where}" if where else said


def line_of(error: BaseException, file: Path | None) -> str:
    """``in line 12 of my_model.py (`x.view(3)`)``; empty where no line of the file was passed."""
    lines = [f for f in traceback.extract_tb(error.__traceback__) if _same(f.filename, file)]
    if not lines:
        return ""
    number = lines[-1].lineno or 0
    text = linecache.getline(lines[-1].filename, number).strip()
    shown = text if len(text) <= LONGEST_LINE else f"{text[: LONGEST_LINE - 3]}..."
    return f"in line {number} of {Path(lines[-1].filename).name} (`{shown}`)"


def _same(name: str, file: Path | None) -> bool:
    return file is not None and Path(name).resolve() == file.resolve()
