"""Moments of a run, seen from inside its process: each file it touches and each phase it enters.

They are seen where every program has to pass, in Python's audit events, so that nothing here depends on which
function of genbench writes what.
"""

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

KINDS = {
    "records.jsonl": "record",
    "checkpoint.safetensors": "checkpoint",
    "curves.jsonl": "curve",
    "stability.jsonl": "course",
    "timing.jsonl": "clocks",
    "timing.json": "time spent",
    "resolved.json": "provenance",
    "suite.toml": "provenance",
    "environment.json": "provenance",
    "tables.md": "tables",
    "report.html": "report",
    "unfinished.json": "mark",
    "log.txt": "log",
}
COMPILERS = ("g++", "gcc", "c++", "cc", "clang", "clang++")
FOLDERS = {"progress": "progress", "plots": "plots", "grids": "pictures"}


@dataclass(frozen=True)
class Aim:
    """When and how a run is to be ended from within.

    Attributes:
        label: of a moment, as ``Watch.seen`` has it.
        nth: at how many-th of these, from 1.
        delay: seconds after it.
        signal: that the process sends itself.
        share: of what is being written there, how much reaches the file first.
        full: instead, from then on the disk is full.
    """

    label: str
    nth: int
    delay: float = 0.0
    signal: str = "SIGKILL"
    share: float | None = None
    full: bool = False


@dataclass
class Watch:
    """Looks on, and ends the run at the moment aimed at.

    Attributes:
        results: the folder of all results.
        caches: other folders that are watched, with a name for what lies in each.
        aim: ``None`` only looks on.
        told: a file that gets a line when the aim was met.
        seen: label and time of every moment so far.
    """

    results: Path
    caches: dict[str, str]
    aim: Aim | None
    told: Path
    seen: list[tuple[str, float]] = field(default_factory=list)
    _counted: int = 0
    _full: bool = False
    _inside: bool = False

    def install(self) -> None:
        """Watch this process from now on, until it ends."""
        from genbench.runner import phases

        sys.addaudithook(self._hear)
        for name in ("write", "fsync"):
            setattr(os, name, self._watched(name, getattr(os, name)))
        real = phases.Phases.__call__

        @contextmanager
        def announced(stopwatch, phase):
            with real(stopwatch, phase):
                self._note(f"phase {phase}")
                yield

        phases.Phases.__call__ = announced

    def _hear(self, event: str, arguments: tuple) -> None:
        if self._inside or event not in _HEARD:
            return
        self._inside = True
        try:
            verb, place = _HEARD[event]
            if event == "open" and not _is_for_writing(*arguments):
                return
            if event == "subprocess.Popen" and Path(arguments[0]).name in COMPILERS:
                self._note("start compiler")
            elif kind := self._kind(arguments[place]):
                self._note(f"{verb} {kind}")
        finally:
            self._inside = False

    def _watched(self, verb: str, real: Callable) -> Callable:
        """``os.write`` or ``os.fsync``, of which there are no audit events."""

        def call(file: int, *content):
            kind = self._kind(_name_of(file)) or ""
            if not kind:
                return real(file, *content)
            self._note(f"{verb} {kind}", file, *content)
            return real(file, *content)

        return call

    def _kind(self, path: object) -> str | None:
        """What lies there; ``None`` if it is no business of the run's."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        path = Path(os.fsdecode(path)).absolute()
        for folder, name in self.caches.items():
            if path.is_relative_to(folder):
                return name
        if not path.is_relative_to(self.results):
            return None
        # results/SUITE/RUN/...; a temporary file is called .NAME.something
        parts = path.relative_to(self.results).parts[2:]
        if not parts:
            return "folder"
        if len(parts) > 1 and parts[0] in FOLDERS:
            return FOLDERS[parts[0]]
        return next(
            (kind for name, kind in KINDS.items() if parts[-1].lstrip(".").startswith(name)), "folder"
        )

    def _note(self, label: str, file: int = -1, content: bytes = b"") -> None:
        self.seen.append((label, time.perf_counter()))
        if self._full:
            _refuse_if_it_writes(label)
        if self.aim is None or label != self.aim.label:
            return
        self._counted += 1
        if self._counted != self.aim.nth:
            return
        self._tell()
        if self.aim.share is not None and file >= 0:
            _REAL_WRITE(file, content[: int(len(content) * self.aim.share)])
        if self.aim.full:
            self._full = True
            _refuse_if_it_writes(label)
        elif self.aim.delay:
            threading.Thread(target=self._later, daemon=True).start()
        else:
            os.kill(os.getpid(), signal.Signals[self.aim.signal])

    def _tell(self) -> None:
        inside, self._inside = self._inside, True
        self.told.write_text("met\n")
        self._inside = inside

    def _later(self) -> None:
        time.sleep(self.aim.delay)
        os.kill(os.getpid(), signal.Signals[self.aim.signal])


_REAL_WRITE = os.write

_HEARD = {
    "open": ("open", 0),
    "os.rename": ("rename", 1),
    "os.remove": ("remove", 0),
    "os.truncate": ("cut", 0),
    "os.mkdir": ("make", 0),
    "subprocess.Popen": ("start", 0),
}
"""What is heard of, by which verb, and the place of the path in it."""

_REFUSED = ("open", "make", "write", "fsync")


def _is_for_writing(path: object, mode: str | None, flags: int) -> bool:
    if isinstance(mode, str) and any(letter in mode for letter in "wax+"):
        return True
    return bool(flags & (os.O_WRONLY | os.O_RDWR))


def _refuse_if_it_writes(label: str) -> None:
    if label.partition(" ")[0] in _REFUSED:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _name_of(file: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{file}").readlink())
    except OSError:
        return ""
