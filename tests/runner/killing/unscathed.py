"""What a run that was ended and continued does not have as the one that was left alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from same_records import OF_TIMES, PROVENANCE, differences, is_time

from genbench.analyse.standing import current
from genbench.core.record import Record
from genbench.store.journal import read_records

INTERRUPTED = "INTERRUPTED"


def faults(run: Path, undisturbed: Path, scratch: Path) -> list[str]:
    """Every difference that is not allowed, a line each.

    Records that say INTERRUPTED are what Ctrl-C leaves behind, and are left out; in what stands of a run they
    must have no place. Every other record is there once.

    Args:
        run: was ended and continued.
        undisturbed: of the same suite.
        scratch: a folder that does not exist yet.
    """
    return [
        *_of_numbers(run, undisturbed, scratch),
        *_of_standing(run, undisturbed),
        *_of_names(run, undisturbed),
        *_of_order(run),
    ]


def _of_numbers(run: Path, undisturbed: Path, scratch: Path) -> list[str]:
    scratch.mkdir(parents=True)
    for folder in ("trials", "grids"):
        (scratch / folder).symlink_to(run / folder)
    lines = (run / "records.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["status"] != INTERRUPTED]
    (scratch / "records.jsonl").write_bytes(b"".join(kept))
    return differences(scratch, undisturbed)


def _of_standing(run: Path, undisturbed: Path) -> Iterator[str]:
    """What tables and comparisons see."""

    def stand(where: Path) -> dict[tuple, tuple]:
        left = {False: PROVENANCE, True: PROVENANCE | OF_TIMES}
        return {
            (r.trial, r.model, r.seed, r.metric): tuple(
                getattr(r, f.name) for f in fields(Record) if f.name not in left[is_time(r.metric)]
            )
            for r in current(read_records(where / "records.jsonl"))
        }

    ours, theirs = stand(run), stand(undisturbed)
    for key in ours.keys() | theirs.keys():
        if ours.get(key) != theirs.get(key):
            yield f"stands: {key}: {ours.get(key)} and {theirs.get(key)}"


def _of_names(run: Path, undisturbed: Path) -> Iterator[str]:
    """Which files there are; what was damaged is set aside under names of its own."""

    def names(where: Path) -> set[str]:
        files = {str(path.relative_to(where)) for path in where.rglob("*") if path.is_file()}
        return {name for name in files if ".damaged" not in name}

    yield from (f"missing: {name}" for name in sorted(names(undisturbed) - names(run)))
    yield from (f"left over: {name}" for name in sorted(names(run) - names(undisturbed)))


def _of_order(run: Path) -> Iterator[str]:
    """What one look at the run alone tells."""
    records = read_records(run / "records.jsonl")
    names = Counter(
        (r.trial, r.model, r.dataset, r.seed, r.step, r.metric) for r in records if r.status != INTERRUPTED
    )
    again = [name for name, count in names.items() if count > 1]
    if again:
        yield f"{len(again)} numbers are written more than once, such as {again[0]}"
    steps = [path for path in run.glob("trials/*/curves.jsonl") if not _ascends(path)]
    yield from (f"{path.parent.name}/{path.name}: not whole lines of ascending steps" for path in steps)


def _ascends(path: Path) -> bool:
    try:
        steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
    except ValueError:
        return False
    return steps == sorted(set(steps))
