"""``genbench run SUITE.toml``."""

from __future__ import annotations

import signal
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.app import FAILED_TRIALS, INTERRUPTED, app, run_plugins, tell

if TYPE_CHECKING:
    from genbench.cli.console import Out
    from genbench.runner.job import RunResult
    from genbench.suite.schema import Suite


class Device(StrEnum):
    """Where to train."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


@app.command()
def run(
    suite: Annotated[Path, typer.Argument(help="The suite, a TOML file.", metavar="SUITE.toml")],
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Few steps, seeds and samples: ends within a minute or so, never compared."
        ),
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a key: train.steps=500, model.gan.latent=64."
        ),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Run only this model of the suite; repeatable.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(metavar="N", help="Number of seeds.")] = None,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.AUTO,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of all results.")] = Path("results"),
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Go on in this run: what is done is not repeated, what failed is tried again."
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Begin a new run even if the last one of this suite did not come to its end."
        ),
    ] = False,
    executor: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="inline: one model after the other. processes, or processes:N: several at a time, each in a "
            "process of its own with its share of the threads.",
        ),
    ] = "inline",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and print the plan.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress; warnings and tables only.")
    ] = False,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Run this Python file first, for what it registers."),
    ] = None,
) -> None:
    """Train and measure everything a suite asks for; the same command continues a run that was cut short."""
    began = perf_counter()
    from genbench.cli.console import Out
    from genbench.core.errors import SuiteError, Unfinished
    from genbench.suite.load import load_suite

    if fresh and resume:
        raise SuiteError("--fresh begins a new run and --resume goes on in an old one. Give one of them.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's end is as good as Ctrl-C
    run_plugins(plugin)
    loaded = load_suite(suite, set_=set_ or [], only=model or [], seeds=seeds, quick=quick)
    console = Out(gone=KeyboardInterrupt)
    if dry_run:
        _print_plan(console, loaded, device, executor)
        return
    from genbench.runner.job import run as run_suite
    from genbench.runner.progress import reporter_for

    try:
        result = run_suite(
            loaded,
            device=device,
            out=out,
            resume=resume,
            go_on=not (fresh or resume),
            executor=executor,
            reporter=reporter_for(console, quiet=quiet),
            began=began,
        )
    except KeyboardInterrupt:
        tell("interrupted before any training: nothing is lost by it. Give the command again.")
        raise typer.Exit(INTERRUPTED) from None
    except Unfinished as error:
        tell(str(error))
        raise typer.Exit(FAILED_TRIALS) from None
    if result.interrupted:
        done = f"{result.done} of {result.planned} trials are done"
        console.print(
            f"Interrupted: {done}, and every finished number is kept. To go on, give the same command again, "
            f"or with --resume {result.path}",
            soft_wrap=True,
            markup=False,
        )
        raise typer.Exit(INTERRUPTED)
    _print_result(console, result)
    if result.failed:
        trials = f"{result.failed} trial{'s' * (result.failed > 1)}"
        console.print(
            f"{trials} failed or diverged; {result.directory.log} has the details. "
            f"To try those that failed again, give the same command with --resume {result.path}",
            soft_wrap=True,
            markup=False,
        )
        raise typer.Exit(FAILED_TRIALS)


def _print_result(console: Out, result: RunResult) -> None:
    from genbench.report.render import render
    from genbench.report.tables import build_tables

    if records := result.records:
        console.write(render(build_tables(records), "rich", console.width, color=console.is_terminal))
    kept = (
        ("records", result.directory.records),
        ("tables", result.directory.tables),
        ("report", result.directory.report),
        ("plots", result.directory.plots),
        ("samples", result.directory.grids),
    )
    for what, path in kept:
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            console.print(f"{what + ':':<9}{path}", soft_wrap=True, markup=False)


def _print_plan(console: Out, suite: Suite, device: str, executor: str) -> None:
    from genbench.runner.preview import preview

    for line in list(preview(suite, device, executor)):  # all of it is checked before any of it is printed
        console.print(line, soft_wrap=True, markup=False)
