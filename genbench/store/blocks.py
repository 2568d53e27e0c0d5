"""Raw timed blocks of training, read back from the ``timing.jsonl`` of a cohort's first trial."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from genbench.core.bounded import MIB, read_text
from genbench.core.errors import RecordError

_MOST_BYTES = 16 * MIB
_LONGEST_S = 1e9  # thirty years: no block takes that long
_MOST_STEPS = 10**9  # as many as a suite can ask for


@dataclass(frozen=True, slots=True)
class Blocks:
    """The whole blocks of training after the one that warmed up. One step advances every lane.

    Attributes:
        steps: in each of them.
        seconds: of each of them, in the order of training.
    """

    steps: int
    seconds: tuple[float, ...]

    @property
    def step_s(self) -> tuple[float, ...]:
        """Seconds a step, of each block."""
        return tuple(seconds / self.steps for seconds in self.seconds)


def read_blocks(file: Path) -> Blocks | None:
    """Read the timed blocks of training; blocks that were cut short are left out.

    Args:
        file: ``timing.jsonl`` of a trial.

    Returns:
        ``None`` where there is no such file, or no block in it: a cohort's first trial has the clock of all.

    Raises:
        RecordError: the file cannot be read, or a line of it is not what the runner writes.
    """
    try:
        lines = read_text(file, _MOST_BYTES).splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"cannot read {file}: {error}. Restore it from a copy, or delete it.") from error
    found = [block for number, line in enumerate(lines, start=1) if (block := _block(file, number, line))]
    if not found:
        return None
    longest = max(steps for steps, _ in found)
    return Blocks(longest, tuple(seconds for steps, seconds in found if steps == longest))


def _block(file: Path, number: int, line: str) -> tuple[int, float] | None:
    """(steps, seconds) of one line, if it is of training."""
    try:
        content = json.loads(line)
        if content["phase"] != "training":
            return None
        steps, seconds = content["steps"], content["seconds"]
        good = type(steps) is int and 0 < steps <= _MOST_STEPS
        good = good and type(seconds) in (int, float) and 0 < seconds < _LONGEST_S
    except (ValueError, KeyError, TypeError, RecursionError):
        good = False
    if not good:
        raise RecordError(
            f"{file}, line {number}: not a timed phase, such as "
            '{"phase": "training", "steps": 32, "seconds": 0.5}. Restore the file from a copy, or delete it.'
        )
    return steps, float(seconds)
