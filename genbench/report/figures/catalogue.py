"""Every kind of figure, drawn one after another, and written as files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from genbench.analyse.merge import Merged
from genbench.core.errors import GenbenchError, choose_from
from genbench.report.csv_of_frame import csv_of_frame
from genbench.report.figures.against_cost import quality_against_cost
from genbench.report.figures.cost import cost
from genbench.report.figures.course import course
from genbench.report.figures.differences import differences
from genbench.report.figures.dirac import dirac
from genbench.report.figures.figure import Format, save
from genbench.report.figures.losses import gradients, losses
from genbench.report.figures.modes import modes
from genbench.report.figures.modes_course import modes_while_training
from genbench.report.figures.plot import Draw, Plot
from genbench.report.figures.precision_recall import precision_recall
from genbench.report.figures.quality import quality
from genbench.report.figures.scopes import scopes_of
from genbench.report.figures.seeds import seeds
from genbench.report.figures.stability import stability
from genbench.report.untrusted import clean
from genbench.store.atomic import write_text


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of figure.

    Attributes:
        name: in kebab case; files and anchors are named after it.
        draw: makes it.
        lacking: why there may be nothing to draw, for people.
    """

    name: str
    draw: Draw
    lacking: str


KINDS = (
    Kind("quality", quality, "no metric of quality or of modes"),
    Kind("precision-recall", precision_recall, "no precision and recall"),
    Kind("modes", modes, "no shares of single modes"),
    Kind("seeds", seeds, "no headline metric seed by seed"),
    Kind("differences", differences, "no two models whose seeds can be compared"),
    Kind("quality-against-cost", quality_against_cost, "no quality beside what training cost"),
    Kind("course", course, "not evaluated on the way"),
    Kind("modes-while-training", modes_while_training, "no shares of single modes on the way"),
    Kind("losses", losses, "no curves.jsonl beside the records"),
    Kind("gradients", gradients, "no gradient norms beside the records"),
    Kind("stability", stability, "no stability.jsonl beside the records"),
    Kind("dirac", dirac, "losses and optimizers not played on the Dirac-GAN"),
    Kind("cost", cost, "throughput not measured"),
)
"""In the order of a page."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One kind of figure of one dataset of one run.

    Attributes:
        run, dataset: what it is of.
        kind: of figure.
        plot: ``None`` where the records have nothing to draw.
        paths: files that were written of it.
    """

    run: str
    dataset: str
    kind: Kind
    plot: Plot | None
    paths: tuple[Path, ...] = ()


def plots(merged: Merged, names: Sequence[str] = ()) -> Iterator[Plot]:
    """Every figure of every dataset of every run, one at a time, in the order of records and ``KINDS``.

    Args:
        merged: what to draw.
        names: of kinds; all if empty.

    Raises:
        GenbenchError: there is no such kind.
    """
    return (attempt.plot for attempt in attempts(merged, names) if attempt.plot)


def attempts(merged: Merged, names: Sequence[str] = ()) -> Iterator[Attempt]:
    """As ``plots``, with those of which there is nothing to draw."""
    known = [kind.name for kind in KINDS]
    for name in names:
        if name not in known:
            raise GenbenchError(choose_from("figure", name, known))
    return _attempts(merged, [kind for kind in KINDS if not names or kind.name in names])


def _attempts(merged: Merged, kinds: Sequence[Kind]) -> Iterator[Attempt]:
    for scope in scopes_of(merged):
        for kind in kinds:
            yield Attempt(scope.summary.run, scope.summary.dataset, kind, kind.draw(scope))


def write_plots(
    merged: Merged, folder: Path, kinds: Sequence[Format] = ("svg", "png"), names: Sequence[str] = ()
) -> list[Path]:
    """Write each figure into ``folder`` in each format, and the numbers in it as CSV beside it.

    Args:
        merged: what to draw.
        folder: where to; made if need be.
        kinds: formats.
        names: of figures; all if empty.

    Returns:
        The paths written.

    Raises:
        OutputError: a file cannot be written.
        GenbenchError: there is no such figure.
    """
    return [path for attempt in written(merged, folder, kinds, names) for path in attempt.paths]


def written(
    merged: Merged, folder: Path, kinds: Sequence[Format], names: Sequence[str] = ()
) -> Iterator[Attempt]:
    """Write figures one at a time, as ``write_plots`` does, and tell of each what became of it.

    Files are named ``<dataset>-<name>``, with the run's name before them where there are several runs.
    """
    several = len({record.run for record in merged.records}) > 1
    taken: set[str] = set()
    for attempt in attempts(merged, names):
        if attempt.plot is None:
            yield attempt
            continue
        parts = [*([attempt.run] if several else []), attempt.dataset, attempt.kind.name]
        name = "-".join(map(file_name, parts))
        name = free_name(name, taken)
        paths = save(attempt.plot.figure, folder / name, kinds)
        table = folder / f"{name}.csv"
        write_text(table, csv_of_frame(attempt.plot.frame))
        yield replace(attempt, paths=(*paths, table))


def free_name(name: str, taken: set[str]) -> str:
    """The name, with a number behind it if it is ``taken`` already; then it is.

    Names whose letters that are fit for a file are the same would be one; on many file systems, so would
    ``A`` and ``a``.
    """
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free.casefold())
    return free


def file_name(text: str) -> str:
    """A name made fit for a file: letters, digits, ``-``, ``_``, ``.`` stay, anything else becomes ``_``."""
    return re.sub(r"[^\w.-]", "_", clean(text)).lstrip(".-")[:80] or "_"
