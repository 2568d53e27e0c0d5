"""``genbench export RUN``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.app import app


class Format(StrEnum):
    """Which program the file is for."""

    PYTEST_BENCHMARK = "pytest-benchmark"


@app.command()
def export(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's directory, a records.jsonl, or SUITE/latest.")
    ],
    format_: Annotated[
        Format, typer.Option("--format", help="Which program the file is for.")
    ] = Format.PYTEST_BENCHMARK,
    out: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Where to; standard output, if not given.")
    ] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which runs are looked for.")] = Path(
        "results"
    ),
) -> None:
    """Write a run's timed training, its quality beside it, for `pytest-benchmark compare`."""
    from genbench.cli.console import Out
    from genbench.core.errors import RecordError
    from genbench.report.as_pytest_benchmark import render_pytest_benchmark
    from genbench.store.atomic import write_text
    from genbench.store.journal import read_records
    from genbench.store.rundir import RunDirectory, resolve_run

    found = resolve_run(run, results)
    directory = found if isinstance(found, RunDirectory) else None
    records = read_records(found.records if isinstance(found, RunDirectory) else found)
    if not records:
        raise RecordError(f"{run}: no number was finished there, so there is nothing to export.")
    render = {Format.PYTEST_BENCHMARK: render_pytest_benchmark}[format_]
    text = render(records, directory)
    if out is None:
        Out().write(text)
    else:
        write_text(out, text)
        typer.echo(f"{run} for {format_.value}: {out}")
