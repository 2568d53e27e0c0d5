"""``genbench export RUN...``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.app import app

if TYPE_CHECKING:
    from genbench.store.loaded import LoadedRun


class Format(StrEnum):
    """What kind of file."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    PYTEST_BENCHMARK = "pytest-benchmark"


class Program(StrEnum):
    """Programs that want a folder of their own files."""

    TENSORBOARD = "tensorboard"


@app.command()
def export(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="A run's directory, a records.jsonl, or SUITE/latest."),
    ],
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="csv, json, parquet: every record of all RUNs. pytest-benchmark (the default): the timed "
            "training of one RUN.",
        ),
    ] = None,
    to: Annotated[
        Program | None, typer.Option("--to", help="Write a folder of files for this program instead.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="FILE|DIR", help="Where to; text goes to standard output, if not given."),
    ] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which runs are looked for.")] = Path(
        "results"
    ),
) -> None:
    """Write what runs have recorded, for other programs."""
    from genbench.cli.console import Out, say
    from genbench.core.errors import OutputError
    from genbench.store.atomic import write_bytes
    from genbench.store.loaded import load_runs

    if format_ and to:
        raise OutputError(
            f"--format {format_.value} writes a file, --to {to.value} a folder: give one of them."
        )
    if out is None and (to or format_ is Format.PARQUET):
        wanted = f"--to {to.value}" if to else "--format parquet"
        raise OutputError(f"{wanted} needs a place to write to: -o {'DIR' if to else 'FILE'}.")
    loaded = load_runs(runs, results, purpose="export")
    if to and out:
        from genbench.report.as_tensorboard import write_tensorboard

        trials = write_tensorboard(loaded, out)
        say(f"{', '.join(runs)} for {to.value}: {out}, {trials} trials")
        return
    content = _content(format_ or Format.PYTEST_BENCHMARK, loaded)
    if out is not None:
        write_bytes(out, content if isinstance(content, bytes) else content.encode("utf-8"))
        say(f"{', '.join(runs)} for {(format_ or Format.PYTEST_BENCHMARK).value}: {out}")
    elif isinstance(content, str):
        Out().write(content)


def _content(format_: Format, runs: Sequence[LoadedRun]) -> str | bytes:
    from genbench.core.errors import RecordError

    records = [record for run in runs for record in run.records]
    if format_ is Format.PYTEST_BENCHMARK:
        from genbench.report.as_pytest_benchmark import render_pytest_benchmark

        if len(runs) > 1:
            names = ", ".join(run.asked for run in runs)
            raise RecordError(
                f"{names}: a file for pytest-benchmark is of one run. Export each to a file of its own, or "
                "the records of all with --format csv, json or parquet."
            )
        return render_pytest_benchmark(records, runs[0].directory)
    from genbench.report.as_frame import frame_csv, frame_json, frame_parquet

    match format_:
        case Format.CSV:
            return frame_csv(records)
        case Format.JSON:
            return frame_json(records)
        case Format.PARQUET:
            return frame_parquet(records)
