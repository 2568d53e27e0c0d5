"""All plots of a set of records, as files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.analyse.standing import current
from genbench.analyse.summary import Summary, summarise
from genbench.core.record import Record
from genbench.report.against_cost import quality_against_cost
from genbench.report.bars import COST, QUALITY, bars
from genbench.report.curves import quality_curves
from genbench.report.figure import save
from genbench.report.notes import QUICK, fallback_of, is_quick
from genbench.report.untrusted import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_plots(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draw each dataset of each run into ``folder``, as PNG and SVG; what has no numbers is left out.

    Files are named ``<dataset>-quality-against-cost``, ``<dataset>-quality`` and ``<dataset>-cost``, and
    ``<dataset>-curves`` where models were evaluated on the way, with the run's name before them where there
    are several runs.

    Returns:
        The paths written.

    Raises:
        OutputError: a file cannot be written.
    """
    summaries = summarise(records)
    several = len({summary.run for summary in summaries}) > 1
    written = []
    for summary in summaries:
        mine = [r for r in records if (r.run, r.dataset) == (summary.run, summary.dataset)]
        parts = [summary.run, summary.dataset] if several else [summary.dataset]
        for kind, figure in _figures(summary, mine).items():
            written += save(figure, folder / "-".join(map(file_name, [*parts, kind])))
    return written


def file_name(text: str) -> str:
    """A name made fit for a file: letters, digits, ``-``, ``_``, ``.`` stay, anything else becomes ``_``."""
    return re.sub(r"[^\w.-]", "_", clean(text)).lstrip(".-")[:80] or "_"


def _figures(summary: Summary, everything: Sequence[Record]) -> dict[str, Figure]:
    records = current(everything)
    where = clean(summary.dataset)
    if wanted := fallback_of(records):
        where += f" (fallback for {wanted})"
    end = f"\n{QUICK}" if is_quick(records) else ""
    figures = {
        "quality-against-cost": quality_against_cost(summary, records, f"{where}: what quality costs{end}"),
        "quality": bars(summary, QUALITY, f"{where}: samples and modes{end}"),
        "cost": bars(summary, COST, f"{where}: throughput and cost{end}"),
        "curves": quality_curves(summary, everything, f"{where}: quality while training{end}"),
    }
    return {kind: figure for kind, figure in figures.items() if figure is not None}
