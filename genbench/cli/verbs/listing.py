"""``genbench list models|datasets|metrics|suites``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.app import app, run_plugins, tell

if TYPE_CHECKING:
    from genbench.cli.console import Out

Rows = list[dict[str, str]]


_WIDE = 120
"""Columns of a terminal from which on a table of metrics has room for what they mean."""


class What(StrEnum):
    """What can be listed."""

    MODELS = "models"
    DATASETS = "datasets"
    METRICS = "metrics"
    SUITES = "suites"


@app.command(name="list")
def list_(
    what: Annotated[What, typer.Argument(help="What to list.")],
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Run this Python file first, for what it registers."),
    ] = None,
) -> None:
    """List what a suite can name."""
    run_plugins(plugin)
    kinds: dict[What, Callable[[], Rows]] = {
        What.MODELS: _models,
        What.DATASETS: _datasets,
        What.METRICS: _metrics,
        What.SUITES: _suites,
    }
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from genbench.cli.console import Out
    from genbench.report.untrusted import clean

    console, rows = Out(), [{key: clean(text) for key, text in row.items()} for row in kinds[what]()]
    if json_:
        console.write(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        console.write(f"no {what} here: suites are looked for in the folder suites/ of the working directory")
        return
    if what is What.METRICS:
        rows = [_for_people(row) for row in rows]
        if console.width < _WIDE:
            _print_stacked(console, rows)
            return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in rows[0]:
        # names are typed again by the reader, so they are never cut
        table.add_column(heading, no_wrap=heading in ("name", "metric"), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row.values()))
    console.print(table)


def _print_stacked(console: Out, rows: Rows) -> None:
    """Each metric on a line, what it means below it: beside names this long there would be no room."""
    from rich.padding import Padding
    from rich.text import Text

    for row in rows:
        facts = "  ".join(filter(None, (row["metric"], row[""], row["range"], f"v{row['v']}")))
        console.print(Text(facts, style="bold"))
        console.print(Padding(Text(row["meaning"]), (0, 0, 0, 4)))


def _models() -> Rows:
    from genbench.core.registry import models

    return [
        {"name": name, "what it is": summary, "from": models.origin(name)}
        for name, summary in _summaries(models.names(), models.get)
    ]


def _datasets() -> Rows:
    from genbench.core.registry import datasets

    return [
        {"name": name, "what it is": summary, "from": datasets.origin(name)}
        for name, summary in _summaries(datasets.names(), datasets.get)
    ]


def _summaries(names: list[str], get: Callable[[str], type]) -> list[tuple[str, str]]:
    """First line of each thing's docstring; one that does not import is listed with its problem."""
    from genbench.core.errors import PluginError

    summaries = []
    for name in names:
        try:
            text = inspect.getdoc(get(name)) or ""
        except PluginError as error:
            text = f"broken: {error}"
        summaries.append((name, text.partition("\n")[0]))
    return summaries


def _metrics() -> Rows:
    """The columns of the measures and of the runner, which suites write, then ``genbench.metrics``."""
    from genbench.core.errors import PluginError
    from genbench.core.registry import measures
    from genbench.metrics import METRICS
    from genbench.runner.cost import COLUMNS as COST
    from genbench.runner.target import COLUMNS as TARGET

    columns = []
    for name in measures.names():
        try:
            columns += [(column, f"measure {name}") for column in measures.get(name)().columns]
        except PluginError as error:  # the others are listed all the same
            tell(f"left out: {error}", "warning:", "yellow")
    columns += [(column, "every run") for column in COST]
    columns += [(column, "[target] of a suite") for column in TARGET]
    columns += [(column, "genbench.metrics") for column in METRICS]
    return [
        {
            "metric": column.metric,
            "unit": column.unit,
            "better": column.better.value,
            "range": _range(column.low, column.high),
            "version": column.version,
            "from": origin,
            "meaning": column.meaning,
        }
        for column, origin in columns
    ]


def _for_people(row: dict[str, str]) -> dict[str, str]:
    """A metric in few columns, for a terminal of 80."""
    arrows = {"higher": "↑", "lower": "↓", "neither": ""}
    return {
        "metric": row["metric"],
        "": arrows[row["better"]],
        "range": " ".join(filter(None, (row["range"], row["unit"]))),
        "v": row["version"],
        "meaning": row["meaning"],
    }


def _range(low: float | None, high: float | None) -> str:
    """``0 to 1`` or ``≥ 0``; nothing where there is no bound."""
    if low is None:
        return "" if high is None else f"≤ {high:g}"
    return f"≥ {low:g}" if high is None else f"{low:g} to {high:g}"


def _suites() -> Rows:
    from genbench.core.errors import GenbenchError
    from genbench.suite.load import SUITES, load_suite

    rows = []
    for path in sorted(SUITES.glob("*.toml")):
        try:
            suite = load_suite(path)
            rows.append(
                {
                    "name": str(path),
                    "models": ", ".join(m.label for m in suite.model),
                    "question": suite.question,
                }
            )
        except GenbenchError as error:
            rows.append({"name": str(path), "models": "", "question": f"broken: {error}"})
    return rows
