"""The program of a cohort: every player's stacked update, compiled where that pays."""

from __future__ import annotations

import copy
import itertools
import os
import warnings
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from types import FunctionType
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from genbench.core.errors import GenbenchWarning
from genbench.core.paths import cache_dir
from genbench.models.optim import SGD, Adam, RMSprop
from genbench.models.protocol import GenerativeModel, Player
from genbench.train.clock import now
from genbench.train.compile_cost import expected_cost, remember_cost
from genbench.train.device import compiler_missing, is_out_of_memory
from genbench.train.optimizers import Corrections, corrections
from genbench.train.settings import Settings
from genbench.train.state import TrainState, Tree
from genbench.train.streams import BLOCK, Orders, noise_block, order_block
from genbench.train.update import Update, stacked_update, working_copies

SPEEDUP = 2.0
"""What compiling is sure to gain over eager execution, as measured on two CPU cores; it was never less."""

SHARED = 8
"""Compiled programs kept for cohorts of the same shapes that may follow in the same process."""

_numbers = itertools.count()

Players = Sequence[tuple[Player, Update]]
"""Each player with its update, in the order of a step."""


class BlockInputs(NamedTuple):
    """What one block of steps of one player takes.

    Attributes:
        order: training examples of each batch, (BLOCK, repeats, K, B) int64.
        noise: by name, (BLOCK, repeats, K, B, *shape).
        corrected: scalars of each update by name, (BLOCK, repeats).
    """

    order: Tensor
    noise: dict[str, Tensor]
    corrected: Corrections


Inputs = Mapping[str, BlockInputs]
"""By player."""


@dataclass(frozen=True, slots=True)
class Program:
    """A cohort's step, ready to run.

    Attributes:
        players: each player with its update.
        compiled: whether the updates are compiled.
        compile_s: seconds that took.
        reason: why they are or are not, in a few words.
        shared: whether an earlier cohort's program is used again, so that nothing was compiled.
    """

    players: Players
    compiled: bool
    compile_s: float
    reason: str
    shared: bool = False


_shared: OrderedDict[Hashable, list[Update]] = OrderedDict()


def forget_programs() -> None:
    """Let go of what earlier cohorts have compiled."""
    _shared.clear()
    torch.compiler.reset()


def make_program(
    model: GenerativeModel,
    modules: Mapping[str, nn.Module],
    state: TrainState,
    seeds: Sequence[int],
    examples: Tensor,
    settings: Settings,
) -> Program:
    """Build the updates, and compile them where that is wanted and pays.

    A cohort whose model differs from an earlier one's in nothing but its learning rates, and whose shapes are
    the same, uses that one's program. With ``auto`` the eager step is timed, and the step is compiled where
    the time it saves over all planned steps exceeds the time that compiling takes. Both are tried on a copy
    of the state. Without a compiler, or where compiling fails: one warning, and eager execution.
    """
    keep_compiled_code()
    eager = [(p, stacked_update(modules, p, settings.compute)) for p in model.players]
    if settings.compile == "never":
        return Program(eager, compiled=False, compile_s=0.0, reason="compile = never")
    if missing := compiler_missing(settings.device):
        _warn(f"{missing}. Training goes on without compilation, several times slower.")
        return Program(eager, compiled=False, compile_s=0.0, reason="no compiler")
    cost_key = (repr(_with_equal_rates(model)), _shapes(modules, state, examples, settings))
    key = (type(model), cost_key)  # classes of one name may be two
    if key in _shared:
        _shared.move_to_end(key)
        players = [(p, update) for (p, _), update in zip(eager, _shared[key], strict=True)]
        return Program(
            players, compiled=True, compile_s=0.0, reason="an earlier cohort's program", shared=True
        )
    inputs = {p.name: inputs_of(p, seeds, 0, examples, settings) for p in model.players}
    reason = "compile = always"
    if settings.compile == "auto":
        step_s = min(_time_steps(eager, state, examples, inputs, settings, steps=3)[1:])
        left = settings.steps - state.step
        saved, cost = left * step_s * (1 - 1 / SPEEDUP), expected_cost(cost_key, players=len(eager))
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
    compile_s = max(first_s - second_s, 0.0)
    remember_cost(cost_key, compile_s)
    _shared[key] = [update for _, update in players]
    if len(_shared) > SHARED:
        _shared.popitem(last=False)
    return Program(players, compiled=True, compile_s=compile_s, reason=reason)


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


def keep_compiled_code() -> None:
    """Have the compiler keep what it makes in genbench's cache, where later runs find it again.

    It reads the variable once, when it is imported, which any vectorized function does: so call this first.
    """
    folder = cache_dir() / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a read-only home: the compiler keeps its code among the temporary files
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))


@contextmanager
def unguarded() -> Iterator[None]:
    """Calls of compiled updates without the check that their inputs are of the kind they were compiled for.

    That check takes longer than a small network's update. It can be left out after a block of steps: from
    then on the same tensors come again and again, and others of the same shapes.
    """
    with torch.compiler.set_stance("default", skip_guard_eval_unsafe=True):
        yield


def inputs_of(
    player: Player,
    seeds: Sequence[int],
    block: int,
    examples: Tensor,
    settings: Settings,
    orders: Orders | None = None,
) -> BlockInputs:
    """What one block of steps of one player takes; ``orders`` keeps epochs from block to block."""
    device, dtype = settings.device, settings.master
    order = order_block(
        player, seeds, block, settings.batch_size, len(examples), device=device, orders=orders
    )
    noise = noise_block(player, seeds, block, settings.batch_size, device=device, dtype=dtype)
    first = block * BLOCK * player.repeats + 1
    t = torch.arange(first, first + BLOCK * player.repeats, device=device).view(BLOCK, player.repeats)
    return BlockInputs(order, noise, corrections(player.optimizer, t, dtype))


def run_step(
    players: Players, state: TrainState, working: Tree, examples: Tensor, inputs: Inputs, position: int
) -> dict[str, Tensor]:
    """One step of all lanes: every player's updates, in order, written into ``state``.

    Args:
        players: from the program.
        state: changed in place.
        working: ``working_copies`` of the parameters, changed with them.
        examples: training examples (N, ...).
        inputs: by player, from ``inputs_of``.
        position: which step of the block.

    Returns:
        The logs of each player's last update, "player.name": (K,).
    """
    logs: dict[str, Tensor] = {}
    for player, update in players:
        order, noise, corrected = inputs[player.name]
        for repeat in range(player.repeats):
            logged = update(
                state.params,
                working,
                state.buffers,
                state.slots[player.name],
                {name: c[position, repeat] for name, c in corrected.items()},
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
    working = working_copies(trial.params, settings.compute)
    times: list[float] = []
    for position in range(steps):
        start = now(settings.device)
        run_step(players, trial, working, examples, inputs, position)
        times.append(now(settings.device) - start)
    return times


def _shapes(
    modules: Mapping[str, nn.Module], state: TrainState, examples: Tensor, settings: Settings
) -> tuple[str | int, ...]:
    """What a compiled program depends on besides the model's options."""
    return (
        repr(dict(modules)),
        repr([(net, {n: t.shape for n, t in tensors.items()}) for net, tensors in state.params.items()]),
        state.lanes,
        settings.batch_size,
        str(settings.device),
        str(settings.compute),
        str(settings.master),
        f"{examples.dtype} {tuple(examples.shape)}",
        torch.get_num_threads(),
    )


def _with_equal_rates(thing: Any) -> Any:
    """The same options, with every optimizer's learning rate set to one: rates are inputs of a program."""
    if isinstance(thing, Adam | RMSprop | SGD):
        return replace(thing, lr=1.0)
    if not is_dataclass(thing) or isinstance(thing, type):
        return thing
    inner = {
        f.name: (getattr(thing, f.name), _with_equal_rates(getattr(thing, f.name))) for f in fields(thing)
    }
    changed = {name: new for name, (old, new) in inner.items() if new is not old and new != old}
    return replace(thing, **changed) if changed else thing


def _warn(message: str) -> None:
    warnings.warn(message, GenbenchWarning, stacklevel=3)
