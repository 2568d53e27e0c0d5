"""What a run tells, on a terminal and elsewhere."""

import io
import re
from time import monotonic, sleep

import pytest
from rich.console import Console

from genbench.runner.progress import Lines, Live, Quiet, describe_losses, reporter_for

LOSSES = {"discriminator.loss": [0.25, 0.75, 0.5], "generator.loss": [1.0, 3.0, 2.0]}


def console(*, terminal, width=80):
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=width, highlight=False, color_system=None
    )


def drive(reporter, wait=lambda: None):
    """A run as the runner tells it, with texts that look like markup."""
    reporter.note("results: [a]")
    reporter.begin("control rows of [digits]", 0)
    reporter.end()
    reporter.begin("gan on digits, 5 seeds", 3000)
    reporter.step(32, 12.5, LOSSES)
    reporter.step(64, 12.5, LOSSES)
    wait()
    reporter.warn("[bold]lane 1[/bold] is not finite")
    reporter.end()
    reporter.end()  # after an interrupt it may be called once more
    reporter.begin("plots", 0)
    reporter.end()


@pytest.mark.parametrize("width", [20, 80, 140])
@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("quiet", [True, False])
def test_every_phase_is_told_at_every_width(width, terminal, quiet):
    there = console(terminal=terminal, width=width)
    drive(reporter_for(there, quiet=quiet))
    assert "[bold]lane 1[/bold] is not finite" in there.file.getvalue()
    assert ("results: [a]" in there.file.getvalue()) is not quiet


def test_the_reporter_suits_the_console():
    assert isinstance(reporter_for(console(terminal=True), quiet=False), Live)
    assert isinstance(reporter_for(console(terminal=False), quiet=False), Lines)
    assert isinstance(reporter_for(console(terminal=True), quiet=True), Quiet)


def screens(width):
    """Every line that a terminal of this width was sent."""
    there = console(terminal=True, width=width)

    def wait():  # the bar is drawn by a thread of its own
        patience = monotonic() + 30
        while "64/3,000" not in there.file.getvalue() and monotonic() < patience:
            sleep(0.01)

    drive(Live(there), wait)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", there.file.getvalue())
    return [line.rstrip() for line in re.split(r"[\r\n]", text)]


def test_a_terminal_of_80_columns_shows_count_and_time_on_one_line():
    shown = [line for line in screens(80) if "gan on digits" in line and "/3,000" in line]
    assert shown
    assert all(len(line) <= 80 for line in shown)
    assert any(re.search(r" 64/3,000 \d:\d\d:\d\d .*12.5", line) for line in shown)


def test_a_wide_terminal_shows_the_losses():
    assert any("12.5 steps/s  discriminator 0.500, generator 2.000" in line for line in screens(140))


def test_a_finished_phase_leaves_one_line_with_its_time():
    left = [line for line in screens(80) if re.fullmatch(r"gan on digits, 5 seeds: \d+\.\d s", line)]
    assert len(left) == 1


def test_lines_are_rare():
    there = console(terminal=False)
    drive(Lines(there))
    lines = there.file.getvalue().splitlines()
    assert "gan on digits, 5 seeds: 3,000 steps" in lines
    assert not [line for line in lines if "64/3,000" in line]  # the last one is a moment ago


def test_lines_say_where_training_is(monkeypatch):
    monkeypatch.setattr("genbench.runner.progress.LOG_EVERY_S", 0)
    there = console(terminal=False)
    drive(Lines(there))
    said = "64/3,000 steps, 12.5 steps/s, 235 s left, discriminator 0.500, generator 2.000"
    assert said in there.file.getvalue()


def test_losses_are_medians_over_lanes():
    assert describe_losses(LOSSES) == "discriminator 0.500, generator 2.000"
