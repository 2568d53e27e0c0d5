"""How a generator moved while it was trained, kept beside its trial as ``stability.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genbench.core.bounded import MIB, read_text
from genbench.core.errors import RecordError
from genbench.store.atomic import write_text

_MOST_BYTES = 16 * MIB
_LARGEST = 1.7976931348623157e308
_LARGEST_STEP = 2**63 - 1
_SERIES = ("drift", "entropy", "coverage", "quality_a", "quality_b")

Series = tuple[float | None, ...]
"""A number for each snapshot; ``None`` where there is none, or none that is finite."""


@dataclass(frozen=True, slots=True)
class Course:
    """One trial at regular steps, from before the first one on.

    Attributes:
        steps: (T,) finished steps at each snapshot, ascending.
        drift: distance of the outputs from those of the snapshot before, squared, over that of two real
            examples; none at the first.
        entropy: of the class histogram, as a share of the largest possible, 0 to 1.
        coverage: mean over the factors of how much of their variance the outputs have, 0 to 1; of data with
            known factors only.
        quality_a, quality_b: Fréchet distance in features to the one half of the test examples, by the one
            half of the latents; and by the others to the others.
        shares: (T, K) of the outputs in each class or mode; (T, 0) where there is none.
    """

    steps: tuple[int, ...]
    drift: Series
    entropy: Series
    coverage: Series
    quality_a: Series
    quality_b: Series
    shares: tuple[tuple[float, ...], ...]


def write_course(file: Path, course: Course) -> None:
    """Write a course, a line a snapshot, in place of what is there.

    Raises:
        OutputError: it cannot be written.
    """
    series = {name: getattr(course, name) for name in _SERIES}
    lines = [
        {"step": step, **{name: of[place] for name, of in series.items()}, "shares": course.shares[place]}
        for place, step in enumerate(course.steps)
    ]
    text = (json.dumps(line, allow_nan=False, separators=(",", ":")) for line in lines)
    write_text(file, "".join(f"{line}\n" for line in text))


def read_course(file: Path) -> Course | None:
    """Read a course.

    Args:
        file: ``stability.jsonl`` of a trial.

    Returns:
        ``None`` where there is no such file, or no line in it.

    Raises:
        RecordError: the file cannot be read, or a line of it is not what ``write_course`` writes.
    """
    try:
        text = read_text(file, _MOST_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"cannot read {file}: {error}. Restore it from a copy, or delete it.") from error
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
        rows.append(_row(file, number, line, rows[-1] if rows else None))
    if not rows:
        return None
    return Course(
        steps=tuple(row["step"] for row in rows),
        **{name: tuple(row[name] for row in rows) for name in _SERIES},
        shares=tuple(tuple(row["shares"]) for row in rows),
    )


def _row(file: Path, number: int, line: str, before: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The content of one line."""
    try:
        content = json.loads(line)
        good = (
            content.keys() == {"step", *_SERIES, "shares"}
            and type(content["step"]) is int
            and (before["step"] if before else -1) < content["step"] <= _LARGEST_STEP
            and all(content[name] is None or _is_number(content[name]) for name in _SERIES)
            and isinstance(content["shares"], list)
            and all(map(_is_number, content["shares"]))
            and (before is None or len(content["shares"]) == len(before["shares"]))
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise RecordError(
            f"{file}, line {number}: not a snapshot at a later step than before, with the numbers "
            f"{', '.join(_SERIES)} and shares. Restore the file from a copy, or delete it."
        )
    found: Mapping[str, Any] = content
    return found


def _is_number(thing: object) -> bool:
    return isinstance(thing, int | float) and not isinstance(thing, bool) and abs(thing) <= _LARGEST
