"""Time, energy and memory of training: each block's own, and nothing of what is done between the steps."""

import math

import pytest
import torch

from genbench.train import trainer
from genbench.train.energy import Meter, no_meter
from genbench.train.settings import Settings
from genbench.train.streams import BLOCK
from genbench.train.training import past_of

BETWEEN = 10_000
"""Seconds, joules and bytes of everything that is no step."""


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


@pytest.fixture
def run(machine, line):
    def spend(*_):
        machine.spend(BETWEEN)
        return False

    def training(past=None, meter=None, **changed):
        settings = Settings(
            **{"steps": 70, "batch_size": 2, "device": torch.device("cpu"), "compile": "never", **changed}
        )
        hooks = dict.fromkeys(("on_save", "on_evaluate", "on_trace", "on_keep"), spend)
        meter = meter or machine.meter
        return trainer.train(*line, [1, 2], settings, past=past, meter=meter, **hooks)

    return training


PERIODS = {"save_every": 50, "evaluate_every": 25, "trace_every": 20}


def test_a_block_has_its_own_time_and_energy_and_nothing_of_what_lies_between(run):
    training = run(**PERIODS)
    spent = [sum(range(1, 33)), sum(range(33, 65)), sum(range(65, 71))]
    assert training.blocks == [(BLOCK, spent[0]), (BLOCK, spent[1]), (6, spent[2])]
    assert training.joules == [2 * seconds for seconds in spent]
    assert training.seconds == sum(spent)
    assert training.warmups == [0]


@pytest.mark.parametrize("periods", [{}, PERIODS])
def test_the_highest_memory_is_that_of_the_steps(run, periods):
    """The last step takes most of it, here; what saves, evaluates, traces and keeps takes more."""
    assert run(**periods).peak_memory == 70


def test_a_peak_before_something_that_was_called_stays_the_highest(run, machine):
    """Here every step takes less than the one before it."""

    def falling(step):
        machine.peak = max(machine.peak, 100 - step)

    machine.spend = falling
    assert run(evaluate_every=25).peak_memory == 99


def test_a_training_that_is_continued_goes_on_counting(run):
    first = run(steps=40)
    again = run(past_of(first), **PERIODS)
    spent = [sum(range(1, 33)), sum(range(33, 41)), sum(range(41, 65)), sum(range(65, 71))]
    assert [seconds for _, seconds in again.blocks] == spent
    assert [steps for steps, _ in again.blocks] == [32, 8, 24, 6]
    assert again.joules == [2 * seconds for seconds in spent]
    assert again.warmups == [0, 2]
    assert again.peak_memory == 70


def test_without_a_meter_there_is_no_number(run):
    joules = run(meter=no_meter("none here")).joules
    assert len(joules) == 3
    assert all(math.isnan(one) for one in joules)


@pytest.mark.parametrize(("cost", "kept"), [(1, [32, 96, 160]), (2, [32, 160])])
def test_at_most_a_fiftieth_of_the_time_is_spent_in_keeping(machine, line, cost, kept):
    """A step takes a second, a block 32; what takes two seconds comes again after a hundred."""
    steps = []
    machine.spend = lambda _: setattr(machine, "seconds", machine.seconds + 1)

    def keep(training):
        steps.append(training.state.step)
        machine.seconds += cost

    settings = Settings(
        steps=200, batch_size=2, device=torch.device("cpu"), compile="never", keep_seconds=30.0
    )
    trainer.train(*line, [1], settings, on_keep=keep)
    assert steps == [*kept, 200]
