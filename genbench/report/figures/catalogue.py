"""Every kind of figure, drawn one after another, and written as files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genbench.analyse.merge import Merged
from genbench.core.errors import OutputError, choose_from
from genbench.report.figures.against_cost import quality_against_cost
from genbench.report.figures.bars import cost, quality
from genbench.report.figures.course import course
from genbench.report.figures.figure import Format, save
from genbench.report.figures.plot import Draw, Plot
from genbench.report.figures.scopes import scopes_of
from genbench.report.untrusted import clean
from genbench.store.atomic import write_text


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of figure.

    Attributes:
        name: in kebab case; files and anchors are named after it.
        draw: makes it.
        needs: what records must have for it, for people.
    """

    name: str
    draw: Draw
    needs: str


KINDS = (
    Kind("quality", quality, "a metric of quality or of modes"),
    Kind("quality-against-cost", quality_against_cost, "a Fréchet distance, and what training cost"),
    Kind("course", course, "evaluations on the way (evaluate_every in [train])"),
    Kind("cost", cost, "measurements of throughput"),
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
