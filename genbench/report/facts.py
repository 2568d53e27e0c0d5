"""One dataset, looked at from the sides that sentences about it need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from genbench.analyse.estimates import Estimate
from genbench.analyse.rank import Pairs, told_apart
from genbench.analyse.sides import Side, mismatch, sides
from genbench.analyse.standing import TARGET
from genbench.analyse.summary import Summary
from genbench.analyse.verdict import all_same
from genbench.core.record import Better, Record, Status, group_of
from genbench.report.headings import GROUPS
from genbench.report.notes import is_quick
from genbench.report.numbers import show
from genbench.report.tables import Table, TableCell, TableColumn
from genbench.report.untrusted import clean

_NAMES = 4  # that a list of them names before it counts


def listed(names: Iterable[str], most: int | None = _NAMES) -> str:
    """``a, b and c``; beyond ``most`` names ``a, b, c, d and 5 more``."""
    known = list(names)
    if most is not None and len(known) > most:
        known = [*known[:most], f"{len(known) - most} more"]
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


@dataclass(frozen=True)
class Facts:
    """One dataset of one run.

    Attributes:
        summary: its rows.
        records: its final numbers.
        tables: of the same records.
    """

    summary: Summary
    records: Sequence[Record]
    tables: Sequence[Table]

    @cached_property
    def quick(self) -> bool:
        """Whether the run was shortened."""
        return is_quick(self.records)

    @cached_property
    def models(self) -> list[str]:
        """In the order of the tables."""
        return [clean(row.model) for row in self.summary.rows if not row.control]

    @cached_property
    def columns(self) -> dict[str, TableColumn]:
        """Metrics with a direction that seeds of some model have, or have lost."""
        columns = {c.metric: c for table in self.tables for c in table.columns}
        return {m: columns[m] for m in columns if self.seeded(m) and columns[m].better is not Better.NEITHER}

    @cached_property
    def cells(self) -> Mapping[tuple[str, str], TableCell]:
        """By metric and row."""
        return {
            (column.metric, row.name): cell
            for table in self.tables
            for row in table.rows
            for column, cell in zip(table.columns, row.cells, strict=True)
        }

    @cached_property
    def sides(self) -> Mapping[str, Mapping[str, Side]]:
        """By model and metric."""
        return {clean(model): side.metrics for (_, model), side in sides(self.records).items()}

    def seeded(self, metric: str) -> dict[str, Side]:
        """The models that have the metric, or lost it, over seeds."""
        mine = {model: by[metric] for model, by in self.sides.items() if metric in by}
        return {model: side for model, side in mine.items() if side.values or side.lost}

    @cached_property
    def shared(self) -> dict[str, dict[str, Side]]:
        """The models of each metric that two or more have, so that it could rank them."""
        found = {metric: self.seeded(metric) for metric in self.columns}
        return {metric: mine for metric, mine in found.items() if len(mine) > 1}

    @cached_property
    def ranks(self) -> dict[str, dict[str, int]]:
        """By metric and model, of the metrics that tell some apart."""
        ranks: dict[str, dict[str, int]] = {}
        for (metric, model), cell in self.cells.items():
            if cell.rank is not None:
                ranks.setdefault(metric, {})[model] = cell.rank
        return ranks

    @cached_property
    def mixed(self) -> list[str]:
        """Metrics whose numbers were not taken alike, so that no order of models is looked for."""
        unranked = (metric for metric in self.shared if metric not in self.ranks)
        return [
            m for m in unranked if any(mismatch(*two) for two in combinations(self.shared[m].values(), 2))
        ]

    @cached_property
    def apart(self) -> dict[str, Pairs]:
        """Of metrics without an order of all models: the pairs that are told apart all the same."""
        unranked = [m for m in self.shared if m not in self.ranks and m not in self.mixed]
        return {metric: told_apart(self.shared[metric]) or () for metric in unranked}

    @cached_property
    def undecided(self) -> list[str]:
        """Metrics in which no two models are told apart."""
        return [metric for metric, pairs in self.apart.items() if not pairs]

    @cached_property
    def same(self) -> list[str]:
        """Of these, the metrics in which every two models are surely the same, by the usual margin."""
        return [metric for metric in self.undecided if all_same(self.shared[metric])]

    def beyond_others(self, metric: str) -> bool:
        """Whether models that have no number of this metric never could: it was skipped for every seed."""
        able = set(self.seeded(metric))
        asked = [r for r in self.records if r.metric == metric and clean(r.model) not in able]
        skipped = {clean(r.model) for r in asked if r.status is Status.SKIPPED}
        skipped -= {clean(r.model) for r in asked if r.status is not Status.SKIPPED}
        done = {clean(row.model) for row in self.summary.rows if row.counts.done}
        return set(self.models) - able <= skipped & done

    def estimate(self, metric: str, row: str) -> Estimate | None:
        """The number of a model or control, if it has one."""
        cell = self.cells.get((metric, row))
        return cell.estimate if cell else None

    def value(self, metric: str, row: str, *, interval: bool = False) -> str:
        """The number as in its table; empty where there is none."""
        estimate = self.estimate(metric, row)
        if estimate is None:
            return ""
        shown = show(estimate, self.columns[metric].prefix)
        return str(shown) if interval else shown.value

    def spread(self, metric: str, rows: Iterable[str]) -> str:
        """The numbers of several rows: ``24.4 to 27.7``, or the only one with its interval."""
        having = [row for row in rows if self.estimate(metric, row)]
        if len(having) < 2:
            return self.value(metric, having[0], interval=True) if having else ""
        by_size = sorted(having, key=lambda row: self.median(metric, row))
        ends = dict.fromkeys(self.value(metric, row) for row in (by_size[0], by_size[-1]))
        return " to ".join(ends)

    def beside(self, metric: str) -> str:
        """Ends a sentence with numbers: what real data score, and which way is good."""
        way = f"; {self.columns[metric].better} is better"
        real = self.value(metric, "real")
        return f"; real data score {real}{way}" if real else way

    def having(self, metric: str) -> list[str]:
        """Models with a number."""
        return [model for model in self.models if self.estimate(metric, model)]

    def median(self, metric: str, row: str) -> float:
        """The number itself; not a number where there is none."""
        estimate = self.estimate(metric, row)
        return estimate.median if estimate else float("nan")

    def at_least(self, metric: str, one: str, other: str) -> bool:
        """Whether one's median is at least as good as the other's; false where either has none."""
        a, b = self.median(metric, one), self.median(metric, other)
        return a >= b if self.columns[metric].better is Better.HIGHER else a <= b

    def beats_all(self, metric: str, control: str) -> bool:
        """Whether a control's median is better than that of every model that has one."""
        having = self.having(metric) if self.estimate(metric, control) else []
        return bool(having) and not any(self.at_least(metric, model, control) for model in having)

    def name(self, metric: str) -> str:
        """The metric's label, told apart from others that are headed alike."""
        column = self.columns[metric]
        if metric.startswith(TARGET):
            return f"{column.label} until the target"
        alike = [c for c in self.columns.values() if c.label == column.label]
        group = group_of(metric)
        return f"{column.label} ({GROUPS.get(group) or clean(group)})" if len(alike) > 1 else column.label

    def names(self, metrics: Iterable[str]) -> str:
        """Labels of all of these."""
        return listed((self.name(metric) for metric in metrics), None)

    def all_or(self, models: Sequence[str]) -> str:
        """``all 4 models``, or their names."""
        if len(models) < 2 or len(models) < len(self.models):
            return listed(models)
        return "both models" if len(models) == 2 else f"all {len(models)} models"
