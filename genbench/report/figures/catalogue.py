"""Every kind of figure, drawn one after another, and written as files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genbench.analyse.merge import Merged
from genbench.core.errors import OutputError, choose_from
from genbench.report.figures.against_cost import quality_against_cost
from genbench.report.figures.cost import cost
from genbench.report.figures.course import course
from genbench.report.figures.differences import differences
from genbench.report.figures.figure import Format, save
from genbench.report.figures.losses import gradients, losses
from genbench.report.figures.modes import modes
from genbench.report.figures.modes_course import modes_while_training
from genbench.report.figures.plot import Draw, Plot
from genbench.report.figures.precision_recall import precision_recall
from genbench.report.figures.quality import quality
from genbench.report.figures.scopes import scopes_of
from genbench.report.figures.seeds import seeds
from genbench.report.untrusted import clean
from genbench.store.atomic import write_text


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of figure.

    Attributes:
        name: in kebab case; files and anchors are named after it.
        draw: makes it.
        lacking: what the records do not have where there is nothing to draw, for people.
    """

    name: str
    draw: Draw
    lacking: str


KINDS = (
    Kind("quality", quality, "no metric of quality or of modes"),
    Kind("precision-recall", precision_recall, "no precision and recall"),
    Kind("modes", modes, "no shares of single modes"),
    Kind("seeds", seeds, "no headline metric seed by seed"),
    Kind("differences", differences, "no two models that can be compared"),
    Kind("quality-against-cost", quality_against_cost, "no quality beside what training cost"),
    Kind("course", course, "no evaluation on the way (evaluate_every in [train])"),
    Kind(
        "modes-while-training", modes_while_training, "no shares of single modes on the way (evaluate_every)"
    ),
    Kind("losses", losses, "no curves.jsonl in the folders of its trials"),
    Kind("gradients", gradients, "no gradient norms in the folders of its trials"),
    Kind("cost", cost, "no measurement of throughput"),
)
"""In the order of a page."""


def plots(merged: Merged, names: Sequence[str] = ()) -> Iterator[Plot]:
    """Every figure of every dataset of every run, one at a time, in the order of records and ``KINDS``.

    Args:
        merged: what to draw.
        names: of kinds; all if empty.

    Raises:
        OutputError: there is no such kind.
    """
    for name in names:
        if name not in (kind.name for kind in KINDS):
            raise OutputError(choose_from("figure", name, [kind.name for kind in KINDS]))
    return _drawn(merged, [kind for kind in KINDS if not names or kind.name in names])


def _drawn(merged: Merged, kinds: Sequence[Kind]) -> Iterator[Plot]:
    for scope in scopes_of(merged):
        for kind in kinds:
            if plot := kind.draw(scope):
                yield plot


def write_plots(
    merged: Merged, folder: Path, kinds: Sequence[Format] = ("svg", "png"), names: Sequence[str] = ()
) -> list[Path]:
    """Write each figure into ``folder`` in each format, and the numbers in it as CSV beside it.

    Files are named ``<dataset>-<name>``, with the run's name before them where there are several runs.

    Args:
        merged: what to draw.
        folder: where to; made if need be.
        kinds: formats.
        names: of figures; all if empty.

    Returns:
        The paths written.

    Raises:
        OutputError: a file cannot be written, or there is no such figure.
    """
    several = len({record.run for record in merged.records}) > 1
    written: list[Path] = []
    for plot in plots(merged, names):
        parts = [plot.run, plot.dataset, plot.name] if several else [plot.dataset, plot.name]
        stem = folder / "-".join(map(file_name, parts))
        written += save(plot.figure, stem, kinds)
        table = stem.with_name(f"{stem.name}.csv")
        write_text(table, plot.frame.to_csv(index=False, lineterminator="\n"))
        written.append(table)
    return written


def file_name(text: str) -> str:
    """A name made fit for a file: letters, digits, ``-``, ``_``, ``.`` stay, anything else becomes ``_``."""
    return re.sub(r"[^\w.-]", "_", clean(text)).lstrip(".-")[:80] or "_"
