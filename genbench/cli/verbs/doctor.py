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
    from rich.text import Text

    from genbench.cli.console import Out
    from genbench.report.untrusted import clean
    from genbench.runner.doctor import examine

    console = Out()
    for finding in examine():
        mark = (f"{Mark.GOOD:<5}", "green") if finding.good else (f"{Mark.LACK:<5}", "yellow")
        console.print(Text.assemble(mark, " ", clean(finding.what)), soft_wrap=True)
        if finding.cost:
            console.print(Text(f"      {clean(finding.cost)}"), soft_wrap=True)
