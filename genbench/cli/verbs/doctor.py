"""``genbench doctor``."""

from __future__ import annotations

from enum import StrEnum

from genbench.cli.app import app


class Mark(StrEnum):
    """How a finding is."""

    GOOD = "ok"
    LACK = "lack"


@app.command()
def doctor() -> None:
    """Tell what this machine has, what it lacks, and what each lack costs."""
    from rich.markup import escape

    from genbench.cli.console import Out
    from genbench.runner.doctor import examine

    console = Out()
    for finding in examine():
        mark = f"[green]{Mark.GOOD:<5}[/]" if finding.good else f"[yellow]{Mark.LACK:<5}[/]"
        console.print(f"{mark} {escape(finding.what)}", soft_wrap=True)
        if finding.cost:
            console.print(f"      {escape(finding.cost)}", soft_wrap=True)
