"""Where the numbers of a page come from: the files beside a run's records, as far as they are there."""

from __future__ import annotations

import errno
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from genbench.report.notes import is_quick
from genbench.report.own_files import read_own
from genbench.report.page.again import Command, command_of
from genbench.report.page.damage import damaged_losses
from genbench.report.untrusted import clean
from genbench.store.loaded import LoadedRun

_MOST_BYTES = 1_000_000
_RESULTS = "results"  # where the command line looks for runs
_MOST_SHOWN = 20_000  # characters of a file, before it is cut

_Kind = TypeVar("_Kind", dict[str, Any], list[Any])


@dataclass(frozen=True, slots=True)
class Environment:
    """A machine and its software, as pairs for people."""

    name: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Execution:
    """How long a run (or its part after a resume) took: in all, and in phases, longest first; for people."""

    whole: str
    phases: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """One run of a page.

    Attributes:
        name: for headings, ``mnist/baseline``.
        place: what a command names it by, quoted for a shell: ``mnist/baseline``, or where it lies.
        latest: likewise, the newest run of its suite.
        quick: whether it was shortened, so that no comparison takes it.
        run, suite: as the records say it.
        code: versions of genbench that wrote the records.
        question: that the suite is to answer, empty if none.
        toml: the suite as it was given; empty if it is not known.
        options: everything decided, as JSON; empty if it is not known.
        command: runs the suite again.
        environments: machines.
        executions: time spent.
        problems: what of all this is missing or damaged.
    """

    name: str
    place: str
    latest: str
    quick: bool
    run: str
    suite: str
    code: tuple[str, ...]
    question: str
    toml: str
    options: str
    command: Command
    environments: tuple[Environment, ...]
    executions: tuple[Execution, ...]
    problems: tuple[str, ...]


def origin_of(run: LoadedRun) -> Origin:
    """Read what lies beside the records; what is missing or damaged is said, and fails nothing."""
    first = run.records[0]
    suite = clean(first.suite)
    problems: list[str] = []
    toml = resolved = timing = ""
    environments: list[Environment] = []
    if run.directory is None:
        problems.append("Only a file of records was given: suite, environment and time spent are not known.")
    else:
        directory = run.directory
        toml = _read(directory.suite_file, problems)
        resolved = _read(directory.resolved, problems)
        timing = _read(directory.timing, problems)
        problems += damaged_losses(run)
        files = sorted(directory.path.glob("environment-*.json"))
        for path in (directory.environment, *files):
            content = _parsed(path.name, _read(path, problems), problems, dict)
            environments += [_environment(content)] if content else []
    options = _options(resolved, problems)
    given = _suite(toml, problems)
    spent = _parsed("timing.json", timing, problems, list)
    folder = run.path.resolve().name if run.path else ""
    return Origin(
        name=f"{suite}/{clean(folder)}" if folder else clean(first.run),
        place=shlex.quote(clean(_place(run))),
        latest=shlex.quote(f"{suite}/latest"),
        quick=is_quick(run.records),
        run=clean(first.run),
        suite=suite,
        code=tuple(dict.fromkeys(clean(record.code) for record in run.records)),
        question=clean(str(options.get("question") or given.get("question") or "")),
        toml=_cut(toml),
        options=_cut(json.dumps(_without_trials(options), indent=2, ensure_ascii=False)) if options else "",
        command=command_of(given, options),
        environments=tuple(environments),
        executions=tuple(_executions(spent, problems)),
        problems=tuple(problems),
    )


def _read(path: Path, problems: list[str]) -> str:
    """The text of a file of a run's folder; empty, and a problem, where it cannot be read."""
    name = clean(path.name)
    try:
        return read_own(path.parent, path, _MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        problems.append(f"{name} is missing.")
    except OSError as error:
        if error.errno == errno.EFBIG:
            problems.append(f"{name} is larger than {_MOST_BYTES // 1000} kB and was left out.")
        else:
            problems.append(f"{name} cannot be read ({error.strerror or type(error).__name__}).")
    return ""


def _place(run: LoadedRun) -> str:
    """``mnist/baseline`` of a run in a folder of results, as every checkout has it; else where it lies."""
    if run.path is None:
        return run.asked
    folder = run.path.resolve()
    return f"{folder.parent.name}/{folder.name}" if folder.parent.parent.name == _RESULTS else str(run.path)


def _parsed(name: str, text: str, problems: list[str], kind: type[_Kind]) -> _Kind:
    """What a file holds; nothing, and a problem, where that is no JSON, or not of this kind."""
    if not text:
        return kind()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        problems.append(f"{clean(name)} is damaged: it holds no JSON.")
        return kind()
    if not isinstance(found, kind):
        problems.append(f"{clean(name)} is damaged: it holds no {'table' if kind is dict else 'list'}.")
        return kind()
    return found


def _options(text: str, problems: list[str]) -> dict[str, Any]:
    """``resolved.json``, without what is not as a run writes it."""
    options = _parsed("resolved.json", text, problems, dict)
    cohorts, train = options.get("cohort", []), options.get("train", {})
    if not isinstance(cohorts, list) or not all(isinstance(cohort, dict) for cohort in cohorts):
        problems.append("resolved.json is damaged: its cohort is no list of tables.")
    if not isinstance(train, dict):
        problems.append("resolved.json is damaged: its train is no table.")
    return options


def _suite(toml: str, problems: list[str]) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(toml)
    except (tomllib.TOMLDecodeError, RecursionError):
        problems.append("suite.toml is damaged: it holds no TOML.")
        return {}


def _environment(content: Mapping[str, Any]) -> Environment:
    facts = []
    for key, value in content.items():
        if key in ("id", "code"):
            continue
        if isinstance(value, dict):
            text = ", ".join(f"{name} {known}" for name, known in value.items() if known is not None)
        else:
            text = str(value)
        facts.append((clean(str(key)), clean(text)[:500]))
    return Environment(clean(str(content.get("id", "")))[:80], tuple(facts))


def _executions(content: Sequence[Any], problems: list[str]) -> Iterator[Execution]:
    damaged = False
    for one in content:
        entry = one if isinstance(one, dict) else {}
        phases = entry.get("phases_s", {})
        spent = phases if isinstance(phases, dict) else {}
        known = {clean(str(name)): s for name, value in spent.items() if (s := _seconds(value)) is not None}
        whole = _seconds(entry.get("wall_s"))
        damaged |= whole is None or spent is not phases or len(known) < len(spent)
        if whole is not None:
            longest = sorted(known.items(), key=lambda phase: -phase[1])
            yield Execution(duration(whole), tuple((name, duration(s)) for name, s in longest if s >= 0.05))
    if damaged:
        problems.append("timing.json is damaged: some of its times are no number of seconds.")


def _seconds(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value < 1e9 else None


def duration(seconds: float) -> str:
    """``5.7 s``, ``8 min 54 s``, ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _without_trials(options: Mapping[str, Any]) -> dict[str, Any]:
    """The ids of trials are long and say nothing to a reader."""
    cohorts = options.get("cohort")
    if not isinstance(cohorts, Sequence) or not all(isinstance(cohort, dict) for cohort in cohorts):
        return dict(options)
    bare = [{key: value for key, value in c.items() if key != "trials"} for c in cohorts]
    return {**options, "cohort": bare}


def _cut(text: str) -> str:
    """A file as it is, but for characters that no text holds, up to a length that can be read."""
    text = "".join(c for c in text if c in "\n\t" or c.isprintable())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}\n[cut: {len(text):,} characters]"
