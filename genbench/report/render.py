"""One door to all formats, for tables and for comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from genbench.analyse.compare import Comparison, Rules, no_rules
from genbench.analyse.gate import Judgement
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


def render_comparison(
    comparison: Comparison,
    format: Format = "rich",  # noqa: A002
    width: int = WIDTH,
    *,
    color: bool = False,
    rules: Rules = no_rules,
    judgement: Judgement | None = None,
    gate_lines: Sequence[str] = (),
) -> str:
    """A comparison as text.

    Args:
        comparison: from ``compare_runs`` or ``compare_models``.
        format: as in ``render``.
        width: as in ``render``.
        color: as in ``render``.
        rules: that the comparison was made with, for what is said of margins.
        judgement: of gates; ``json`` alone has it.
        gate_lines: what is said of gates; ``json`` alone has it.

    Raises:
        GenbenchError: there is no such format.
    """
    from genbench.report.comparison import build_comparison

    match format:
        case "rich":
            from genbench.report.comparison_rich import render_comparison_rich

            return render_comparison_rich(build_comparison(comparison, rules), width, color=color)
        case "md":
            from genbench.report.comparison_markdown import render_comparison_markdown

            return render_comparison_markdown(build_comparison(comparison, rules))
        case "csv":
            from genbench.report.comparison_csv import render_comparison_csv

            return render_comparison_csv(comparison)
        case "json":
            from genbench.report.comparison_json import render_comparison_json

            compared = build_comparison(comparison, rules)
            return render_comparison_json(comparison, compared, judgement, gate_lines)
        case "latex":
            from genbench.report.comparison_latex import render_comparison_latex

            return render_comparison_latex(build_comparison(comparison, rules))
        case _:
            raise GenbenchError(choose_from("format", format, get_args(Format)))
