"""``genbench explain RUN/TRIAL -o DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.app import app, run_plugins
from genbench.cli.verbs.run import Device


@app.command()
def explain(
    trial: Annotated[
        str,
        typer.Argument(metavar="RUN/TRIAL", help="A trial of a run (SUITE/latest/TRIAL), or a checkpoint."),
    ],
    out: Annotated[
        Path,
        typer.Option("-o", metavar="DIR", help="Folder for index.html and the figures; made if need be."),
    ] = Path("explain"),
    seed: Annotated[int, typer.Option(help="Another seed, other draws.")] = 0,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.AUTO,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which runs are looked for.")] = Path(
        "results"
    ),
    plugin: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Run this Python file first, for the model it registers."),
    ] = None,
) -> None:
    """Look into one trained model: a page of latents, directions, units, maps of its score and inversions."""
    from time import perf_counter

    from genbench.cli.console import say
    from genbench.core.errors import OutputError

    if out.exists() and not out.is_dir():
        raise OutputError(f"-o {out}: that is a file, and the page needs a folder. Give another name.")
    began = perf_counter()
    run_plugins(plugin)
    from genbench.report.explanation.page import write_explanation
    from genbench.runner.explain import explain as look_into

    page = write_explanation(look_into(trial, seed=seed, device=device, results=results), out)
    say(f"{page} ({perf_counter() - began:.0f} s)")
