"""Several runs as one set of records: together where their protocols agree, apart where they differ."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from genbench.analyse.agreement import Looks, disagreement, looks_of
from genbench.analyse.standing import last_attempts
from genbench.core.record import CONTROLS, OUTCOME, Record, group_of
from genbench.store.loaded import LoadedRun, distinct_names
from genbench.store.rundir import RunDirectory, TrialDirectory


@dataclass(frozen=True, slots=True)
class Merged:
    """Records of one or several runs, ready for tables, plots and pages.

    Attributes:
        records: what shares a ``run`` may stand in one table. Of a single run: its records as they are.
        trials: where the files of a trial lie, by the trial's id in ``records``; only trials that have a
            folder.
        runs: the runs as they were read.
        apart: a sentence for each two runs of which some numbers stand apart, and why.
    """

    records: tuple[Record, ...]
    trials: Mapping[str, TrialDirectory]
    runs: tuple[LoadedRun, ...]
    apart: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One run that was asked for; of a file that holds several runs, one of them.

    Attributes:
        name: the run's id; where two runs share one, ``full``.
        full: the run's id, and what the user called it.
        short: the least of what the user called it that tells it from the others.
        directory: where its trials lie.
        records: those that count; of a trial that was begun again, its last attempt.
    """

    name: str
    full: str
    short: str
    directory: RunDirectory | None
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """Parts whose numbers stand together on one dataset, in the order given, and the groups of metrics."""

    dataset: str
    parts: tuple[_Part, ...]
    groups: frozenset[str]


def merged(runs: Sequence[LoadedRun]) -> Merged:
    """Put runs beside each other.

    Numbers stand together, under one ``run``, where ``genbench compare`` would compare them: group of metrics
    by group, since two runs on two machines share their quality but not their throughput. Of the metrics of
    a group that both runs have all must agree, else the runs stand apart there, each under its own name. So
    do shortened runs and whole ones, a run whose dataset had to do for another and one that asked for it, and
    a run with trials of which nobody knows whether they have ended.

    Nothing is pooled: a model that several runs have is told apart by what the user called the run,
    ``vae (baseline)``. Control rows are the same samples in every run, so they stand once, those of the run
    with the smallest id; where they score differently, the runs stand apart. No number changes.

    Args:
        runs: at least one, in the order in which they are to stand.
    """
    if len(runs) == 1:
        names = {record.trial: record.trial for record in runs[0].records}
        return Merged(runs[0].records, _folders(runs[0].directory, names), tuple(runs))
    parts = _parts(runs)
    tables, apart = _tables(parts)
    labels = _told_apart(_shared_labels(tables), {(p, r.model) for p in parts for r in p.records})
    mine = {(part, record.trial) for part in parts for record in part.records}
    by_trial: dict[str, list[_Part]] = {}
    for part, trial in mine:
        by_trial.setdefault(trial, []).append(part)
    twice = {(part, trial) for part, trial in mine if len(by_trial[trial]) > 1}
    ids = _told_apart(twice, mine, "{}@{}")
    records = tuple(record for table in tables for record in _records(table, labels, ids))
    trials: dict[str, TrialDirectory] = {}
    for part in parts:
        trials |= _folders(part.directory, {r.trial: ids.get((part, r.trial), r.trial) for r in part.records})
    return Merged(records, trials, tuple(runs), apart)


def _folders(directory: RunDirectory | None, names: Mapping[str, str]) -> dict[str, TrialDirectory]:
    if directory is None:
        return {}
    found = {name: directory.trial(trial) for trial, name in names.items()}
    return {name: folder for name, folder in found.items() if folder.path.is_dir()}


def _parts(runs: Sequence[LoadedRun]) -> tuple[_Part, ...]:
    found: list[tuple[str, str, RunDirectory | None, list[Record]]] = []
    for run in runs:
        by_name: dict[str, list[Record]] = {}
        for record in last_attempts(run.records):
            by_name.setdefault(record.run, []).append(record)
        for name, records in by_name.items():
            asked = run.asked if len(by_name) == 1 else f"{run.asked}/{name}"
            found.append((asked, name, run.directory, records))
    ids = [name for _, name, _, _ in found]
    parts = []
    for (_, name, directory, records), short in zip(
        found, distinct_names([asked for asked, *_ in found]), strict=True
    ):
        full = name if short == name else f"{name} ({short})"
        own = name if ids.count(name) == 1 else full
        parts.append(_Part(own, full, short, directory, tuple(records)))
    return tuple(parts)


def _tables(parts: Sequence[_Part]) -> tuple[list[_Table], tuple[str, ...]]:
    """What stands together: datasets as they appear; of each the largest tables first."""
    tables: list[_Table] = []
    apart: dict[tuple[str, str], list[str]] = {}
    for dataset in dict.fromkeys(record.dataset for part in parts for record in part.records):
        mine = {part: [r for r in part.records if r.dataset == dataset] for part in parts}
        looks = {part: looks_of(records) for part, records in mine.items() if records}
        groups: dict[tuple[_Part, ...], set[str]] = {}
        for group in dict.fromkeys(group_of(r.metric) for p in looks for r in mine[p] if r.metric != OUTCOME):
            clusters, reasons = _clusters(looks, group)
            for cluster in clusters:
                groups.setdefault(tuple(part for part in parts if part in cluster), set()).add(group)
            for reason in reasons:
                apart.setdefault((dataset, reason), []).append(group)
        placed = {part for cluster in groups for part in cluster}
        for part in looks:
            if part not in placed:
                groups[(part,)] = set()
        tables += [
            _Table(dataset, cluster, frozenset(groups[cluster]))
            for cluster in sorted(groups, key=lambda c: (-len(c), [parts.index(part) for part in c]))
        ]
    said = tuple(f"{dataset}, {', '.join(names)}: {why}" for (dataset, why), names in apart.items())
    return tables, said


def _clusters(looks: Mapping[_Part, Looks], group: str) -> tuple[list[list[_Part]], list[str]]:
    """Parts that agree in a group of metrics, whatever the order in which they were given; why not all do."""
    clusters: list[list[_Part]] = []
    reasons: list[str] = []

    def why(one: _Part, other: _Part) -> str:
        return disagreement(looks[one], looks[other], group, (one.short, other.short))

    def agree(part: _Part, cluster: Iterable[_Part]) -> bool:
        return not any(why(other, part) for other in cluster)

    holders = [part for part in looks if any(group_of(metric) == group for metric in looks[part].stamps)]
    for part in sorted(holders, key=lambda part: (part.name, part.short)):
        home = next((cluster for cluster in clusters if agree(part, cluster)), None)
        if home is not None:
            home.append(part)
            continue
        for cluster in clusters:
            other, told = next((other, told) for other in cluster if (told := why(other, part)))
            reasons.append(f"{other.short} and {part.short} stand apart: {told}.")
        clusters.append([part])
    # who has none of these metrics may stand beside all who have, with a reason in the cells
    guests = [(part, [c for c in clusters if agree(part, c)]) for part in looks if part not in holders]
    for part, homes in [(part, homes) for part, homes in guests if len(clusters) == len(homes) == 1]:
        homes[0].append(part)
    return clusters, reasons


def _shared_labels(tables: Iterable[_Table]) -> set[tuple[_Part, str]]:
    """Labels that several parts of one table have."""
    shared: set[tuple[_Part, str]] = set()
    for table in tables:
        owners: dict[str, set[_Part]] = {}
        for part in table.parts:
            for record in part.records:
                if record.dataset == table.dataset and record.model not in CONTROLS:
                    owners.setdefault(record.model, set()).add(part)
        shared |= {(part, label) for label, mine in owners.items() if len(mine) > 1 for part in mine}
    return shared


def _told_apart(
    shared: set[tuple[_Part, str]], known: set[tuple[_Part, str]], form: str = "{} ({})"
) -> dict[tuple[_Part, str], str]:
    """New names for what several parts have; names that are taken already are made longer."""
    taken = {name for _, name in known}
    new: dict[tuple[_Part, str], str] = {}
    for part, name in sorted(shared, key=lambda pair: (pair[0].name, pair[0].short, pair[1])):
        told = form.format(name, part.short)
        while told in taken:
            told = form.format(told, part.short)
        taken.add(told)
        new[part, name] = told
    return new


def _records(
    table: _Table,
    labels: Mapping[tuple[_Part, str], str],
    ids: Mapping[tuple[_Part, str], str],
) -> Iterator[Record]:
    several = len(table.parts) > 1
    chosen = {
        part: [
            r
            for r in part.records
            if r.dataset == table.dataset and (r.metric == OUTCOME or group_of(r.metric) in table.groups)
        ]
        for part in table.parts
    }
    owners: dict[Hashable, _Part] = {}
    for part in sorted(table.parts, key=lambda part: (part.name, part.short)):
        for record in chosen[part]:
            if record.model in CONTROLS:
                owners.setdefault((record.model, record.metric), part)
    suites = dict.fromkeys(record.suite for part in table.parts for record in chosen[part])
    for part in table.parts:
        for record in chosen[part]:
            if record.model in CONTROLS and owners[record.model, record.metric] is not part:
                continue
            yield replace(
                record,
                run=" + ".join(each.full for each in table.parts) if several else part.name,
                suite=" + ".join(suites) if several else record.suite,
                trial=ids.get((part, record.trial), record.trial),
                model=labels.get((part, record.model), record.model),
            )
