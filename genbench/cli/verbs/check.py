"""``genbench check NAME|FILE.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.app import app

if TYPE_CHECKING:
    from genbench.cli.console import Out
    from genbench.runner.check.finding import Finding
    from genbench.runner.check.target import Target

FAILED_CHECK = 1

_MARK, _NAME = 8, 16  # columns of the outcome and of what was checked; words have the rest


@app.command()
def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.py", help="A model, dataset or measure, or a file that registers some."
        ),
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OPTION=VALUE", help="Check it with this option; repeatable."),
    ] = None,
    compile_: Annotated[
        bool,
        typer.Option("--compile", help="Compile a model too and compare: a minute or so for each."),
    ] = False,
) -> None:
    """Tell in plain words what is wrong with a model, dataset or metric. Runs the code of a file."""
    from genbench.cli.console import Out
    from genbench.report.untrusted import clean
    from genbench.runner.check.finding import Outcome
    from genbench.runner.check.target import findings, is_file, options_of, resolve

    console, options = Out(), options_of(set_ or [])
    if is_file(what):
        console.print(f"Running the code in {clean(what)}.", soft_wrap=True, markup=False)
    wrong = False
    for target in resolve(what):
        console.print(f"{target.kind} {clean(target.name)}, from {clean(target.origin)}", markup=False)
        seen = []
        for finding in findings(target, options, compile_=compile_):
            _print(console, finding)
            seen.append(finding)
        console.print(_sentence(target, seen), markup=False)
        wrong |= any(finding.outcome is Outcome.FAILED for finding in seen)
    if wrong:
        raise typer.Exit(FAILED_CHECK)


def _print(console: Out, finding: Finding) -> None:
    from rich.table import Table
    from rich.text import Text

    from genbench.report.untrusted import clean
    from genbench.runner.check.finding import Outcome

    mark, style = {
        Outcome.PASSED: ("ok", "green"),
        Outcome.FAILED: ("FAILED", "bold red"),
        Outcome.SKIPPED: ("not run", "dim"),
    }[finding.outcome]
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=_MARK - 1)
    grid.add_column(width=_NAME - 1)
    grid.add_column(overflow="fold")
    words = clean(finding.words).rstrip(".") + "." * (finding.outcome is Outcome.FAILED)
    grid.add_row(Text(mark, style), Text(finding.check), Text(words))
    if finding.remedy:
        grid.add_row("", "", Text(clean(finding.remedy), "bold"))
    console.print(grid)


def _sentence(target: Target, seen: list[Finding]) -> str:
    """All of it in one sentence."""
    from genbench.report.untrusted import clean
    from genbench.runner.check.finding import Outcome

    failed = [finding.check for finding in seen if finding.outcome is Outcome.FAILED]
    left = sum(finding.outcome is Outcome.SKIPPED for finding in seen)
    run = len(seen) - left
    if not failed:
        told = f"all {run} checks hold"
    else:
        told = f"{len(failed)} of {run} checks failed ({', '.join(failed)})"
    return f"{clean(target.name)}: {told}; {left} not run." if left else f"{clean(target.name)}: {told}."
