"""Where the wall time of a run went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from genbench.core.bounded import MIB, read_text
from genbench.runner.progress import Reporter
from genbench.store.atomic import write_text

TRAINING = "training"
TRACING = "tracing"
"""Snapshots for measures of stability; only in runs that have such a measure."""
COMPILING = "compiling"
DRAWING = "drawing samples"
MEASURING = "measuring"
SAVING = "saving checkpoints"
PICTURES = "pictures and tables"
REST = "everything else"

WORK = (TRAINING, TRACING, COMPILING, DRAWING, MEASURING)
"""What a run is for; all else is overhead."""

ORDER = (*WORK, SAVING, PICTURES, REST)


@dataclass
class Phases:
    """A stopwatch with a reading for each phase; time in a phase within another is not the other's.

    Attributes:
        clock: seconds since some fixed moment; of a device whose work is queued, one that waits for it.
        began: what the clock said when the run began.
        seconds: of each phase so far, the running ones left out.
    """

    clock: Callable[[], float] = perf_counter
    began: float = field(default_factory=perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    _inside: list[float] = field(default_factory=list)  # for each running phase, time of those within it

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """What happens inside is that phase."""
        started = self.clock()
        self._inside.append(0.0)
        try:
            yield
        finally:
            whole = self.clock() - started
            self._add(phase, whole - self._inside.pop())
            if self._inside:
                self._inside[-1] += whole

    def move(self, seconds: float, source: str, to: str) -> None:
        """Count time of one phase as another's: of what cannot be told apart while it goes on."""
        self._add(source, -seconds)
        self._add(to, seconds)

    def _add(self, phase: str, seconds: float) -> None:
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds

    def so_far(self) -> dict[str, float]:
        """Seconds of every phase since the beginning; they add up, what was in none is ``REST``."""
        shown = [phase for phase in ORDER if phase != REST and (phase != TRACING or phase in self.seconds)]
        known = {phase: self.seconds.get(phase, 0.0) for phase in shown}
        return {**known, REST: self.clock() - self.began - sum(known.values())}


def write_phases(phases: Phases, file: Path, reporter: Reporter) -> None:
    """Tell how the time was spent, and add it to the file: a run that is resumed has several executions.

    Raises:
        OutputError: it cannot be written.
    """
    seconds = phases.so_far()
    reporter.note(describe(seconds))
    earlier = _earlier(file)
    rounded = {phase: round(spent, 3) for phase, spent in seconds.items()}
    whole = sum(seconds.values())
    now = {"wall_s": round(whole, 3), "overhead_s": round(overhead(seconds), 3), "phases_s": rounded}
    write_text(file, json.dumps([*earlier, now], indent=2) + "\n")


def _earlier(file: Path) -> list[object]:
    """What earlier executions have written there; a file that is damaged is written anew."""
    try:
        content = json.loads(read_text(file, 16 * MIB))
    except (OSError, ValueError, RecursionError):
        return []
    return content if isinstance(content, list) else []


def describe(seconds: dict[str, float]) -> str:
    """One line: ``wall time 93.2 s: training 61.0 s (65 %), compiling ...; overhead 3.1 %``."""
    whole = sum(seconds.values())
    told = ", ".join(f"{phase} {spent:.1f} s ({_percent(spent, whole)})" for phase, spent in seconds.items())
    return f"wall time {whole:.1f} s: {told}; overhead {_percent(overhead(seconds), whole)}"


def overhead(seconds: dict[str, float]) -> float:
    """Seconds that were neither trained, compiled, drawn nor measured."""
    return sum(spent for phase, spent in seconds.items() if phase not in WORK)


def _percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.1f} %"
