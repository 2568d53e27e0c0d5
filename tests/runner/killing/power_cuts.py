"""What a power cut makes of files that were being written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random


def _newest(paths: list[Path]) -> Path | None:
    return max(paths, key=lambda path: path.stat().st_mtime_ns, default=None)


def _shorten(path: Path, size: int) -> str:
    was = path.stat().st_size
    os.truncate(path, size)
    return f"{path.name}: {was:,} bytes cut to {size:,}"


def cut_last_record(run: Path, rng: Random) -> str | None:
    """The last line of the journal ends anywhere within itself."""
    path = run / "records.jsonl"
    content = path.read_bytes() if path.exists() else b""
    if not content:
        return None
    start = content.rstrip(b"\n").rfind(b"\n") + 1
    return _shorten(path, rng.randint(start, len(content) - 1))


def half_a_record_more(run: Path, rng: Random) -> str | None:
    """A line was begun after the last one, and its end reads as zeros."""
    path = run / "records.jsonl"
    if not path.exists():
        return None
    with path.open("ab") as file:
        file.write(b'{"run":"' + b"\0" * rng.randint(0, 300))
    return "records.jsonl: half a line more"


def _curves(run: Path) -> Path | None:
    """The newest losses of a trial that has not ended: until then nobody waits for the disk with them."""
    records = run / "records.jsonl"
    ended = records.read_text(errors="replace") if records.exists() else ""
    done = {line.partition('"trial":"')[2][:12] for line in ended.splitlines() if '"trial.steps"' in line}
    return _newest([path for path in run.glob("trials/*/curves.jsonl") if path.parent.name not in done])


def cut_curves(run: Path, rng: Random) -> str | None:
    """They end anywhere."""
    path = _curves(run)
    return _shorten(path, rng.randint(0, path.stat().st_size)) if path else None


def blank_curves(run: Path, rng: Random) -> str | None:
    """The last part of them reads as zeros."""
    path = _curves(run)
    if not path:
        return None
    content = path.read_bytes()
    start = rng.randint(0, len(content))
    path.write_bytes(content[:start] + b"\0" * (len(content) - start))
    return f"curves.jsonl: zeros from byte {start:,} of {len(content):,} on"


def spoil_progress(run: Path, rng: Random) -> str | None:
    """The newest of a cohort's progress is cut short, has a few other bits, or reads as zeros."""
    path = _newest([path for path in run.glob("progress/*") if path.is_file()])
    if path is None:
        return None
    content = bytearray(path.read_bytes())
    how = rng.choice(("cut", "bits", "zeros"))
    if how == "cut":
        return _shorten(path, rng.randint(0, len(content)))
    for _ in range(3 if how == "bits" else 0):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content if how == "bits" else bytes(len(content)))
    return f"{path.name}: {how}"


def litter(run: Path, rng: Random) -> str | None:
    """Temporary files whose names were never to be seen."""
    for path in [path for path in run.rglob("*") if path.is_file() and rng.random() < 0.3]:
        content = path.read_bytes()
        (path.parent / f".{path.name}.{rng.randrange(16**6):06x}.tmp").write_bytes(
            content[: len(content) // 2]
        )
    return "temporary files left about"


def cut_times(run: Path, rng: Random) -> str | None:
    """The file that says how time was spent ends anywhere."""
    path = run / "timing.json"
    return _shorten(path, rng.randint(0, path.stat().st_size - 1)) if path.exists() else None


def cut_provenance(run: Path, rng: Random) -> str | None:
    """What says how the run was made ends anywhere: it cannot be told any more whose run it is."""
    path = run / "resolved.json"
    return _shorten(path, rng.randint(0, path.stat().st_size - 2)) if path.exists() else None


KINDS: tuple[Callable[[Path, Random], str | None], ...] = (
    cut_last_record,
    half_a_record_more,
    cut_curves,
    blank_curves,
    spoil_progress,
    litter,
    cut_times,
)
"""After these a run goes on. ``cut_provenance`` is apart: there a new one is begun."""
