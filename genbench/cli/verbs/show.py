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
    """Print the tables of finished or unfinished runs; of several, side by side where protocols agree."""
    from genbench.analyse.merge import merged
    from genbench.cli.console import Out, say
    from genbench.report.render import render
    from genbench.report.tables import build_tables
    from genbench.store.loaded import load_runs

    console = Out()
    found = merged(load_runs(runs, results))
    for sentence in found.apart:
        say(f"note: {sentence}", err=True)
    console.write(
        render(build_tables(found.records), format_.value, console.width, color=console.is_terminal)
    )
