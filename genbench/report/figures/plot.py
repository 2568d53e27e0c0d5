"""What every figure is made from, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from genbench.analyse.summary import Summary
from genbench.core.record import Record
from genbench.store.rundir import TrialDirectory

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Scope:
    """One dataset of one run (or of runs that were merged): what figures draw.

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
