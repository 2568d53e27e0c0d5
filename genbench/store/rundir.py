"""Run directories: what lies where in ``results/<suite>/<run>/``, and how a user names a run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genbench.core.errors import OutputError, RecordError, choose_from

LATEST = "latest"
"""``SUITE/latest`` names the newest run of a suite."""

_RUN_NAME = re.compile(r"(?P<at>\d{8}T\d{6}Z)-[0-9a-f]{6,8}(?:-dirty)?(?:-(?P<again>\d+))?")
_PLAIN = re.compile(r"[^\s/\\.\x00-\x1f][^/\\\x00-\x1f]*")
_MARK = re.compile(r"[0-9a-f]{6,8}(?:-dirty)?")


@dataclass(frozen=True, slots=True)
class TrialDirectory:
    """The files of one trial inside its run."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """Weights and optimizer state, in safetensors."""
        return self.path / "checkpoint.safetensors"

    @property
    def curves(self) -> Path:
        """Losses on the way: a JSON object a line, ``{"step": 100, "generator.loss": 0.7}``."""
        return self.path / "curves.jsonl"

    @property
    def stability(self) -> Path:
        """How the generator moved on the way: a JSON object a snapshot."""
        return self.path / "stability.jsonl"

    @property
    def timing(self) -> Path:
        """Raw timed blocks: a JSON object a line."""
        return self.path / "timing.jsonl"


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """One execution of a suite on the disk. Its properties are paths and make nothing."""

    path: Path

    @classmethod
    def create(cls, results: Path, suite: str, *, mark: str, at: datetime | None = None) -> RunDirectory:
        """Make ``results/<suite>/<UTC time>-<mark>/``.

        Args:
            results: the folder of all runs (``--out DIR``).
            suite: the suite's name.
            mark: 6 to 8 hexadecimal digits of the commit or of the suite's hash, perhaps with ``-dirty``.
            at: when the run began; now, if not given.

        Raises:
            OutputError: the folder cannot be made, or ``suite`` or ``mark`` cannot be part of its name.
        """
        if not _PLAIN.fullmatch(suite):
            raise OutputError(
                f"the suite's name {suite!r} cannot name a folder. Use letters, digits, - and _."
            )
        if not _MARK.fullmatch(mark):
            raise OutputError(f"the run's mark {mark!r} is not 6 to 8 hexadecimal digits (and -dirty).")
        stamp = (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        name, again = f"{stamp}-{mark}", 1
        while True:
            run = cls(results / suite / name)
            try:
                run.path.mkdir(parents=True)
                for folder in (run.plots, run.grids, run.trials):
                    folder.mkdir()
            except FileExistsError as error:
                if not run.path.is_dir():
                    raise _cannot_create(run.path, error) from error
                again += 1  # two runs of one commit within a second
                name = f"{stamp}-{mark}-{again}"
            except OSError as error:
                raise _cannot_create(run.path, error) from error
            else:
                return run

    @property
    def name(self) -> str:
        """The run's name, as its records say it."""
        return self.path.name

    @property
    def suite_file(self) -> Path:
        """The suite as it was given."""
        return self.path / "suite.toml"

    @property
    def resolved(self) -> Path:
        """The suite after defaults and ``--set``, in JSON."""
        return self.path / "resolved.json"

    @property
    def environment(self) -> Path:
        """The machine and the packages, in JSON."""
        return self.path / "environment.json"

    @property
    def records(self) -> Path:
        """The journal: a record a line."""
        return self.path / "records.jsonl"

    @property
    def log(self) -> Path:
        """Tracebacks of what failed."""
        return self.path / "log.txt"

    @property
    def timing(self) -> Path:
        """How the wall time of each of its executions was spent, in JSON."""
        return self.path / "timing.json"

    @property
    def lock(self) -> Path:
        """Held by the process that writes into this directory."""
        return self.path / ".lock"

    @property
    def unfinished(self) -> Path:
        """There until the run has come to its end: which process began it, in JSON."""
        return self.path / "unfinished.json"

    @property
    def progress(self) -> Path:
        """The folder of what cohorts that are not done yet are continued from."""
        return self.path / "progress"

    @property
    def tables(self) -> Path:
        """The tables at the end of the run, in Markdown."""
        return self.path / "tables.md"

    @property
    def report(self) -> Path:
        """Everything on one page, in HTML."""
        return self.path / "report.html"

    @property
    def plots(self) -> Path:
        """The folder of plots."""
        return self.path / "plots"

    @property
    def grids(self) -> Path:
        """The folder of sample grids."""
        return self.path / "grids"

    @property
    def trials(self) -> Path:
        """The folder that holds a folder for each trial."""
        return self.path / "trials"

    def trial(self, trial: str) -> TrialDirectory:
        """Where the files of one trial are; makes nothing.

        Raises:
            RecordError: ``trial`` cannot be a trial's id.
        """
        if not _PLAIN.fullmatch(trial):
            raise RecordError(
                f"{trial!r} is not the id of a trial. The ids are the folders in {self.trials}."
            )
        return TrialDirectory(self.trials / trial)

    def make_trial(self, trial: str) -> TrialDirectory:
        """Make the folder of one trial, if it is not there.

        Raises:
            OutputError: it cannot be made.
        """
        directory = self.trial(trial)
        try:
            directory.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_create(directory.path, error) from error
        return directory


def resolve_run(text: str | Path, results: str | Path) -> RunDirectory | Path:
    """Find what a RUN on the command line means.

    Args:
        text: a run directory, a file of records, ``SUITE/latest``, or ``SUITE/RUN`` under ``results``.
        results: the folder of all runs.

    Returns:
        The run's directory, or the path of a records file that lies outside of one.

    Raises:
        RecordError: there is no such run; the message has the nearest name and those there are.
    """
    results = Path(results)
    candidates = (Path(text), results / text)
    for path in candidates:
        if path.is_file():
            inside_run = path.name == "records.jsonl"
            return RunDirectory(path.parent) if inside_run else path
        if (path / "records.jsonl").is_file():
            return RunDirectory(path)
        if path.name == LATEST and (run := _latest(path.parent)):
            return run
    for path in candidates:
        if path.is_dir():
            raise RecordError(_no_records(path))
    known = [f"{suite.name}/{name}" for suite in _folders(results) for name in _choices(suite)]
    raise RecordError(
        f"{choose_from('run', str(text), known)} Give a run directory, a records.jsonl, or SUITE/latest "
        f"(runs are looked for in {results})."
    )


def _latest(suite: Path) -> RunDirectory | None:
    """The newest run by the time in its name, whatever the clock of the file system says."""
    dated = [(match, folder) for folder in _folders(suite) if (match := _RUN_NAME.fullmatch(folder.name))]
    if not dated:
        return None
    newest = max(dated, key=lambda pair: (pair[0]["at"], int(pair[0]["again"] or 1), pair[1].name))[1]
    run = RunDirectory(newest)
    if not run.records.is_file():  # an older run must not pass for the latest
        raise RecordError(
            f"the latest run, {newest}, has no records: it ended before its first number. "
            "Run the suite again, or name an earlier run."
        )
    return run


def _no_records(path: Path) -> str:
    names = _choices(path)
    if names:
        choices = ", ".join(f"{path.name}/{name}" for name in names)
        return f"{path} is a folder of runs, not a run. Name one of them: {choices}."
    return f"{path} holds no records.jsonl, so it is not a run. Give a run directory or SUITE/latest."


def _choices(suite: Path) -> list[str]:
    """What may follow ``SUITE/``: the runs that have records, and ``latest`` where one of them is dated."""
    names = [folder.name for folder in _folders(suite) if RunDirectory(folder).records.is_file()]
    return [*([LATEST] if any(map(_RUN_NAME.fullmatch, names)) else []), *names]


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if entry.is_dir())
    except OSError:
        return []  # no results yet: the caller says so


def _cannot_create(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot make the folder {path}: {error.strerror or error}. Choose another folder with --out DIR."
    )
