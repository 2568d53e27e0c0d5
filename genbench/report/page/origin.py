"""Where the numbers of a page come from: the files beside a run's records, as far as they are there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genbench.report.page.again import command_of
from genbench.report.untrusted import clean
from genbench.store.loaded import LoadedRun

_MOST_BYTES = 1_000_000
_MOST_SHOWN = 20_000  # characters of a file, before it is cut


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
        name: what one writes to name it, ``mnist/baseline``.
        run, suite: as the records say it.
        code: versions of genbench that wrote the records.
        question: that the suite is to answer, empty if none.
        toml: the suite as it was given; empty if it is not known.
        options: everything decided, as JSON; empty if it is not known.
        command: runs the suite again, with what is known to have been changed on the command line.
        environments: machines.
        executions: time spent.
        problems: what of all this is missing or damaged.
    """

    name: str
    run: str
    suite: str
    code: tuple[str, ...]
    question: str
    toml: str
    options: str
    command: str
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
        files = sorted(directory.path.glob("environment-*.json"))
        contents = [_parsed(p, _read(p, problems), problems) for p in (directory.environment, *files)]
        environments += [_environment(content) for content in contents if isinstance(content, dict)]
    options = _parsed(Path("resolved.json"), resolved, problems)
    options = options if isinstance(options, dict) else {}
    given = _suite(toml, problems)
    spent = _parsed(Path("timing.json"), timing, problems)
    folder = run.path.resolve().name if run.path else ""
    return Origin(
        name=f"{suite}/{clean(folder)}" if folder else clean(first.run),
        run=clean(first.run),
        suite=suite,
        code=tuple(dict.fromkeys(clean(record.code) for record in run.records)),
        question=clean(str(options.get("question") or given.get("question") or "")),
        toml=_cut(toml),
        options=_cut(json.dumps(_without_trials(options), indent=2, ensure_ascii=False)) if options else "",
        command=command_of(given, options),
        environments=tuple(environments),
        executions=tuple(_executions(spent)),
        problems=tuple(problems),
    )


def _read(path: Path, problems: list[str]) -> str:
    """The text of a file; empty, and a problem, where it cannot be read."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            problems.append(f"{path.name} is larger than {_MOST_BYTES // 1000} kB and was left out.")
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        problems.append(f"{path.name} is missing.")
    except OSError as error:
        problems.append(f"{path.name} cannot be read ({error.strerror or type(error).__name__}).")
    return ""


def _parsed(path: Path, text: str, problems: list[str]) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        problems.append(f"{clean(path.name)} is damaged: it holds no JSON.")
        return None


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


def _executions(content: Any) -> Iterator[Execution]:
    for entry in content if isinstance(content, list) else []:
        if not isinstance(entry, dict) or (whole := _seconds(entry.get("wall_s"))) is None:
            continue
        phases = entry.get("phases_s")
        spent = phases.items() if isinstance(phases, dict) else ()
        known = {clean(str(name)): s for name, value in spent if (s := _seconds(value)) is not None}
        longest = sorted(known.items(), key=lambda phase: -phase[1])
        yield Execution(duration(whole), tuple((name, duration(s)) for name, s in longest if s >= 0.05))


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e9 else None


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
