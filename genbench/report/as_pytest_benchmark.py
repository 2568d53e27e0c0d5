"""A run as a file of pytest-benchmark: a benchmark for each trained cohort, its timed blocks the rounds.

``pytest-benchmark compare`` shows such files side by side. A time is that of one step, which advances every
lane; what the models are worth stands beside it, in ``extra_info``.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from genbench.analyse.standing import current
from genbench.analyse.summary import Cell, Row, Summary, summarise
from genbench.core.bounded import MIB
from genbench.core.errors import GenbenchWarning, RecordError
from genbench.core.record import Record, Status
from genbench.report.notes import is_quick
from genbench.report.own_files import read_own
from genbench.report.rounds import round_stats
from genbench.report.untrusted import clean
from genbench.store.blocks import Blocks, read_blocks
from genbench.store.rundir import RunDirectory

PACE = "throughput.s_per_1000_steps"
"""Says which cohorts were timed, and holds the blocks of ``timing.jsonl`` to what the tables show."""

FORMAT = "5.3.1"
"""The pytest-benchmark whose files these are like."""

RAW = "seconds a step of each timed block of training"
MEDIAN = "the median block in seconds a step, from the records: no raw block is there, so no spread is known"

_COMMIT = re.compile(r"\+g(?P<id>[0-9a-f]+)(?P<dirty>-dirty)?$")


def render_pytest_benchmark(records: Sequence[Record], directory: RunDirectory | None) -> str:
    """One run as the text of a JSON file that pytest-benchmark reads.

    Args:
        records: of one run.
        directory: of the run, for its raw timed blocks and its environment; ``None`` if there is none.

    Raises:
        RecordError: the records are of several runs, none of their cohorts was timed, or a file of the run
            is damaged.

    Warns:
        GenbenchWarning: the run is a quick one; a cohort was not timed and is left out; raw blocks are
            missing, and the median from the records stands for them.
    """
    content = document(records, directory)
    return json.dumps(content, allow_nan=False, indent=2) + "\n"


def document(records: Sequence[Record], directory: RunDirectory | None) -> dict[str, Any]:
    """What ``render_pytest_benchmark`` writes."""
    standing = current(records)
    if len(runs := list(dict.fromkeys(record.run for record in standing))) > 1:
        raise RecordError(
            f"these are records of {len(runs)} runs ({', '.join(map(clean, runs))}), and names of benchmarks "
            "would meet. Export one run at a time: give its directory."
        )
    benchmarks, bare = [], []
    for summary in summarise(records):
        for row in summary.rows:
            mine = [r for r in standing if (r.dataset, r.model) == (summary.dataset, row.model)]
            timed = [r for r in mine if r.metric == PACE and r.value is not None]
            if row.control:
                continue
            if not timed:
                _warn(f"{clean(row.model)} on {clean(summary.dataset)} is left out: {_why(row)}.")
                continue
            benchmarks.append(_benchmark(summary, row, mine, timed, directory))
            if benchmarks[-1]["extra_info"]["rounds_are"] == MEDIAN:
                bare.append(f"{clean(row.model)} on {clean(summary.dataset)}")
    if not benchmarks:
        raise RecordError(
            "no training of this run has a timed block, so there is nothing to export. The suite must have "
            '"throughput" among its measures, and more than 64 steps.'
        )
    if bare:
        _warn(
            f"{', '.join(bare)}: the raw timed blocks are not there, or are not those of the records. The "
            "median of the records is written as their only round: compare them by the median."
        )
    if is_quick(standing):
        _warn('this is a quick run, whose numbers are not for comparison: "quick" is in every full name.')
    environments = dict.fromkeys(each["extra_info"]["environment"] for each in benchmarks)
    last = max(standing, key=lambda record: record.at)
    return {
        "machine_info": _machine(list(environments), directory),
        "commit_info": _commit(last.code),
        "benchmarks": benchmarks,
        "datetime": last.at,
        "version": FORMAT,
    }


def _benchmark(
    summary: Summary,
    row: Row,
    records: Sequence[Record],
    timed: Sequence[Record],
    directory: RunDirectory | None,
) -> dict[str, Any]:
    """One model on one dataset. A cohort that was trained in parts has the rounds of the widest ones.

    A step of fewer lanes is less work, so its time is no round of the same benchmark.
    """
    lanes = max(record.lanes for record in timed)
    widest = [record for record in timed if record.lanes == lanes]
    parts = _raw_blocks(widest, records, directory)
    if parts:
        stats = round_stats([s for part in parts for s in part.step_s], iterations=parts[0].steps)
    else:
        stats = round_stats([(record.value or 0.0) / 1000 for record in widest], iterations=1)
    first, quick = widest[0], is_quick(records)
    params = {
        "lanes": lanes,
        **{k: first.protocol[k] for k in ("precision", "batch_size") if k in first.protocol},
    }
    param = "-".join([*map(str, params.values()), *(["quick"] if quick else [])])
    group, name = clean(summary.dataset), clean(row.model)
    return {
        "group": group,
        "name": name,
        # what else must be equal for two times to be compared is part of the name that files are matched by
        "fullname": clean(f"{summary.suite}::{group}::{name}[{param}]"),
        "params": params,
        "param": clean(param),
        "extra_info": {
            "rounds_are": RAW if parts else MEDIAN,
            "suite": summary.suite,
            "run": summary.run,
            "quick": quick,
            "lanes": lanes,
            "steps": first.step,
            "parts": [{"lanes": r.lanes, "timed_blocks": r.n, "used": r.lanes == lanes} for r in timed],
            "seeds": asdict(row.counts),
            "endings": list(row.endings),
            **_stamps(widest),
            "environment": first.env,
            "code": first.code,
            "metrics": _metrics(summary, row, records),
        },
        "options": {"disable_gc": False, "timer": "perf_counter", "warmup": True},
        "stats": stats,
    }


def _raw_blocks(
    timed: Sequence[Record], records: Iterable[Record], directory: RunDirectory | None
) -> list[Blocks] | None:
    """The blocks behind each of these medians, or ``None`` where those of any are not there.

    They lie with the first trial of a cohort, which the records do not name, and a resumed run may have
    written over them: so they are known by their number and their median.
    """
    if directory is None:
        return None
    trials = dict.fromkeys(record.trial for record in records if record.seed is not None)
    there = [blocks for trial in trials if (blocks := read_blocks(directory.trial(trial).timing))]
    found = []
    for record in timed:
        same = [blocks for blocks in there if _are_behind(blocks, record)]
        if not same:
            return None
        found.append(same[0])
    return found


def _are_behind(blocks: Blocks, record: Record) -> bool:
    pace = 1000 * median(blocks.step_s)
    return len(blocks.seconds) == record.n and math.isclose(pace, record.value or 0.0, rel_tol=1e-9)


def _metrics(summary: Summary, row: Row, records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Each metric's median over seeds with its interval, and what it is comparable within."""
    behind: dict[str, list[Record]] = {}
    for record in records:
        behind.setdefault(record.metric, []).append(record)
    return {
        metric.name: {
            **_estimate(row.cells[metric.name]),
            "unit": metric.unit,
            "better": str(metric.better),
            **_stamps(behind.get(metric.name, [])),
        }
        for metric in summary.metrics
    }


def _estimate(cell: Cell) -> dict[str, Any]:
    guess = cell.estimate
    known = (
        {key: _finite(value) for key, value in asdict(guess).items()} if guess else {"median": None, "n": 0}
    )
    return {**known, "reasons": list(cell.reasons)}


def _finite(value: Any) -> Any:
    """JSON has no NaN, and two of the largest floats have no mean."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _stamps(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Protocol and versions of all these numbers: a value, or a list where they do not share it."""
    gathered: dict[str, dict[str, list[Any]]] = {"protocol": {}, "versions": {}}
    for record in records:
        if record.status is Status.DONE:
            for kind, stamps in (("protocol", record.protocol), ("versions", record.versions)):
                for key, value in stamps.items():
                    values = gathered[kind].setdefault(key, [])
                    if value not in values:
                        values.append(value)
    return {
        kind: {key: values[0] if len(values) == 1 else values for key, values in stamps.items()}
        for kind, stamps in gathered.items()
    }


def _why(row: Row) -> str:
    cell = row.cells.get(PACE)
    reasons = clean("; ".join(cell.reasons)) if cell else "its suite does not measure throughput"
    return (reasons or "it was not timed").rstrip(".")


def _machine(environments: Sequence[str], directory: RunDirectory | None) -> dict[str, Any]:
    """The machine under pytest-benchmark's names, as far as the run tells, and every environment in full."""
    described = {each: _environment(each, directory) for each in environments}
    first = described[environments[0]]
    names = {"machine": "machine", "python_version": "python", "release": "platform", "processor": "device"}
    info: dict[str, Any] = {name: first[key] for name, key in names.items() if key in first}
    if "device" in first:
        info["cpu"] = {"brand_raw": first["device"], "count": first.get("cores")}
    return {**info, "environments": described}


def _environment(identity: str, directory: RunDirectory | None) -> Mapping[str, Any]:
    """What ``environment.json``, or that of a resumed run, says; nothing where it is not there."""
    if directory is None:
        return {}
    for file in (directory.environment, *sorted(directory.path.glob("environment-*.json"))):
        content = _read_json(directory.path, file)
        if isinstance(content, dict) and content.get("id") == identity:
            return content
    return {}


def _read_json(folder: Path, file: Path) -> Any:
    try:
        return json.loads(read_own(folder, file, MIB), parse_constant=lambda _: None)
    except (OSError, ValueError, RecursionError):
        return None  # it describes the numbers and is none of them


def _commit(code: str) -> dict[str, Any]:
    found = _COMMIT.search(code)
    return {
        "id": found["id"] if found else "unknown",
        "time": None,
        "author_time": None,
        "dirty": bool(found and found["dirty"]),
        "project": "genbench",
        "branch": "(unknown)",
        "version": code,
    }


def _warn(text: str) -> None:
    warnings.warn(text, GenbenchWarning, stacklevel=4)
