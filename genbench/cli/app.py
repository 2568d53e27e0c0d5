"""The command line's frame: one app, its exit codes, and how problems are told.

0 fine; 1 a gate or a check failed; 2 wrong usage, suite or input; 3 some trials failed; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from genbench import __version__
from genbench.core.errors import GenbenchError, warnings_to

FAILED_TRIALS = 3
USAGE = 2
INTERRUPTED = 130

app = typer.Typer(
    name="genbench",
    help="A comparative benchmark suite of generative models: train many seeds at once, measure, compare.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from genbench.core.environment import code_version

        typer.echo(f"genbench {__version__} ({code_version()})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A comparative benchmark suite of generative models."""


_LONGEST = 20_000  # letters of a problem; one that quotes a whole file would fill the screen for minutes


def tell(text: str, mark: str = "error:", style: str = "bold red") -> None:
    """A problem, on standard error, as one paragraph that is not cut to any width."""
    from rich.console import Console
    from rich.text import Text

    from genbench.report.untrusted import clean

    told = clean(text[:_LONGEST]) + (f"... ({len(text):,} letters in all)" if len(text) > _LONGEST else "")
    Console(stderr=True, highlight=False).print(Text.assemble((mark, style), " ", told), soft_wrap=True)


def run_plugins(files: Sequence[Path] | None) -> None:
    """Run what ``--plugin`` names, and say so: nothing else that is given to genbench is run.

    Raises:
        PluginError: there is no such file, or running it fails.
    """
    from genbench.core.registry import load_plugin

    for file in files or ():
        if file.is_file():
            tell(f"running the code of {file}", mark="plugin:", style="yellow")
        load_plugin(file)


def main() -> None:
    """Entry point of the ``genbench`` command."""
    from genbench.cli import verbs  # noqa: F401 - registers the verbs

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without "–" or "µ" shows "?"
    try:
        with warnings_to(partial(tell, mark="warning:", style="yellow")):
            app(prog_name="genbench")
    except GenbenchError as error:
        tell(str(error))
        sys.exit(USAGE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
