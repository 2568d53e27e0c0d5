"""What a run writes at its end, from its records alone: tables, plots and the report."""

from __future__ import annotations

from collections.abc import Sequence

from genbench.analyse.merge import Merged, merged
from genbench.core.record import Record
from genbench.report.figures.catalogue import write_plots
from genbench.report.page.page import build_report
from genbench.report.render import render
from genbench.report.tables import build_tables
from genbench.runner.progress import Reporter
from genbench.store.atomic import write_text
from genbench.store.loaded import LoadedRun
from genbench.store.planned import read_run
from genbench.store.rundir import RunDirectory


def publish(directory: RunDirectory, reporter: Reporter) -> None:
    """Write ``tables.md`` and ``plots/`` of a run; nothing where it has no record yet."""
    records = read_run(directory)
    if not records:
        return
    write_text(directory.tables, render(build_tables(records), "md"))
    reporter.begin("plots", 0)
    write_plots(_alone(directory, records), directory.plots)
    reporter.end()


def write_report(directory: RunDirectory) -> None:
    """Write ``report.html``, last of all: it tells how the time of the run was spent."""
    if records := read_run(directory):
        write_text(directory.report, build_report(_alone(directory, records)))


def _alone(directory: RunDirectory, records: Sequence[Record]) -> Merged:
    return merged([LoadedRun(f"{directory.path.parent.name}/{directory.name}", directory, tuple(records))])
