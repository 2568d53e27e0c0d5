"""``genbench plot RUN... -o DIR``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from genbench.cli.app import app

if TYPE_CHECKING:
    from genbench.report.figures.figure import Format as Kind


class Format(StrEnum):
    """Formats of figures."""

    SVG = "svg"
    PDF = "pdf"
    PNG = "png"


@app.command()
def plot(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="A run's directory, a records.jsonl, or SUITE/latest."),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder to write to.")],
    figure: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this figure; may be repeated.")
    ] = None,
    format_: Annotated[
        list[Format] | None,
        typer.Option("--format", help="Only this format; may be repeated. The numbers come as CSV anyway."),
    ] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which runs are looked for.")] = Path(
        "results"
    ),
) -> None:
    """Draw the figures of runs for a paper, each with its numbers as CSV."""
    from genbench.analyse.merge import merged
    from genbench.cli.console import say
    from genbench.core.errors import RecordError
    from genbench.report.figures.catalogue import Attempt, written
    from genbench.store.loaded import load_runs

    kinds = cast("list[Kind]", [kind.value for kind in dict.fromkeys(format_ or Format)])
    drawn: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in written(merged(load_runs(runs, results)), out, kinds, figure or ()):
        drawn.setdefault((attempt.run, attempt.dataset), []).append(attempt)
        if attempt.plot:
            say(f"{attempt.paths[-1].with_suffix('')}: {', '.join([*kinds, 'csv'])}")
    for (run, dataset), attempts in drawn.items():
        missing = [f"{one.kind.name} ({one.kind.lacking})" for one in attempts if not one.plot]
        if missing:
            where = f"{run}, {dataset}" if len({run for run, _ in drawn}) > 1 else dataset
            say(f"{where}: nothing to draw for {', '.join(missing)}.")
    if not any(one.paths for attempts in drawn.values() for one in attempts):
        raise RecordError(f"no figure was written to {out}: see above what the records lack.")
