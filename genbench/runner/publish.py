"""What a run writes at its end, from its records alone: tables and plots."""

from __future__ import annotations

from genbench.analyse.merge import merged
from genbench.report.figures.catalogue import write_plots
from genbench.report.render import render
from genbench.report.tables import build_tables
from genbench.runner.progress import Reporter
from genbench.store.atomic import write_text
from genbench.store.journal import read_records
from genbench.store.loaded import LoadedRun
from genbench.store.rundir import RunDirectory


def publish(directory: RunDirectory, reporter: Reporter) -> None:
    """Write ``tables.md`` and ``plots/`` of a run; nothing where it has no record yet."""
    records = read_records(directory.records)
    if not records:
        return
    write_text(directory.tables, render(build_tables(records), "md"))
    reporter.begin("plots", 0)
    write_plots(merged([LoadedRun(directory.name, directory, tuple(records))]), directory.plots)
    reporter.end()
