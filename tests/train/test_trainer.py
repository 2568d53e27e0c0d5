import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from genbench.models.optim import SGD
from genbench.models.protocol import Noise, Player
from genbench.train import trainer
from genbench.train.settings import Settings
from genbench.train.state import initial_state
from genbench.train.streams import BLOCK
from genbench.train.trainer import train
from genbench.train.training import past_of

CPU = torch.device("cpu")


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.count = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.count.expand(len(x))


@dataclass(frozen=True, kw_only=True)
class Countdown:
    """A lane that starts at c counts c, c - 1, ... in its loss; its log is infinite at the zero alone."""

    version = "1"
    finite: bool = False

    @property
    def prior(self):
        return Noise((1,))

    @property
    def players(self):
        return (Player(name="counter", trains=("N",), loss=self.loss, optimizer=SGD(lr=1.0)),)

    def networks(self, data):
        return {"N": Counter()}

    def loss(self, nets, batch):
        count = nets.N(batch.x).mean()
        return count, ({} if self.finite else {"inverse": 1 / count.detach()})

    def sample(self, nets, z):
        return z


@pytest.fixture
def countdown(tiny, fit):
    def run(*counts, steps, start=0, finite=False, **others):
        model, seeds = Countdown(finite=finite), range(len(counts))
        state = initial_state(model, tiny, seeds, device=CPU, dtype=torch.float64)
        state.params["N"]["count"][:, 0] = torch.tensor(counts, dtype=torch.float64)
        state.step = start
        return fit(model, steps, seeds, state=state, **others)

    return run


@pytest.mark.parametrize(
    ("start", "first_bad"),
    [(0, 1), (0, BLOCK), (0, BLOCK + 1), (5, 2), (5, BLOCK - 5), (5, BLOCK - 4)],
)
def test_a_lane_diverges_at_the_exact_step(countdown, start, first_bad):
    """Even where the next step would be finite again; the count is zero before update ``first_bad``."""
    training = countdown(first_bad - 1, 1000, -1, steps=start + 2 * BLOCK + 3, start=start)
    assert training.diverged == [start + first_bad, None, None]
    assert training.alive == (False, True, True)
    assert training.state.step == start + 2 * BLOCK + 3
    assert training.state.params["N"]["count"][1].item() == 1000 - 2 * BLOCK - 3


def test_only_the_first_bad_step_counts(countdown):
    assert countdown(3, steps=3).diverged == [None]
    assert countdown(3, 5, steps=2 * BLOCK).diverged == [4, 6]


def test_training_ends_where_no_lane_is_left(countdown):
    saved, ticks = [], []
    training = countdown(
        3,
        BLOCK + 3,
        steps=1000,
        on_tick=lambda training, _: ticks.append(training.alive),
        on_save=lambda t: saved.append(t.state.step),
    )
    assert training.diverged == [4, BLOCK + 4]
    assert training.state.step == 2 * BLOCK
    assert ticks == [(False, True), (False, False)]
    assert saved == [2 * BLOCK]


@pytest.mark.run
def test_a_lane_of_nans_leaves_the_others_bit_for_bit_alone(small, tiny, fit, flat):
    model = small("gan")

    def run(poison):
        state = initial_state(model, tiny, [1, 2, 3], device=CPU, dtype=torch.float32)
        if poison:
            next(iter(state.params["G"].values()))[1] = math.nan
        return fit(model, BLOCK + 3, state=state, master=torch.float32)

    healthy, poisoned = run(False), run(True)
    assert healthy.diverged == [None] * 3
    assert poisoned.diverged == [None, 1, None]
    for name, tensor in flat(healthy.state).items():
        assert torch.equal(tensor[[0, 2]], flat(poisoned.state)[name][[0, 2]]), name


def test_a_hopeless_learning_rate_diverges_in_every_lane(small, fit):
    model = small("vae", optimizer=SGD(lr=1e30))
    training = fit(model, 10 * BLOCK)
    assert all(step is not None and step <= 3 for step in training.diverged)
    assert training.state.step == BLOCK


@pytest.mark.parametrize(
    ("steps", "save_every", "start", "saves"),
    [
        (10, 0, 0, [10]),
        (10, 4, 0, [4, 8, 10]),
        (8, 4, 0, [4, 8]),
        (70, 20, 0, [20, 40, 60, 70]),
        (70, 64, 30, [64, 70]),
    ],
)
def test_saves(countdown, steps, save_every, start, saves):
    seen = []
    countdown(
        -1, steps=steps, start=start, save_every=save_every, on_save=lambda t: seen.append(t.state.step)
    )
    assert seen == saves


@pytest.fixture
def watched(line):
    """Calls with their steps, in order."""

    def run(answer=False, past=None, **changed):
        calls, settings = (
            [],
            Settings(**{"steps": 40, "batch_size": 2, "device": CPU, "compile": "never", **changed}),
        )

        def note(name):
            def called(training):
                calls.append((name, training.state.step))
                return answer and name == "evaluate"

            return called

        hooks = {f"on_{name}": note(name) for name in ("trace", "save", "evaluate", "keep")}
        return calls, lambda: train(*line, [1, 2], settings, past=past, **hooks)

    return run


PERIODS = {"save_every": 20, "evaluate_every": 20, "trace_every": 10}


def test_what_is_due_is_called_in_its_order(watched):
    """A trace before the first step too; no evaluation at the last one."""
    calls, run = watched(**PERIODS)
    assert not run().ended
    assert calls == [
        ("trace", 0), ("trace", 10),
        ("trace", 20), ("save", 20), ("evaluate", 20), ("keep", 20),
        ("trace", 30),
        ("trace", 40), ("save", 40), ("keep", 40),
    ]  # fmt: skip


def test_training_that_is_looked_at_is_the_same_to_the_bit(watched, flat):
    _, plain = watched()
    _, looked_at = watched(save_every=9, evaluate_every=7, trace_every=5, keep_seconds=0.0)
    one, other = flat(plain().state), flat(looked_at().state)
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_an_evaluation_can_end_training(watched):
    calls, run = watched(answer=True, **PERIODS)
    training = run()
    assert training.ended and training.state.step == 20
    assert calls[-3:] == [("evaluate", 20), ("save", 20), ("keep", 20)]
    again, run = watched(past=past_of(training), **PERIODS)
    assert run().state.step == 20 and again == []


def test_an_interrupt_is_heeded_after_all_has_been_kept(watched, monkeypatch):
    monkeypatch.setattr(trainer, "is_asked", lambda: True)

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "heed", stop)
    calls, run = watched(evaluate_every=20)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert calls == [("evaluate", 20), ("keep", BLOCK)]


def test_ticks_and_curves(countdown):
    ticks = []
    training = countdown(1000, 2000, steps=70, start=20, save_every=25, on_tick=lambda _, t: ticks.append(t))
    ends = [25, 32, 50, 64, 70]
    assert [tick.step for tick in ticks] == ends == [end for end, _ in training.curves]
    assert [steps for steps, _ in training.blocks] == [12, 32, 6]  # of whole blocks, wherever checkpoints lie
    assert all(seconds >= 0 for _, seconds in training.blocks)
    for tick in ticks:
        # the loss of step s is the count before its update
        assert tick.losses == {"counter.loss": [1000 - (tick.step - 21), 2000 - (tick.step - 21)]}
    for (end, logs), first in zip(training.curves, [20, *ends], strict=False):
        middle = (first + end - 1) / 2 - 20
        assert logs["counter.loss"] == pytest.approx([1000 - middle, 2000 - middle])


def test_a_norm_that_overflows_is_no_divergence(tiny, pictures):
    """The square of 1e25 is more than float32 holds; the gradient itself is not."""

    @dataclass(frozen=True, kw_only=True)
    class Steep(Countdown):
        finite: bool = True

        @property
        def players(self):
            (player,) = super().players
            return (replace(player, optimizer=SGD(lr=1e-30)),)

        def loss(self, nets, batch):
            loss, logs = super().loss(nets, batch)
            return loss * 1e25, logs

    settings = Settings(steps=2, batch_size=4, device=CPU, compile="never")
    training = train(Steep(), tiny, pictures, [1], settings)
    assert training.curves[-1][1]["counter.gradient_norm"] == [math.inf]
    assert training.diverged == [None]


def test_nothing_is_done_where_all_steps_are_finished(countdown, flat):
    training = countdown(7, steps=5, start=5)
    assert training.state.params["N"]["count"].item() == 7
    assert training.curves == training.blocks == []


@pytest.mark.run
def test_bfloat16_runs_and_stays_close(small, fit):
    model = small("vae")
    full, half = (
        fit(model, 2 * BLOCK, master=torch.float32, compute=compute) for compute in (None, torch.bfloat16)
    )
    for (_, exact), (_, rough) in zip(full.curves, half.curves, strict=True):
        assert exact["autoencoder.loss"] != rough["autoencoder.loss"]
        assert rough["autoencoder.loss"] == pytest.approx(exact["autoencoder.loss"], rel=0.01)
    assert {t.dtype for net in half.state.params.values() for t in net.values()} == {torch.float32}
    assert {t.dtype for t in half.state.slots["autoencoder"].values()} == {torch.float32}
