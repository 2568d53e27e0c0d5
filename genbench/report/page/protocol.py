"""What was measured how, on one dataset: for whoever wants to compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genbench.core.record import CONTROLS, OUTCOME, Record, Status
from genbench.report.headings import GROUPS, group_of
from genbench.report.untrusted import clean

_ELSEWHERE = {"quick", "fallback_for"}  # said first of all


def protocol_of(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Pairs for people: trainings, sizes, extractor, versions; with the metrics where these differ.

    Args:
        records: the final numbers of the dataset.
    """
    trained = [record for record in records if record.metric == OUTCOME and record.model not in CONTROLS]
    yield "models", ", ".join(dict.fromkeys(clean(record.model) for record in trained)) or "–"
    yield "seeds", ", ".join(map(str, sorted({r.seed for r in trained if r.seed is not None}))) or "–"
    done = [record for record in trained if record.status is Status.DONE]
    yield "steps", ", ".join(f"{step:,}" for step in sorted({record.step for record in done})) or "–"
    yield "lanes", ", ".join(map(str, sorted({record.lanes for record in trained}))) or "–"
    stamps: dict[str, dict[str, dict[str, None]]] = {}  # key -> value -> groups or models
    for record in records:
        if record.status is not Status.DONE or record.metric == OUTCOME:
            continue
        group = GROUPS.get(group_of(record.metric)) or clean(group_of(record.metric))
        for key, value in record.protocol.items():
            if key not in _ELSEWHERE:
                by_value = stamps.setdefault(clean(key).replace("_", " "), {})
                by_value.setdefault(_plain(value), {})[group] = None
        for key, value in record.versions.items():
            if key not in ("metric", "model"):
                stamps.setdefault(f"{clean(key)} version", {}).setdefault(clean(value), {})[group] = None
        if version := record.versions.get("model"):
            by_version = stamps.setdefault("model version", {})
            by_version.setdefault(clean(version), {})[clean(record.model)] = None
    for key, by_value in stamps.items():
        if len(by_value) == 1:
            yield key, next(iter(by_value))
        else:
            yield key, "; ".join(f"{value} ({', '.join(where)})" for value, where in by_value.items())


def _plain(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else clean(str(value))
