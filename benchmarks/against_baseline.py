"""Benchmarks of tests/benchmarks against saved ones, by how many matrix products fit into their time.

    pytest tests/benchmarks -n0 -o python_files='bench_*.py' --benchmark-json=new.json
    python benchmarks/against_baseline.py new.json

Exits 1 if any benchmark takes longer than the margin allows, 2 if a file cannot be used. Of several files the
median counts, so another run settles a doubt: give both. ``--save`` makes them the baseline.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genbench.core.errors import GenbenchError, RecordError
from genbench.store.atomic import write_text

BASELINE = Path(__file__).parent.parent / "results" / "performance" / "benchmarks.json"

MARGIN = 0.25
"""What runs of the same code do not reach; docs/performance.md has how that was measured."""

Verdict = Literal["same", "better", "WORSE", "new", "not run", "not comparable"]

_LAYOUT = "{:36} {:>9} {:>9} {:>6}  {}"
_KEPT = ("device", "precision", "torch", "steps", "lanes")
_WANTED = "Give what `pytest tests/benchmarks -n0 -o python_files='bench_*.py' --benchmark-json=FILE` writes."


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark in one file.

    Attributes:
        normalized: GFLOP of matrix products in its time.
        about: the rest of its ``extra_info``.
    """

    normalized: float
    about: Mapping[str, Any]

    @property
    def where(self) -> str:
        """Device and precision, without which two such numbers do not compare."""
        return f"{self.about.get('precision', '?')} on {self.about.get('device', '?')}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the comparison; a number is ``None`` where that side does not have the benchmark."""

    name: str
    before: float | None
    now: float | None
    verdict: Verdict


def compare(before: Mapping[str, Benchmark], now: Mapping[str, Benchmark], margin: float) -> list[Line]:
    """Every benchmark of either side, those of the baseline first, in its order.

    Args:
        before: the baseline, by name.
        now: the new ones, by name.
        margin: up to ``1 + margin`` times as long, and down to ``1 / (1 + margin)`` times, is the same.
    """
    lines = []
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name), now.get(name)
        verdict: Verdict = "same"
        if old is None:
            verdict = "new"
        elif new is None:
            verdict = "not run"
        elif old.where != new.where:
            verdict = "not comparable"
        elif new.normalized > old.normalized * (1 + margin):
            verdict = "WORSE"
        elif new.normalized < old.normalized / (1 + margin):
            verdict = "better"
        lines.append(Line(name, old and old.normalized, new and new.normalized, verdict))
    return lines


def table(lines: Sequence[Line]) -> str:
    """A row each, 80 columns wide at most."""
    rows = [_LAYOUT.format("benchmark", "baseline", "now", "ratio", "verdict")]
    for line in lines:
        numbers = ["" if number is None else f"{number:.4g}" for number in (line.before, line.now)]
        ratio = ""
        if line.before and line.now and line.verdict != "not comparable":
            ratio = f"{min(line.now / line.before, 999):.2f}"
        rows.append(_LAYOUT.format(line.name.removeprefix("test_")[:36], *numbers, ratio, line.verdict))
    return "\n".join(row.rstrip() for row in rows)


def read(file: Path) -> tuple[dict[str, Benchmark], dict[str, Any]]:
    """The benchmarks, by name, of a file that pytest-benchmark or ``--save`` wrote; and what else is in it.

    Raises:
        RecordError: it cannot be read, or a benchmark in it has no normalized value.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        found = {each["name"]: dict(each["extra_info"]) for each in content["benchmarks"]}
    except OSError as error:
        raise RecordError(f"cannot read {file}: {error.strerror}. {_WANTED}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RecordError(f"{file} is no file of benchmarks. {_WANTED}") from error
    if not found:
        raise RecordError(f"{file} has no benchmark in it. {_WANTED}")
    for name, about in found.items():
        value = about.get("normalized")
        if type(value) not in (int, float) or not 0 < value < math.inf:
            raise RecordError(f"{file}: {name} has the normalized value {value!r}. {_WANTED}")
    return {name: Benchmark(about["normalized"], about) for name, about in found.items()}, content


def merge(files: Sequence[Mapping[str, Benchmark]]) -> dict[str, Benchmark]:
    """Several files of one machine as one: medians; ``about`` has how many there were, and their range.

    Raises:
        RecordError: a benchmark was not run on the same device in the same precision everywhere.
    """
    merged = {}
    for name in dict.fromkeys(name for file in files for name in file):
        each = [file[name] for file in files if name in file]
        if len(places := list(dict.fromkeys(one.where for one in each))) > 1:
            raise RecordError(f"{name} was run in {' and in '.join(places)}. Give files of one machine.")
        values = [one.normalized for one in each]
        about = {key: each[0].about[key] for key in _KEPT if key in each[0].about}
        span = {"files": len(values), "lowest": min(values), "highest": max(values)}
        merged[name] = Benchmark(statistics.median(values), {**about, **span})
    return merged


def saved(benchmarks: Mapping[str, Benchmark], content: Mapping[str, Any]) -> str:
    """What ``--save`` writes: medians and what they were taken on; no raw times, no name of the machine."""
    cpu = _part(_part(content, "machine_info"), "cpu")
    commit = _part(content, "commit_info")
    kept = {
        "machine_info": {"cpu": {key: cpu[key] for key in ("brand_raw", "count") if key in cpu}},
        "commit_info": {key: commit[key] for key in ("id", "dirty") if key in commit},
        "datetime": content.get("datetime"),
        "benchmarks": [
            {"name": name, "extra_info": {"normalized": each.normalized, **each.about}}
            for name, each in benchmarks.items()
        ],
    }
    return json.dumps(kept, indent=1) + "\n"


def origin(content: Mapping[str, Any], files: int) -> str:
    """Processor, PyTorch and commit of the benchmarks in a file."""
    cpu = _part(_part(content, "machine_info"), "cpu").get("brand_raw", "unknown processor")
    torch = content["benchmarks"][0]["extra_info"].get("torch", "of unknown version")
    commit = _part(content, "commit_info")
    code = f"{str(commit.get('id', 'unknown'))[:7]}{'-dirty' if commit.get('dirty') else ''}"
    return f"{cpu}, PyTorch {torch}, commit {code}, {files} run{'s' * (files > 1)}"


def _part(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    part = content.get(key)
    return part if isinstance(part, dict) else {}


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, or save; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("new", type=Path, nargs="+", metavar="NEW.json", help="what --benchmark-json wrote")
    parser.add_argument("--margin", type=float, default=MARGIN, help="how much longer is still the same")
    parser.add_argument("--baseline", type=Path, default=BASELINE, metavar="FILE", help="the saved one")
    parser.add_argument("--save", action="store_true", help="make the new files the baseline")
    given = parser.parse_args(arguments)
    if not 0 < given.margin < math.inf:
        parser.error(f"--margin {given.margin}: expected a number above 0, such as 0.25")
    try:
        files = [read(file) for file in given.new]
        now, content = merge([benchmarks for benchmarks, _ in files]), files[-1][1]
        if given.save:
            write_text(given.baseline, saved(now, content))
            print(f"{len(now)} benchmarks of {len(files)} runs: {given.baseline}")
            return 0
        before, old = read(given.baseline)
    except GenbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    lines = compare(before, now, given.margin)
    judged = [line for line in lines if line.verdict in ("same", "better", "WORSE")]
    runs = max(int(each.about.get("files", 1)) for each in before.values())
    print(f"baseline: {origin(old, runs)}\nnow:      {origin(content, len(files))}\n\n{table(lines)}\n")
    print("GFLOP of matrix products in the time of a step and lane, or of a call.")
    if not judged:
        print("error: no benchmark is in both, so nothing was compared.", file=sys.stderr)
        return 2
    worse = sum(line.verdict == "WORSE" for line in judged)
    print(f"{worse or 'None'} of {len(judged)} took more than {given.margin:.0%} longer than the baseline.")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
