"""One door to all formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from genbench.core.errors import GenbenchError, choose_from
from genbench.report.tables import Table

Format = Literal["rich", "md", "csv", "json", "latex"]

WIDTH = 100
"""Columns of a terminal whose width is not known."""


def render(tables: Sequence[Table], format: Format, width: int = WIDTH, *, color: bool = False) -> str:  # noqa: A002
    """Tables as text.

    Args:
        tables: what to show.
        format: ``rich`` for a terminal, else the format of a file.
        width: columns of the terminal; used by ``rich`` alone.
        color: whether ``rich`` may use escape sequences.

    Raises:
        GenbenchError: there is no such format.
    """
    match format:
        case "rich":
            from genbench.report.as_rich import render_rich

            return render_rich(tables, width, color=color)
        case "md":
            from genbench.report.as_markdown import render_markdown

            return render_markdown(tables)
        case "csv":
            from genbench.report.as_csv import render_csv

            return render_csv(tables)
        case "json":
            from genbench.report.as_json import render_json

            return render_json(tables)
        case "latex":
            from genbench.report.as_latex import render_latex

            return render_latex(tables)
        case _:
            raise GenbenchError(choose_from("format", format, get_args(Format)))
