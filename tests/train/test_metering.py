"""Time, energy and memory of training: each block's own, and nothing of what is done between the steps."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from genbench.core.datainfo import DataInfo
from genbench.models.optim import SGD
from genbench.models.protocol import Player
from genbench.train import trainer
from genbench.train.energy import Meter, no_meter
from genbench.train.settings import Settings
from genbench.train.streams import BLOCK
from genbench.train.training import past_of

PLANE = DataInfo("plane", (2,))
POINTS = torch.zeros(9, 2)
BETWEEN = 10_000
"""What everything costs that is no step: seconds, joules, and bytes."""


@dataclass(frozen=True)
class Line:
    """One linear network with one player, the cheapest there is."""

    version = "1"

    @property
    def players(self):
        return (Player("line", ("L",), lambda nets, batch: (nets.L(batch.x).mean(), {}), SGD()),)

    def networks(self, data):
        return {"L": nn.Linear(2, 1)}


class Machine:
    """A clock, a meter and a gauge of memory that step s moves by s seconds, 2 s joules and to s bytes."""

    def __init__(self):
        self.seconds, self.microjoules, self.peak, self.step = 0.0, 0, 0, 0
        self.meter = Meter("a test", lambda: (self.microjoules,), (0,))

    def spend(self, amount):
        self.seconds += amount
        self.microjoules += 2_000_000 * amount
        self.peak = max(self.peak, amount)


@pytest.fixture
def machine(monkeypatch):
    made, real = Machine(), trainer.run_step

    def run_step(*arguments):
        made.step += 1
        made.spend(made.step)
        return real(*arguments)

    def reset(device):
        made.peak = 0
        return True

    monkeypatch.setattr(trainer, "run_step", run_step)
    monkeypatch.setattr(trainer, "now", lambda device: made.seconds)
    monkeypatch.setattr(trainer, "reset_peak_memory", reset)
    monkeypatch.setattr(trainer, "peak_memory", lambda device: made.peak)
    return made


def run(machine, past=None, meter=None, **changed):
    def spend(*_):
        machine.spend(BETWEEN)
        return False

    settings = Settings(
        **{"steps": 70, "batch_size": 2, "device": torch.device("cpu"), "compile": "never", **changed}
    )
    hooks = dict.fromkeys(("on_save", "on_evaluate", "on_trace", "on_keep"), spend)
    return trainer.train(
        Line(), PLANE, POINTS, [1, 2], settings, past=past, meter=meter or machine.meter, **hooks
    )


PERIODS = {"save_every": 50, "evaluate_every": 25, "trace_every": 20}


def test_a_block_has_its_own_time_and_energy_and_nothing_of_what_lies_between(machine):
    training = run(machine, **PERIODS)
    spent = [sum(range(1, 33)), sum(range(33, 65)), sum(range(65, 71))]
    assert training.blocks == [(BLOCK, spent[0]), (BLOCK, spent[1]), (6, spent[2])]
    assert training.joules == [2 * seconds for seconds in spent]
    assert training.seconds == sum(spent)
    assert training.warmups == [0]


@pytest.mark.parametrize("periods", [{}, PERIODS])
def test_the_highest_memory_is_that_of_the_steps(machine, periods):
    """The last step takes most of it, here; what saves, evaluates, traces and keeps takes more."""
    assert run(machine, **periods).peak_memory == 70


def test_a_peak_before_something_that_was_called_stays_the_highest(machine):
    """Here every step takes less than the one before it."""

    def falling(step):
        machine.peak = max(machine.peak, 100 - step)

    machine.spend = falling
    assert run(machine, evaluate_every=25).peak_memory == 99


def test_a_training_that_is_continued_goes_on_counting(machine):
    first = run(machine, steps=40)
    again = run(machine, past_of(first), **PERIODS)
    spent = [sum(range(1, 33)), sum(range(33, 41)), sum(range(41, 65)), sum(range(65, 71))]
    assert [seconds for _, seconds in again.blocks] == spent
    assert [steps for steps, _ in again.blocks] == [32, 8, 24, 6]
    assert again.joules == [2 * seconds for seconds in spent]
    assert again.warmups == [0, 2]
    assert again.peak_memory == 70


def test_without_a_meter_there_is_no_number(machine):
    joules = run(machine, meter=no_meter("none here")).joules
    assert len(joules) == 3
    assert all(math.isnan(one) for one in joules)
