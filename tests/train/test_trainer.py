import math
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace

import pytest
import torch
from torch import nn

from genbench.core.errors import GenbenchWarning
from genbench.models.optim import SGD
from genbench.models.protocol import Noise, Player
from genbench.train import program
from genbench.train.program import make_program
from genbench.train.settings import Settings
from genbench.train.state import initial_state, skeletons
from genbench.train.streams import BLOCK
from genbench.train.trainer import train

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


@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("first_bad", [1, 2, BLOCK - 5, BLOCK - 4, BLOCK, BLOCK + 1])
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


def test_the_norm_of_the_gradients_is_logged(small, tiny, fit):
    """With plain gradient descent it is the length of the step over the learning rate."""
    model = small("vae", optimizer=SGD(lr=0.125))
    start = initial_state(model, tiny, [1, 2, 3], device=CPU, dtype=torch.float64)
    before = {net: {name: t.clone() for name, t in own.items()} for net, own in start.params.items()}
    training = fit(model, 1, state=start)
    (_, logs), *_ = training.curves
    moved = [
        (before[net][name] - tensor).flatten(1).square().sum(1)
        for net, own in training.state.params.items()
        for name, tensor in own.items()
    ]
    lengths = torch.stack(moved).sum(0).sqrt() / 0.125
    assert logs["autoencoder.gradient_norm"] == pytest.approx(lengths.tolist())
    assert len(set(logs["autoencoder.gradient_norm"])) == 3


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


def test_fresh_networks_where_no_state_is_given(small, tiny, pictures, fit, flat):
    settings = Settings(steps=3, batch_size=8, device=CPU, compile="never", master=torch.float64)
    model = small("vae")
    fresh = train(model, tiny, pictures, [1, 2, 3], settings).state
    given = fit(model, 3).state
    assert all(torch.equal(tensor, flat(given)[name]) for name, tensor in flat(fresh).items())


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


@pytest.mark.parametrize("name", ["gan", "wgan"])
def test_bfloat16_runs_games(name, small, fit):
    training = fit(small(name), 5, master=torch.float32, compute=torch.bfloat16)
    assert training.diverged == [None] * 3


@pytest.fixture
def settings():
    return Settings(steps=4, batch_size=8, device=CPU, compile="always")


@pytest.fixture
def run(tiny, pictures, small):
    model = small("vae")
    return lambda settings: train(model, tiny, pictures, [1, 2], settings)


def break_wrapping(*_, **__):
    raise RuntimeError("no compiler for this Python\nand a long explanation")


def break_calling(update, **_):
    def broken(*_):
        raise RuntimeError("C++ compile error\nand a long log")

    return broken


@pytest.mark.parametrize("broken", [break_wrapping, break_calling])
def test_a_broken_compiler_warns_and_training_goes_on(run, settings, flat, monkeypatch, broken):
    expected = run(replace(settings, compile="never"))
    monkeypatch.setattr(program, "compiler_missing", lambda device: "")
    monkeypatch.setattr(torch, "compile", broken)
    with pytest.warns(GenbenchWarning, match='failed.*RuntimeError.*compile = "never"') as caught:
        training = run(settings)
    assert len([w for w in caught if w.category is GenbenchWarning]) == 1
    assert "long" not in str(caught[0].message)
    assert not training.program.compiled
    assert training.program.compile_s == 0
    assert training.state.step == 4
    for name, tensor in flat(expected.state).items():
        assert torch.equal(tensor, flat(training.state)[name])


def test_no_compiler_warns_and_training_goes_on(run, settings, monkeypatch):
    monkeypatch.setattr(program, "compiler_missing", lambda device: "no g++ here: install g++")
    monkeypatch.setattr(torch, "compile", break_wrapping)
    with pytest.warns(GenbenchWarning, match="no g\\+\\+ here: install g\\+\\+"):
        training = run(settings)
    assert (training.program.compiled, training.state.step) == (False, 4)
    assert training.program.reason == "no compiler"


@pytest.mark.parametrize("wanted", ["never", "auto"])
def test_few_steps_are_not_compiled(run, settings, monkeypatch, wanted):
    monkeypatch.setattr(program, "compiler_missing", lambda device: "")
    monkeypatch.setattr(torch, "compile", break_wrapping)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GenbenchWarning)
        training = run(replace(settings, compile=wanted))
    assert not training.program.compiled
    assert training.program.reason


@pytest.fixture
def pretend(small, tiny, pictures, monkeypatch, tmp_path):
    """``make_program`` where a step takes the seconds it is told to, and compiling is nothing."""

    def make(settings, step_s):
        model = small("vae")
        state = initial_state(model, tiny, [1, 2], device=CPU)
        modules, made, clock = skeletons(model, tiny), [], [0.0]

        def now(device):
            clock[0] += step_s / 2
            return clock[0]

        def compile_nothing(update, **options):
            made.append(options)
            return update

        program.forget_programs()
        monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
        monkeypatch.setattr(program, "compiler_missing", lambda device: "")
        monkeypatch.setattr(program, "now", now)
        monkeypatch.setattr(torch, "compile", compile_nothing)
        return make_program(model, modules, state, [1, 2], pictures, settings), state, made

    return make


def test_many_slow_steps_are_compiled(pretend, settings):
    auto = replace(settings, compile="auto")
    chosen, _, made = pretend(replace(auto, steps=100_000), step_s=1e-6)
    assert not chosen.compiled
    assert made == []
    chosen, _, made = pretend(replace(auto, steps=100_000), step_s=1.0)
    assert chosen.compiled
    assert made[0]["fullgraph"] is True  # a graph break is an error, not a slow program


def test_what_compiling_took_is_remembered(pretend, settings):
    """The clock of ``pretend`` says that compiling took nothing: next time that is expected."""
    short = replace(settings, compile="auto", steps=2)
    assert not pretend(short, step_s=1.0)[0].compiled
    assert pretend(replace(short, compile="always"), step_s=1.0)[0].compiled
    again, _, _ = pretend(short, step_s=1.0)
    assert again.compiled
    assert "about 0 s" in again.reason


def test_cohorts_of_the_same_shapes_share_a_program(small, tiny, pictures, settings, monkeypatch):
    def build(model, **changed):
        chosen = replace(settings, compile="always", **changed)
        state = initial_state(model, tiny, [1, 2], device=CPU, dtype=chosen.master)
        return make_program(model, skeletons(model, tiny), state, [1, 2], pictures, chosen)

    made = []
    monkeypatch.setattr(program, "compiler_missing", lambda device: "")
    monkeypatch.setattr(torch, "compile", lambda update, **options: made.append(update) or update)
    program.forget_programs()
    model = small("vae")
    first = build(model)
    faster = build(replace(model, optimizer=replace(model.optimizer, lr=1e-1)))
    assert len(made) == 1
    assert faster.compiled
    assert faster.compile_s == 0
    assert faster.shared
    assert not first.shared
    assert faster.players[0][1] is first.players[0][1]
    assert faster.players[0][0].optimizer.lr == 1e-1

    class Other(type(model)):
        """The same name and options, and another loss perhaps."""

    Other.__qualname__, Other.__module__ = type(model).__qualname__, type(model).__module__
    twin = Other(**{f.name: getattr(model, f.name) for f in fields(model)})
    for other in (
        lambda: build(twin),
        lambda: build(replace(model, latent=model.latent + 1)),
        lambda: build(replace(model, optimizer=replace(model.optimizer, betas=(0.5, 0.9)))),
        lambda: build(model, batch_size=settings.batch_size + 1),
        lambda: build(model, compute=torch.bfloat16),
    ):
        before = len(made)
        assert other().reason != faster.reason
        assert len(made) == before + 1
    program.forget_programs()


def test_making_a_program_does_not_train(pretend, settings, small, tiny, flat):
    fresh = flat(initial_state(small("vae"), tiny, [1, 2], device=CPU))
    for wanted in ("auto", "always"):
        _, state, _ = pretend(replace(settings, compile=wanted, steps=100_000), step_s=1.0)
        assert state.step == 0
        for name, tensor in flat(state).items():
            assert torch.equal(tensor, fresh[name]), name


def test_guards_are_checked_in_the_first_block_only(small, tiny, pictures, settings, monkeypatch):
    """In later blocks a program sees the very tensors it has seen before."""
    seen, free = [], [False]

    @contextmanager
    def watched():
        free[0] = True
        yield
        free[0] = False

    def watching(update, **options):
        def call(*arguments):
            seen.append(free[0])
            return update(*arguments)

        return call

    monkeypatch.setattr(program, "compiler_missing", lambda device: "")
    monkeypatch.setattr(program, "compiled", watching)
    monkeypatch.setattr("genbench.train.trainer.unguarded", watched)
    program.forget_programs()
    train(small("vae"), tiny, pictures, [1, 2], replace(settings, steps=2 * BLOCK, evaluate_every=20))
    assert seen == [False] * (2 + BLOCK) + [True] * BLOCK  # two on a copy of the state, to time them
    program.forget_programs()
