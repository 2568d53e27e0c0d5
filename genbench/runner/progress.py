"""What a run tells while it goes on: a live line in a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from statistics import median
from time import monotonic
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from genbench.report.untrusted import clean

LOG_EVERY_S = 10.0
"""Seconds between two plain lines about one cohort."""


class Reporter(Protocol):
    """Who is told of the run. Called between blocks of steps, never inside of one."""

    def note(self, text: str) -> None:
        """Something that happened, or a choice that was made."""
        ...

    def warn(self, text: str) -> None:
        """Something the user should act on."""
        ...

    def begin(self, cohort: str, steps: int) -> None:
        """A cohort begins to train, or a phase without steps (``steps`` 0) begins."""
        ...

    def step(self, step: int, steps_per_s: float, losses: Mapping[str, Sequence[float]]) -> None:
        """A block of steps of the cohort is done."""
        ...

    def end(self) -> None:
        """The cohort or phase is over; may be called again to make sure."""
        ...

    def beside(self) -> Reporter:
        """A reporter in the same place, for a cohort that goes on at the same time."""
        ...


class Quiet:
    """Tells nothing but warnings, which nobody should miss."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """One paragraph."""
        self._console.print(_warning(text), soft_wrap=True)

    def begin(self, cohort: str, steps: int) -> None:
        """Nothing."""

    def step(self, step: int, steps_per_s: float, losses: Mapping[str, Sequence[float]]) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def beside(self) -> Quiet:
        """The same."""
        return self


@dataclass
class Lines:
    """Plain lines, for logs and terminals that cannot be redrawn."""

    console: Console
    _cohort: str = ""
    _steps: int = 0
    _began: float = 0.0
    _told: float = 0.0

    def note(self, text: str) -> None:
        """One paragraph."""
        self.console.print(Text(clean(text)), soft_wrap=True)

    def warn(self, text: str) -> None:
        """One paragraph."""
        self.console.print(_warning(text), soft_wrap=True)

    def begin(self, cohort: str, steps: int) -> None:
        """One line."""
        self._cohort, self._steps, self._began = cohort, steps, monotonic()
        self._told = self._began
        self.note(f"{cohort}: {steps:,} steps" if steps else cohort)

    def step(self, step: int, steps_per_s: float, losses: Mapping[str, Sequence[float]]) -> None:
        """One line every few seconds."""
        if monotonic() - self._told < LOG_EVERY_S:
            return
        self._told = monotonic()
        left = (self._steps - step) / steps_per_s if steps_per_s else float("nan")
        self.note(
            f"{self._cohort}: {step:,}/{self._steps:,} steps, {steps_per_s:.1f} steps/s, {left:.0f} s left, "
            f"{describe_losses(losses)}"
        )

    def end(self) -> None:
        """One line with the time it took; nothing where nothing had begun."""
        if self._cohort:
            self.note(f"{self._cohort}: {monotonic() - self._began:.1f} s")
            self._cohort = ""

    def beside(self) -> Lines:
        """Lines between these."""
        return Lines(self.console)


def _warning(text: str) -> Text:
    return Text.assemble(("warning:", "yellow"), " ", clean(text))


class _Count(ProgressColumn):
    """Finished steps of all; nothing in a phase without steps."""

    def render(self, task: Task) -> Text:
        return Text("" if task.total is None else f"{task.completed:,.0f}/{task.total:,.0f}")


@dataclass
class Live:
    """A bar for each cohort in training and a line of its losses, redrawn in place."""

    console: Console
    _progress: Progress = field(init=False)
    _task: TaskID | None = None
    _shared: Progress | None = None

    def __post_init__(self) -> None:
        self._progress = self._shared or Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            _Count(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            # what a narrow terminal has no room for is the end of the losses, not the count and the time
            TextColumn(
                "{task.fields[detail]}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            expand=True,
            console=self.console,
            transient=True,
        )

    def note(self, text: str) -> None:
        """Above the bar."""
        self.console.print(Text(clean(text)), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Above the bar."""
        self.console.print(_warning(text), soft_wrap=True)

    def begin(self, cohort: str, steps: int) -> None:
        """A new bar; one that only moves where there are no steps."""
        self._progress.start()
        self._task = self._progress.add_task(clean(cohort), total=steps or None, detail="")

    def step(self, step: int, steps_per_s: float, losses: Mapping[str, Sequence[float]]) -> None:
        """Move the bar."""
        if self._task is not None:
            detail = f"{steps_per_s:.1f} steps/s  {clean(describe_losses(losses))}"
            self._progress.update(self._task, completed=step, detail=detail)

    def end(self) -> None:
        """Remove the bar and leave one line with the time it took."""
        if self._task is not None:
            (task,) = (task for task in self._progress.tasks if task.id == self._task)
            self._progress.remove_task(self._task)
            if not self._progress.tasks:
                self._progress.stop()
            self._task = None
            self.note(f"{task.description}: {task.elapsed or 0:.1f} s")

    def beside(self) -> Live:
        """One more bar below."""
        return Live(self.console, _shared=self._progress)


def describe_losses(losses: Mapping[str, Sequence[float]]) -> str:
    """The median over finite lanes of each player's loss: "discriminator 1.234, generator 0.805"."""
    finite = {name: [value for value in values if isfinite(value)] for name, values in losses.items()}
    return ", ".join(
        f"{name.removesuffix('.loss')} {f'{median(values):.3f}' if values else 'diverged'}"
        for name, values in finite.items()
    )


def reporter_for(console: Console, *, quiet: bool) -> Reporter:
    """The reporter that suits the console."""
    if quiet:
        return Quiet(console)
    return Live(console) if console.is_terminal else Lines(console)
