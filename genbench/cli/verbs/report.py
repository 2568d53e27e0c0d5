"""``genbench report RUN... -o report.html``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.app import app


@app.command()
def report(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="A run's directory, a records.jsonl, or SUITE/latest."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", metavar="FILE", help="Where to; report.html in the run's folder, or here for several runs."
        ),
    ] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which runs are looked for.")] = Path(
        "results"
    ),
) -> None:
    """Write one self-contained HTML page: the answer, tables, figures, samples, and how to repeat it."""
    from genbench.analyse.merge import merged
    from genbench.cli.console import say
    from genbench.report.page.page import build_report
    from genbench.report.page.view import size_of
    from genbench.store.atomic import write_text
    from genbench.store.loaded import load_runs

    loaded = load_runs(runs, results)
    text = build_report(merged(loaded))
    directory = loaded[0].directory if len(loaded) == 1 else None
    path = out or (directory.report if directory else Path("report.html"))
    write_text(path, text)
    say(f"{path} ({size_of(len(text.encode('utf-8', 'backslashreplace')))})")
