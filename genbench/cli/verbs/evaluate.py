"""``genbench eval SAMPLES... --dataset NAME``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from genbench.cli.app import FAILED_TRIALS, app, run_plugins
from genbench.cli.verbs.run import Device
from genbench.cli.verbs.show import Format


@app.command(name="eval")
def eval_(
    samples: Annotated[
        list[Path],
        typer.Argument(
            metavar="SAMPLES",
            help="A .npy or .npz file (N H W, N H W C or N C H W; points N D), or a folder of images.",
        ),
    ],
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help="The data to compare with: see `genbench list datasets`.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the data set: setting=veegan."),
    ] = None,
    range_: Annotated[
        str | None,
        typer.Option(
            "--range",
            metavar="LO:HI",
            help="The numbers that mean black and white: 0:1, -1:1, 0:255. Needed for all images but uint8 "
            "and image files, which are 0:255 always: for these alone another range is an error.",
        ),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.RICH,
    device: Annotated[Device, typer.Option(help="Where features are computed.")] = Device.AUTO,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Run this Python file first, for the data sets and measures it has."
        ),
    ] = None,
) -> None:
    """Score samples of any generator like a run's."""
    from rich.console import Console

    from genbench.cli.console import Out
    from genbench.core.errors import DataError
    from genbench.core.record import Status

    options = dict(_option(change) for change in set_ or [])
    value_range = None if range_ is None else _range(range_)
    for path in samples:
        if not path.expanduser().exists():  # told before PyTorch is loaded
            raise DataError(f"there is nothing at {path}. Give a .npy or .npz file, or a folder of images.")
    run_plugins(plugin)
    from genbench.report.render import render
    from genbench.report.tables import build_tables
    from genbench.runner.progress import reporter_for
    from genbench.runner.scoring import evaluate

    console, aside = Out(), Console(stderr=True, highlight=False)
    records = evaluate(
        samples,
        dataset,
        options=options,
        value_range=value_range,
        device=device,
        reporter=reporter_for(aside, quiet=not aside.is_terminal),
    )
    console.write(render(build_tables(records), format_.value, console.width, color=console.is_terminal))
    if any(record.status is Status.FAILED for record in records):
        raise typer.Exit(FAILED_TRIALS)


def _option(change: str) -> tuple[str, Any]:
    """One ``key=value``, the value in TOML; text that is none stands for itself, as in ``genbench run``."""
    from genbench.core.errors import SuiteError
    from genbench.suite.load import toml_value

    key, equals, text = (part.strip() for part in change.partition("="))
    if not equals or not key:
        raise SuiteError(f"--set {change}: expected key=value, such as setting=veegan.")
    return key, toml_value(text)


def _range(text: str) -> tuple[float, float]:
    from genbench.core.errors import DataError

    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise DataError(f"--range {text}: expected two numbers, the lower first, such as 0:1, -1:1 or 0:255.")
    return low, high
