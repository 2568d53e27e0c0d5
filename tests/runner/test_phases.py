"""The stopwatch of a run: nested phases, and what adds up to its whole wall time."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from genbench.runner.phases import (
    MEASURING,
    ORDER,
    REST,
    SAVING,
    TRACING,
    TRAINING,
    WAITING,
    Phases,
    describe,
    overhead,
    write_phases,
)
from genbench.runner.progress import Quiet


class Clock:
    """A clock that goes on only when told to."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_phase_within_another_is_not_counted_twice(clock: Clock) -> None:
    phases = Phases(clock, began=90.0)
    with phases(TRAINING):
        clock.wait(3)
        with phases(SAVING):
            clock.wait(1)
            with phases(MEASURING):
                clock.wait(0.5)
        clock.wait(2)
    with phases(SAVING):
        clock.wait(4)
    clock.wait(7)
    seconds = phases.so_far()
    assert list(seconds) == [phase for phase in ORDER if phase != TRACING]
    assert (seconds[TRAINING], seconds[SAVING], seconds[MEASURING]) == (5, 5, 0.5)
    assert seconds[REST] == 10 + 7
    assert sum(seconds.values()) == clock.time - 90
    assert overhead(seconds) == 5 + 17


def test_time_can_be_moved_and_an_error_ends_a_phase(clock: Clock) -> None:
    phases = Phases(clock, began=100.0)
    with pytest.raises(KeyError), phases("training"), phases("measuring"):
        clock.wait(8)
        raise KeyError
    assert phases.so_far()["measuring"] == 8 and phases.so_far()["training"] == 0
    phases.move(3, "measuring", "compiling")
    assert (phases.so_far()["measuring"], phases.so_far()["compiling"]) == (5, 3)
    assert phases.so_far()[REST] == 0


def test_it_is_told_in_one_line(clock: Clock) -> None:
    phases = Phases(clock, began=100.0)
    with phases(TRAINING):
        clock.wait(97)
    clock.wait(3)
    assert describe(phases.so_far(), phases.wall()) == (
        "wall time 100.0 s: training 97.0 s (97 %), compiling 0.0 s (0 %), drawing samples 0.0 s (0 %), "
        "measuring 0.0 s (0 %), saving checkpoints 0.0 s (0 %), pictures and tables 0.0 s (0 %), "
        "everything else 3.0 s (3.0 %); overhead 3.0 %"
    )
    assert "(0 %)" in describe(Phases(clock, began=clock.time).so_far(), 0.0)


def test_work_of_other_processes_counts_and_waiting_for_it_does_not(clock: Clock, tmp_path: Path) -> None:
    phases = Phases(clock, began=100.0)
    with phases(WAITING):
        clock.wait(60)
        with phases(MEASURING):
            clock.wait(5)
    clock.wait(10)
    phases.add({TRAINING: 50.0, REST: 4.0})
    phases.add({TRAINING: 40.0, REST: 6.0})
    spent = phases.so_far()
    assert (spent[TRAINING], spent[MEASURING], spent[REST]) == (90, 5, 20) and WAITING not in spent
    assert phases.wall() == 75
    told = describe(spent, phases.wall(), 2)
    assert told.startswith("wall time 75.0 s, 115.0 s of work in 2 processes: training 90.0 s (78 %)")
    assert told.endswith("overhead 17 %")
    write_phases(phases, tmp_path / "timing.json", Quiet(Console(quiet=True)), 2)
    (written,) = json.loads((tmp_path / "timing.json").read_text())
    assert (written["wall_s"], written["processes"]) == (75, 2) and WAITING not in written["phases_s"]
