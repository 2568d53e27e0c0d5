"""Where the wall time of a run went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
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
WAITING = "waiting for processes"
"""That do the work meanwhile: their time counts, and this does not."""

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
        elsewhere: seconds of each phase in processes that work for this one.
    """

    clock: Callable[[], float] = perf_counter
    began: float = field(default_factory=perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    elsewhere: dict[str, float] = field(default_factory=dict)
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

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count what another process has worked for this one."""
        for phase, spent in seconds.items():
            self.elsewhere[phase] = self.elsewhere.get(phase, 0.0) + spent

    def wall(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.began

    def so_far(self) -> dict[str, float]:
        """Seconds of every phase since the beginning, of all processes; what was in none is ``REST``.

        They add up to the wall time where one process does all the work.
        """
        here = {**self.seconds, REST: self.wall() - sum(self.seconds.values())}
        there = self.elsewhere
        shown = [phase for phase in ORDER if phase != TRACING or phase in here.keys() | there.keys()]
        return {phase: here.get(phase, 0.0) + there.get(phase, 0.0) for phase in shown}


def write_phases(phases: Phases, file: Path, reporter: Reporter, processes: int = 1) -> None:
    """Tell how the time was spent, and add it to the file: a run that is resumed has several executions.

    Args:
        phases: of the run.
        file: where to.
        reporter: told.
        processes: that have trained side by side.

    Raises:
        OutputError: it cannot be written.
    """
    seconds, wall = phases.so_far(), phases.wall()
    reporter.note(describe(seconds, wall, processes))
    earlier = _earlier(file)
    rounded = {phase: round(spent, 3) for phase, spent in seconds.items()}
    shared = {"processes": processes} if processes > 1 else {}
    now = {"wall_s": round(wall, 3), "overhead_s": round(overhead(seconds), 3), "phases_s": rounded, **shared}
    write_text(file, json.dumps([*earlier, now], indent=2) + "\n")


def _earlier(file: Path) -> list[object]:
    """What earlier executions have written there; a file that is damaged is written anew."""
    try:
        content = json.loads(read_text(file, 16 * MIB))
    except (OSError, ValueError, RecursionError):
        return []
    return content if isinstance(content, list) else []


def describe(seconds: dict[str, float], wall: float, processes: int = 1) -> str:
    """One line: ``wall time 93.2 s: training 61.0 s (65 %), compiling ...; overhead 3.1 %``.

    Of several processes the seconds add up to more than the wall time, and shares are of what they add up to.
    """
    whole = sum(seconds.values())
    beside = f", {whole:.1f} s of work in {processes} processes" if processes > 1 else ""
    told = ", ".join(f"{phase} {spent:.1f} s ({_percent(spent, whole)})" for phase, spent in seconds.items())
    return f"wall time {wall:.1f} s{beside}: {told}; overhead {_percent(overhead(seconds), whole)}"


def overhead(seconds: dict[str, float]) -> float:
    """Seconds that were neither trained, compiled, drawn nor measured."""
    return sum(spent for phase, spent in seconds.items() if phase not in WORK)


def _percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.1f} %"
