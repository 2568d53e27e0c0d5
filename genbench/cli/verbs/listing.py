"""``genbench list models|datasets|metrics|suites``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from genbench.cli.app import app

Rows = list[dict[str, str]]


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
) -> None:
    """List what a suite can name."""
    kinds: dict[What, Callable[[], Rows]] = {
        What.MODELS: _models,
        What.DATASETS: _datasets,
        What.METRICS: _metrics,
        What.SUITES: _suites,
    }
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from genbench.cli.console import Out

    console, rows = Out(), kinds[what]()
    if json_:
        console.write(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        console.write(f"no {what} here: suites are looked for in the folder suites/ of the working directory")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in rows[0]:
        # names are typed again by the reader, so they are never cut
        table.add_column(heading, no_wrap=heading in ("name", "metric"), overflow="fold")
    for row in rows:
        table.add_row(*(escape(text) for text in row.values()))
    console.print(table)


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
    from genbench.core.registry import measures

    return [
        {
            "metric": column.metric,
            "unit": column.unit,
            "better": column.better.value,
            "version": column.version,
            "meaning": column.meaning,
        }
        for name in measures.names()
        for column in measures.get(name)().columns
    ]


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
