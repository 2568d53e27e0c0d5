"""The program of a cohort: every player's stacked update, compiled where that pays."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import cast

import torch
from torch import Tensor, nn

from genbench.core.errors import GenbenchWarning
from genbench.models.protocol import GenerativeModel, Player
from genbench.train.clock import now
from genbench.train.device import compiler_missing, is_out_of_memory
from genbench.train.settings import Settings
from genbench.train.state import TrainState
from genbench.train.streams import noise_block, order_block
from genbench.train.update import Update, stacked_update

COMPILE_S = 20.0
"""Seconds to compile one player's update, as measured on two CPU cores; less where a cache is warm."""

SPEEDUP = 2.0
"""What compiling is sure to gain over eager execution, as measured on MLPs; it was never less."""


_numbers = itertools.count()

Players = Sequence[tuple[Player, Update]]
"""Each player with its update, in the order of a step."""

Inputs = Mapping[str, tuple[Tensor, dict[str, Tensor]]]
"""By player: data order and noise of one block, each (BLOCK, repeats, K, ...)."""


@dataclass(frozen=True, slots=True)
class Program:
    """A cohort's step, ready to run.

    Attributes:
        players: each player with its update.
        compiled: whether the updates are compiled.
        compile_s: seconds that took.
        reason: why they are or are not, in a few words.
    """

    players: Players
    compiled: bool
    compile_s: float
    reason: str


def make_program(
    model: GenerativeModel,
    modules: Mapping[str, nn.Module],
    state: TrainState,
    seeds: Sequence[int],
    examples: Tensor,
    settings: Settings,
) -> Program:
    """Build the updates, and compile them where that is wanted and pays.

    With ``auto`` the eager step is timed, and the step is compiled where the time it saves over all
    planned steps exceeds the time compiling takes. Both are tried on a copy of the state. Without a
    compiler, or where compiling fails: one warning, and eager execution.
    """
    eager = [(p, stacked_update(modules, p, settings.compute)) for p in model.players]
    if settings.compile == "never":
        return Program(eager, compiled=False, compile_s=0.0, reason="compile = never")
    if missing := compiler_missing(settings.device):
        _warn(f"{missing}. Training goes on without compilation, several times slower.")
        return Program(eager, compiled=False, compile_s=0.0, reason="no compiler")
    inputs = {p.name: inputs_of(p, seeds, 0, examples, settings) for p in model.players}
    reason = "compile = always"
    if settings.compile == "auto":
        step_s = min(_time_steps(eager, state, examples, inputs, settings, steps=3)[1:])
        left = settings.steps - state.step
        saved, cost = left * step_s * (1 - 1 / SPEEDUP), COMPILE_S * len(eager)
        reason = f"compiling takes about {cost:.0f} s and saves about {saved:.0f} s"
        if saved < cost:
            return Program(eager, compiled=False, compile_s=0.0, reason=reason)
    try:
        players = [(p, compiled(update)) for p, update in eager]
        first_s, second_s = _time_steps(players, state, examples, inputs, settings, steps=2)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        # Whatever else the compiler stumbles over, eager execution either works or gives the plain error.
        first, *further = [line.strip() for line in str(error).strip().splitlines()] or [""]
        told = f"{first} {further[0]}" if first.endswith(":") and further else first
        _warn(
            f"torch.compile failed ({type(error).__name__}: {told}). Training goes on without "
            'compilation; compile = "never" in [train] avoids the attempt.'
        )
        return Program(eager, compiled=False, compile_s=0.0, reason="compiling failed")
    return Program(players, compiled=True, compile_s=max(first_s - second_s, 0.0), reason=reason)


def compiled(update: Update) -> Update:
    """The same update as one program without graph breaks and with fixed shapes.

    torch.compile files what it compiled under the function's code object, at most eight programs in each,
    and the updates of all players and cohorts come from the same lines. So each is given code of its own;
    what was compiled then also goes when the update goes.
    """
    function = cast("FunctionType", update)
    code = function.__code__.replace(co_name=f"update_{next(_numbers)}")
    own = FunctionType(code, function.__globals__, code.co_name, function.__defaults__, function.__closure__)
    return cast("Update", torch.compile(own, fullgraph=True, dynamic=False))


def inputs_of(
    player: Player, seeds: Sequence[int], block: int, examples: Tensor, settings: Settings
) -> tuple[Tensor, dict[str, Tensor]]:
    """Data order and noise of one block of steps of one player, each (BLOCK, repeats, K, ...)."""
    order = order_block(player, seeds, block, settings.batch_size, len(examples), device=settings.device)
    noise = noise_block(
        player, seeds, block, settings.batch_size, device=settings.device, dtype=settings.master
    )
    return order, noise


def run_step(
    players: Players, state: TrainState, examples: Tensor, inputs: Inputs, position: int
) -> dict[str, Tensor]:
    """One step of all lanes: every player's updates, in order, written into ``state``.

    Args:
        players: from the program.
        state: changed in place.
        examples: training examples (N, ...).
        inputs: by player, from ``inputs_of``.
        position: which step of the block.

    Returns:
        The logs of each player's last update, "player.name": (K,).
    """
    logs: dict[str, Tensor] = {}
    for player, update in players:
        order, noise = inputs[player.name]
        for repeat in range(player.repeats):
            logged = update(
                state.params,
                state.buffers,
                state.slots[player.name],
                state.updates[player.name],
                examples,
                order[position, repeat],
                {name: n[position, repeat] for name, n in noise.items()},
            )
        logs.update({f"{player.name}.{name}": value for name, value in logged.items()})
    return logs


def _time_steps(
    players: Players, state: TrainState, examples: Tensor, inputs: Inputs, settings: Settings, *, steps: int
) -> list[float]:
    """Seconds of each of a few steps on a copy of the state."""
    trial = copy.deepcopy(state)
    times: list[float] = []
    for position in range(steps):
        start = now(settings.device)
        run_step(players, trial, examples, inputs, position)
        times.append(now(settings.device) - start)
    return times


def _warn(message: str) -> None:
    warnings.warn(message, GenbenchWarning, stacklevel=3)
