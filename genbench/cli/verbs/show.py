"""``genbench show RUN...``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.app import app


class Format(StrEnum):
    """How to print tables."""

    RICH = "rich"
    MD = "md"
    CSV = "csv"
    JSON = "json"
    LATEX = "latex"


@app.command()
def show(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="A run's directory, a records.jsonl, or SUITE/latest."),
    ],
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.RICH,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which runs are looked for.")] = Path(
        "results"
    ),
) -> None:
    """Print the tables of finished or unfinished runs."""
    from genbench.cli.console import Out
    from genbench.core.errors import RecordError
    from genbench.report.render import render
    from genbench.report.tables import build_tables
    from genbench.store.rundir import load_run

    console = Out()
    records = [record for run in runs for record in load_run(run, results)]
    if not records:
        raise RecordError(f"{', '.join(runs)}: no number was finished there, so there is nothing to show.")
    console.write(render(build_tables(records), format_.value, console.width, color=console.is_terminal))
