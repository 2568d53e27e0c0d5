"""``genbench sample RUN/TRIAL``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.app import app, run_plugins


@app.command()
def sample(
    trial: Annotated[
        str,
        typer.Argument(metavar="RUN/TRIAL", help="A trial of a run (SUITE/latest/TRIAL), or a checkpoint."),
    ],
    n: Annotated[int, typer.Option("-n", min=1, max=10_000, help="How many samples.")] = 64,
    out: Annotated[
        Path, typer.Option("-o", metavar="FILE", help=".png for a picture, .npy for the samples themselves.")
    ] = Path("grid.png"),
    seed: Annotated[int, typer.Option(help="Another seed, other samples.")] = 0,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which runs are looked for.")] = Path(
        "results"
    ),
    plugin: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Run this Python file first, for the model it registers."),
    ] = None,
) -> None:
    """Draw samples from a trained trial."""
    import numpy as np

    from genbench.cli.console import say
    from genbench.core.errors import OutputError

    if out.suffix not in (".png", ".npy"):
        raise OutputError(
            f"-o {out}: the name must end in .png (a picture) or .npy (the samples: images N C H W uint8, "
            "points N D float32)."
        )
    if not out.absolute().parent.is_dir():
        raise OutputError(f"-o {out}: there is no folder {out.absolute().parent}. Make it first.")
    run_plugins(plugin)
    from genbench.report.grids import write_grid
    from genbench.report.scatter import write_scatter
    from genbench.runner.sample import sample as draw
    from genbench.store.atomic import unwritable

    samples = draw(trial, n, seed=seed, results=results)
    if out.suffix == ".npy":
        try:
            np.save(out, samples)
        except OSError as error:
            raise unwritable(out, error) from error
    elif samples.ndim == 2:
        write_scatter(out, {"": samples.astype(np.float32, copy=False)})
    else:
        images = samples.astype(np.uint8, copy=False)
        columns = math.isqrt(n - 1) + 1
        rows = math.ceil(n / columns)
        blank = np.full((rows * columns - n, *images.shape[1:]), 255, dtype=np.uint8)
        grid = np.concatenate([images, blank]).reshape(rows, columns, *images.shape[1:])
        write_grid(out, grid, [""] * rows)
    say(f"{n} {'points' if samples.ndim == 2 else 'images'}: {out}")
