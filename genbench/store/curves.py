"""Losses and gradient norms on the way of training, read back from a trial's ``curves.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from genbench.core.bounded import MIB, read_text
from genbench.core.errors import RecordError

_MOST_BYTES = 16 * MIB
_MOST_NAMES = 100  # each takes a place at every step, however few lines have it
_LARGEST = 1.7976931348623157e308
_LARGEST_STEP = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Curves:
    """One trial.

    Attributes:
        steps: at which training was looked at, ascending.
        values: by name (``generator.loss``), a number for each of the steps; ``None`` where it was not finite
            or not logged.
    """

    steps: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]


def read_curves(file: Path) -> Curves | None:
    """Read what the runner logged of one trial.

    A last line that was cut off, because the run was killed while it was written, is left out.

    Args:
        file: ``curves.jsonl`` of a trial.

    Returns:
        ``None`` where there is no such file, or no line in it.

    Raises:
        RecordError: the file cannot be read, or a line of it is not what the runner writes.
    """
    try:
        text = read_text(file, _MOST_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"cannot read {file}: {error}. Restore it from a copy, or delete it.") from error
    lines = text.split("\n")[:-1]  # what follows the last line end was not finished
    steps: list[int] = []
    found: list[Mapping[str, float | None]] = []
    for number, line in enumerate(lines, start=1):
        step, values = _line(file, number, line, steps[-1] if steps else -1)
        steps.append(step)
        found.append(values)
    if not steps:
        return None
    names = dict.fromkeys(name for values in found for name in values)
    if len(names) > _MOST_NAMES:
        raise RecordError(
            f"{file} has numbers of {len(names):,} names, more than the {_MOST_NAMES} that are read. "
            "Restore it from a copy, or delete it."
        )
    return Curves(tuple(steps), {name: tuple(values.get(name) for values in found) for name in names})


def _line(file: Path, number: int, line: str, before: int) -> tuple[int, Mapping[str, float | None]]:
    """The step and the numbers of one line."""
    try:
        content = json.loads(line)
        step = content.pop("step")
        good = type(step) is int and before < step <= _LARGEST_STEP and all(map(_is_number, content.values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise RecordError(
            f"{file}, line {number}: not losses at a later step than before, such as "
            '{"step": 32, "generator.loss": 0.7}. Restore the file from a copy, or delete it.'
        )
    return step, content


def _is_number(thing: object) -> bool:
    if thing is None:
        return True
    return isinstance(thing, int | float) and not isinstance(thing, bool) and abs(thing) <= _LARGEST
