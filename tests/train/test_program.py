"""The program of a cohort: when it is compiled, with what, and for whom. Nothing is compiled here."""

import warnings
from contextlib import contextmanager
from dataclasses import fields, replace

import pytest
import torch

from genbench.core.errors import GenbenchWarning
from genbench.train import program
from genbench.train.program import make_program
from genbench.train.settings import Settings
from genbench.train.state import initial_state, skeletons
from genbench.train.streams import BLOCK
from genbench.train.trainer import train

CPU = torch.device("cpu")


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
