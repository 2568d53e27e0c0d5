"""Copies of the checkout in which mutants are judged by the tests that see them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import coverage
from mutants import Mutant
from observing import FIXTURE, FOLDER

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (
    ".git",
    ".venv*",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    ".benchmarks",
    ".mutations",
    "*.egg-info",
)
SECONDS_A_TEST = 60


@dataclass(frozen=True)
class Answer:
    """Answer of the tests to a mutant.

    Attributes:
        caught_by: the first test that fails; empty where none does.
        tests: how many tests were chosen because they run the line.
        everything: True if none of these failed, so that all were run.
    """

    caught_by: str
    tests: int
    everything: bool = False


@dataclass(frozen=True)
class Observed:
    """Lines that each test and each shared fixture runs, and the time and the fixtures of each test."""

    lines: coverage.CoverageData
    seconds: dict[str, float]
    fixtures: dict[str, set[str]] = field(default_factory=dict)

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the mutant's line, quick files first.

        For a line that is run at import, such as a default, these are all tests that run the file.
        """
        contexts = self.lines.contexts_by_lineno(mutant.path)
        here = {c for line in range(mutant.statement, mutant.line + 1) for c in contexts.get(line, ()) if c}
        if not here:
            here = {context for several in contexts.values() for context in several if context}
        tests: set[str] = set()
        for context in here:
            name, _, phase = context.rpartition("|")
            tests |= (
                {t for t, shared in self.fixtures.items() if name in shared} if phase == FIXTURE else {name}
            )
        by_file: dict[str, list[str]] = {}
        for test in sorted(tests & self.seconds.keys(), key=self.seconds.__getitem__):
            by_file.setdefault(test.partition("::")[0], []).append(test)
        quick = sorted(by_file.values(), key=lambda several: sum(map(self.seconds.__getitem__, several)))
        return [test for several in quick for test in several]


class Checkout:
    """A copy of the checkout; one mutant at a time.

    Args:
        folder: to make the copy in.
        mark: of the tests that have to catch mutants.
        paths: of these tests.
    """

    def __init__(self, folder: Path, mark: str, paths: Sequence[str]) -> None:
        self.root, self._mark, self._paths = folder, mark, paths
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)

    def observe(self) -> Observed:
        """Run all tests once and note what each of them runs; kept for the same code and tests."""
        asked = repr((self._mark, self._paths)).encode()
        kept = ROOT / ".mutations" / hashlib.sha256(asked + _content(self.root)).hexdigest()[:16]
        if not (kept / "done").exists():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            environment = {FOLDER: str(kept), "COVERAGE_FILE": str(kept / "coverage")}
            arguments = ["-p", "observing", "--cov=genbench", "--cov-context=test", "--cov-report="]
            done = self._pytest([*arguments, *self._paths], environment, processes="auto")
            if done.returncode:
                raise SystemExit(f"The tests fail without any mutant:\n{done.stdout[-4000:]}")
            (kept / "done").touch()
        lines = coverage.CoverageData(str(kept / "coverage"))
        lines.read()
        seen = [json.loads(line) for file in kept.glob("*.jsonl") for line in file.read_text().splitlines()]
        return Observed(
            lines,
            {one["id"]: one["seconds"] for one in seen},
            {one["id"]: set(one["shared"]) for one in seen},
        )

    def judge(self, mutant: Mutant, tests: Sequence[str], *, thorough: bool) -> Answer:
        """Apply a mutant, run tests until one fails, and take it back.

        Args:
            mutant: what to change.
            tests: those that run the changed line.
            thorough: run all tests where none of these fails.
        """
        file = self.root / mutant.path
        source = file.read_text(encoding="utf-8")
        left = list(tests)
        while caught := self._changed(file, source, mutant, left) if left else "":
            if caught not in left or not self._first_failure([caught]):
                return Answer(caught, len(tests))
            left = left[
                left.index(caught) + 1 :
            ]  # it fails without the mutant too, on a busy machine perhaps
        if not thorough:
            return Answer("", len(tests))
        return Answer(self._changed(file, source, mutant, self._paths), len(tests), everything=True)

    def _changed(self, file: Path, source: str, mutant: Mutant, tests: Iterable[str]) -> str:
        file.write_text(mutant.applied(source), encoding="utf-8")
        try:
            return self._first_failure(tests)
        finally:
            file.write_text(source, encoding="utf-8")

    def _first_failure(self, tests: Iterable[str]) -> str:
        listed = self.root / ".chosen"
        listed.write_text("".join(f"{test}\n" for test in tests), encoding="utf-8")
        arguments = ["-x", "-q", "-rfE", "--no-header", f"--timeout={SECONDS_A_TEST}", f"@{listed}"]
        done = self._pytest(arguments, {}, processes="0")
        if done.returncode == 0:
            return ""
        lines = done.stdout.splitlines()
        failed = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
        if failed:
            return failed[0].split(" - ")[0].split(" ", 1)[1]
        return f"pytest exits with {done.returncode}: {(lines or [''])[-1]}"  # a timeout ends the process

    def _pytest(
        self, arguments: Sequence[str], environment: dict[str, str], *, processes: str
    ) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-m",
            self._mark,
            "-n",
            processes,
        ]
        paths = os.pathsep.join((str(self.root), str(self.root / "tests" / "mutations")))
        return subprocess.run(
            [*command, *arguments],
            cwd=self.root,
            env={**os.environ, **environment, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=False,
        )


def _content(root: Path) -> bytes:
    digest = hashlib.sha256()
    for path in sorted(file for room in ("genbench", "tests") for file in (root / room).rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.digest()
