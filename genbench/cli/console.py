"""Where verbs write to: a console that knows what to do when nobody reads it any more."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from genbench.report.untrusted import clean


def say(text: str, *, err: bool = False) -> None:
    """One line on standard output, or error: whatever names are in it, they are shown and do nothing."""
    typer.echo(clean(text), err=err)


class Out(Console):
    """Standard output, without guesses at what deserves a colour.

    Args:
        gone: raised once when the reader of a pipe has left, as ``| head`` does. By default the program ends
            there and nothing is wrong; a run must end as by Ctrl-C, so that it can be resumed. What is
            written after that goes nowhere.
    """

    def __init__(self, gone: type[BaseException] = SystemExit) -> None:
        super().__init__(highlight=False)
        self._gone = gone

    def on_broken_pipe(self) -> None:
        """Let go of the pipe, and tell the verb."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        raise self._gone(0)

    def write(self, text: str) -> None:
        """Write text that is laid out already, ending its last line."""
        self.out(text, end="" if text.endswith("\n") else "\n", highlight=False)
