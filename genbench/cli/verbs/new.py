"""``genbench new model|dataset|metric NAME``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.app import app


class Kind(StrEnum):
    """What can be begun."""

    MODEL = "model"
    DATASET = "dataset"
    METRIC = "metric"


@app.command()
def new(
    kind: Annotated[Kind, typer.Argument(help="What to write.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it will be called in suites.")],
    out: Annotated[Path, typer.Option("-o", metavar="FOLDER", help="Where to; made if need be.")] = Path(),
) -> None:
    """Write a small commented model, dataset or metric with its test, to be made into your own."""
    from shlex import quote

    from genbench.cli.console import say
    from genbench.runner.template import write_new

    written = write_new(kind.value, name, out)
    file, test = written[0], written[1]
    suites = [path for path in written if path.suffix == ".toml"]
    for path in written:
        say(f"wrote {path}")
    say("To go on:")
    say(f"  genbench check {quote(str(file))}")
    for suite in suites:
        say(f"  genbench run {quote(str(suite))} --plugin {quote(str(file))} --quick")
    say(f"  pytest {quote(str(test))}")
