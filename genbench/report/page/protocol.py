"""What was measured how, on one dataset: for whoever wants to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from genbench.core.record import CONTROLS, MODE_SHARE, OUTCOME, Record, Status, group_of
from genbench.report.headings import GROUPS, label_of
from genbench.report.untrusted import clean

_ELSEWHERE = {"quick", "fallback for", "lanes", "metric version"}  # said first, or in tables


def protocol_of(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Pairs for people: trainings, sizes, extractor, versions; with the metrics where these differ.

    Args:
        records: the final numbers of the dataset.
    """
    trained = [record for record in records if record.metric == OUTCOME and record.model not in CONTROLS]
    yield "models", ", ".join(dict.fromkeys(clean(record.model) for record in trained)) or "–"
    yield "seeds", _seeds(sorted({r.seed for r in trained if r.seed is not None}))
    done = [record for record in trained if record.status is Status.DONE]
    yield "steps", ", ".join(f"{step:,}" for step in sorted({record.step for record in done})) or "–"
    yield "lanes", ", ".join(map(str, sorted({record.lanes for record in trained}))) or "–"
    stamps: dict[str, dict[str, list[str]]] = {}  # key -> value -> metrics
    versions: dict[str, list[str]] = {}  # of a model -> models
    for record in records:
        if record.status is not Status.DONE or record.metric == OUTCOME:
            continue
        if record.metric.startswith(MODE_SHARE):  # evidence that no table has
            continue
        known = {clean(key).replace("_", " "): _plain(value) for key, value in record.protocol.items()}
        known |= {f"{clean(key)} version": clean(value) for key, value in record.versions.items()}
        if version := known.pop("model version", ""):
            _note(versions, version, clean(record.model))
        for key in known.keys() - _ELSEWHERE:
            _note(stamps.setdefault(key, {}), known[key], record.metric)
    for key, by_value in sorted(stamps.items()):
        if len(by_value) == 1:
            yield key, next(iter(by_value))
        else:
            where = {value: ", ".join(_places(value, by_value)) for value in by_value}
            yield key, "; ".join(f"{value} ({places})" for value, places in where.items())
    if versions:
        alike = len(versions) == 1
        told = (value if alike else f"{value} ({', '.join(models)})" for value, models in versions.items())
        yield "model version", "; ".join(told)


def _seeds(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds)) or "–"


def _note(found: dict[str, list[str]], value: str, where: str) -> None:
    places = found.setdefault(value, [])
    if where not in places:
        places.append(where)


def _places(value: str, by_value: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Groups of metrics that have only this value, and single metrics of groups that have several."""
    others = {group_of(m) for other, metrics in by_value.items() if other != value for m in metrics}
    groups = dict.fromkeys(map(group_of, by_value[value]))
    for group in groups:
        if group in others:
            yield from (label_of(metric) for metric in by_value[value] if group_of(metric) == group)
        else:
            yield GROUPS.get(group) or clean(group)


def _plain(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else clean(str(value))
