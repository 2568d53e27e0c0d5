"""What every figure is made from, and what it gives."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from genbench.analyse.sides import Side, sides
from genbench.analyse.summary import Metric, Row, Summary
from genbench.core.errors import GenbenchWarning, RecordError
from genbench.core.record import Record, Status
from genbench.report.figures.palette import Look, looks
from genbench.report.untrusted import clean
from genbench.store.curves import Curves, read_curves
from genbench.store.rundir import TrialDirectory

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Scope:
    """One dataset of one run (or of runs that were merged): what figures draw.

    What several figures need is worked out once, when the first of them asks for it.

    Attributes:
        summary: estimates of every model and control row.
        records: the final numbers.
        everything: all records of it, those taken on the way of training included.
        trials: folders of trials by id, for their loss curves; some or all may be missing.
        where: what titles begin with: the dataset, and whether it is a fallback or the run was quick.
    """

    summary: Summary
    records: Sequence[Record]
    everything: Sequence[Record]
    trials: Mapping[str, TrialDirectory]
    where: str

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """By dotted name, those of the summary."""
        return {metric.name: metric for metric in self.summary.metrics}

    @cached_property
    def models(self) -> tuple[Row, ...]:
        """Rows of models."""
        return tuple(row for row in self.summary.rows if not row.control)

    @cached_property
    def looks(self) -> Mapping[str, Look]:
        """How each model is drawn, in all figures."""
        return looks(row.model for row in self.models)

    @cached_property
    def seeds(self) -> Mapping[tuple[str, str], Mapping[int, float]]:
        """Final numbers by (model, metric) and seed; control rows have draws in place of seeds."""
        found: dict[tuple[str, str], dict[int, float]] = {}
        for record in self.records:
            if record.seed is not None and record.value is not None and record.status is Status.DONE:
                found.setdefault((record.model, record.metric), {})[record.seed] = record.value
        return found

    @cached_property
    def sides(self) -> Mapping[str, Mapping[str, Side]]:
        """What each model has of each metric, as comparisons and ranks see it."""
        return {model: side.metrics for (_, model), side in sides(self.records).items()}

    @property
    def curves(self) -> Mapping[str, tuple[Curves, ...]]:
        """Losses while training, of each seed that has them, by model."""
        return self._read[0]

    @property
    def damaged(self) -> Sequence[str]:
        """Trials whose losses cannot be read, as people name them; they are missing in ``curves``."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Mapping[str, tuple[Curves, ...]], Sequence[str]]:
        known = {r.trial: (r.model, r.seed) for r in self.everything if r.seed is not None}
        found: dict[str, list[Curves]] = {}
        damaged: list[str] = []
        for trial, (model, seed) in known.items():
            directory = self.trials.get(trial)
            try:
                curves = read_curves(directory.curves) if directory else None
            except RecordError as error:  # figures of the records are as good without it
                warnings.warn(GenbenchWarning(f"losses are left out: {error}"), stacklevel=2)
                damaged.append(f"{clean(model)}, seed {seed}")
                continue
            if curves:
                found.setdefault(model, []).append(curves)
        return {row.model: tuple(found[row.model]) for row in self.models if row.model in found}, damaged


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure with what is said beside it.

    Attributes:
        run, dataset: what it is of.
        name: of its kind, in kebab case; files and anchors are named after it.
        title: one line.
        caption: what is drawn and how to read it, in one to three sentences.
        figure: drawn, not yet written.
        frame: the numbers that are drawn, a row a mark, in the records' units.
    """

    run: str
    dataset: str
    name: str
    title: str
    caption: str
    figure: Figure
    frame: pd.DataFrame


class Draw(Protocol):
    """A kind of figure."""

    def __call__(self, scope: Scope) -> Plot | None:
        """Draw it; ``None`` where the records have nothing to draw."""
        ...
