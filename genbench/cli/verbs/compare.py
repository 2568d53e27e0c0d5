"""``genbench compare BASE [NEW]``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.app import USAGE, app, run_plugins
from genbench.cli.verbs.run import Device
from genbench.cli.verbs.show import Format

if TYPE_CHECKING:
    from genbench.analyse.gate import Gates, Judgement
    from genbench.cli.console import Out
    from genbench.core.record import Record
    from genbench.suite.margin import Margin
    from genbench.suite.schema import Suite

GATE_FAILED = 1

_RUNS = "A run's directory, a records.jsonl, or SUITE/latest; several, joined by commas, are pooled."


@app.command()
def compare(
    base: Annotated[str, typer.Argument(metavar="BASE", help=_RUNS)],
    new: Annotated[
        str | None, typer.Argument(metavar="NEW", help="Likewise; without it, models of BASE are compared.")
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Only these models. Of one run: the others with the first."),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Only these numbers, or groups of them: quality,modes.kl."),
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="A difference up to this is none: 5% of both sides' mean size, or a number in the metric's "
            "unit. By default 5%, and 10% for times, rates and memory; a gate has its own.",
        ),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.RICH,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which runs are looked for.")] = Path(
        "results"
    ),
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit 1 if NEW breaks a gate of its suite, 2 if one is undecided.")
    ] = False,
    gates: Annotated[
        Path | None,
        typer.Option(metavar="SUITE.toml", help="Take the gates of this suite, not those NEW was made with."),
    ] = None,
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm", help="With --gate: train what breaks one again with fresh seeds before that counts."
        ),
    ] = False,
    device: Annotated[Device, typer.Option(help="Where --confirm trains.")] = Device.AUTO,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Run this Python file before --confirm, for the models it registers."
        ),
    ] = None,
) -> None:
    """Say what differs between two runs, or between models of one, by how much, and how sure that is."""
    from genbench.analyse.compare import compare_models, compare_runs
    from genbench.analyse.gate import Gates, judge
    from genbench.cli.console import Out
    from genbench.cli.gating import gates_of, left_out, narrowed, refuse_one_run, refuse_unfinished
    from genbench.core.errors import RecordError
    from genbench.report.gate_lines import gate_lines
    from genbench.report.render import render_comparison

    if confirm and not gate:
        raise RecordError("--confirm goes with --gate: it takes a second look at what breaks one.")
    size = _margin(margin)
    if new is None and (gate or gates):
        option = "--gate" if gate else "--gates"
        raise RecordError(f"{option} needs two sides: genbench compare BASE NEW {option} ...")
    labels, names = _listed(models, "--models"), _listed(metrics, "--metrics")
    sides = [_runs(side, results) for side in (base, new) if side is not None]
    records = [_read(runs, results) for runs in sides]
    again = _as_it_was(sides[1], results, plugin or ()) if confirm else None
    known = Gates() if new is None else gates_of(sides[1], results, gates, needed=gate)
    held = narrowed(known, labels, names) if gate else known
    rules = held.rules(size)
    compared = compare_models if new is None else compare_runs
    comparison = compared(*records, models=labels, metrics=names, rules=rules, alpha=held.alpha)
    judgement: Judgement | None = None
    lines: tuple[str, ...] = ()
    if gate:
        refuse_one_run(comparison)
        refuse_unfinished(comparison, dict(zip(("base", "new"), sides, strict=True)), results)
        judgement = judge(comparison, held)
        cleared: tuple[str, ...] = ()
        if again and judgement.violations:
            judgement, cleared = _second_look(judgement, records, again, results, held, device)
        lines = (*left_out(known, held), *cleared, *gate_lines(judgement, held, comparison))
    console = Out()
    text = render_comparison(
        comparison,
        format_.value,
        console.width,
        color=console.is_terminal,
        rules=rules,
        judgement=judgement,
        gate_lines=lines,
    )
    console.write(text)
    if judgement is not None:
        _print_gate(console, format_, lines)
        raise typer.Exit(_exit_code(judgement))


def _as_it_was(runs: Sequence[str], results: Path, plugins: Sequence[Path]) -> Suite:
    """The suite that NEW was made with. A slip is told now, not on the day when something became worse."""
    from genbench.core.errors import RecordError
    from genbench.runner.provenance import suite_of
    from genbench.store.rundir import RunDirectory, resolve_run

    place = resolve_run(runs[0], results)
    if len(runs) > 1 or not isinstance(place, RunDirectory):
        raise RecordError(
            "--confirm trains again what NEW was made of, so NEW has to be the directory of one run "
            f"(got {', '.join(runs)})."
        )
    run_plugins(plugins)
    return suite_of(place)


def _second_look(
    judgement: Judgement,
    records: Sequence[Sequence[Record]],
    suite: Suite,
    results: Path,
    gates: Gates,
    device: Device,
) -> tuple[Judgement, tuple[str, ...]]:
    """Train the suspects again; what is left of the judgement, and a line for each that was cleared."""
    from rich.console import Console

    from genbench.report.gate_lines import cleared_lines
    from genbench.runner.confirm import confirm as train_again
    from genbench.runner.progress import reporter_for

    reporter = reporter_for(Console(stderr=True, highlight=False), quiet=False)  # stdout is the table's
    found = train_again(
        judgement,
        *records,
        suite=suite,
        gates=gates,
        out=results,
        device=device,
        reporter=reporter,
    )
    return found.judgement, cleared_lines(found.cleared, found.seeds)


def _print_gate(console: Out, format_: Format, lines: Sequence[str]) -> None:
    """Where it does not spoil what other programs read; in JSON they stand already."""
    from rich.text import Text

    from genbench.cli.console import say
    from genbench.report.as_markdown import escape
    from genbench.report.gate_lines import style_of

    match format_:
        case Format.RICH:
            console.print()
            for line in lines:
                console.print(Text(line, style=style_of(line)), soft_wrap=True)
        case Format.MD:
            console.write("\n" + "".join(f"- {escape(line)}\n" for line in lines))
        case Format.CSV | Format.LATEX:
            for line in lines:
                say(line, err=True)


def _exit_code(judgement: Judgement) -> int:
    if judgement.violations:
        return GATE_FAILED
    return USAGE if judgement.undecided else 0


def _margin(text: str | None) -> Margin | None:
    from genbench.core.errors import GenbenchError
    from genbench.suite.margin import parse_margin

    try:
        return None if text is None else parse_margin(text)
    except ValueError as error:
        raise GenbenchError(f"--margin: {error}") from error


def _listed(text: str | None, option: str) -> tuple[str, ...]:
    from genbench.core.errors import GenbenchError

    names = tuple(name.strip() for name in (text or "").split(","))
    if text is not None and not all(names):
        raise GenbenchError(f"{option} {text!r} has an empty name. Join names by single commas: A,B.")
    return names if text is not None else ()


def _runs(text: str, results: Path) -> tuple[str, ...]:
    """The runs that one argument names: a path that exists is one, whatever commas are in it."""
    return (text,) if Path(text).exists() or (results / text).exists() else _listed(text, "a run")


def _read(runs: Sequence[str], results: Path) -> list[Record]:
    from genbench.core.errors import RecordError
    from genbench.store.loaded import load_run

    records = []
    for run in runs:
        found = load_run(run, results)
        if not found:
            raise RecordError(f"{run}: no number was finished there, so there is nothing to compare.")
        records += found
    return records
