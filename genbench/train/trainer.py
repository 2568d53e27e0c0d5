"""The trainer: one loop for every model, all lanes of a cohort at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.core.interrupt import heed, is_asked
from genbench.models.protocol import GenerativeModel
from genbench.train.allocator import keep_large_blocks
from genbench.train.clock import now, peak_memory, reset_peak_memory
from genbench.train.energy import NO_METER, Meter
from genbench.train.program import Inputs, inputs_of, make_program, run_step, unguarded
from genbench.train.replay import BlockReplay, capture, captures
from genbench.train.settings import Settings
from genbench.train.state import TrainState, Tree, initial_state, skeletons
from genbench.train.streams import BLOCK, Orders
from genbench.train.training import Past, Tick, Training, begun, continued
from genbench.train.update import GRADIENT_NORM, working_copies


def train(
    model: GenerativeModel,
    data: DataInfo,
    examples: Tensor,
    seeds: Sequence[int],
    settings: Settings,
    *,
    state: TrainState | None = None,
    past: Past | None = None,
    on_tick: Callable[[Training, Tick], None] = lambda *_: None,
    on_save: Callable[[Training], None] = lambda _: None,
    on_evaluate: Callable[[Training], bool] = lambda _: False,
    on_trace: Callable[[Training], None] = lambda _: None,
    on_keep: Callable[[Training], None] = lambda _: None,
    meter: Meter = NO_METER,
) -> Training:
    """Train one lane for each seed.

    A lane whose loss is not finite is marked as diverged at that step and left to itself; lanes share no
    arithmetic, so the others go on undisturbed. Training ends early only where no lane is left.

    Args:
        model: what to train.
        data: shape of the examples.
        examples: training examples (N, ...), on the device.
        seeds: one for each lane.
        settings: steps, batch size, precision, ...
        state: parameters and moments to begin with; fresh networks if absent.
        past: where to continue instead.
        on_tick: called after every block of steps, and before a checkpoint in the middle of one.
        on_save: called every ``save_every`` steps, and at the end.
        on_evaluate: called every ``evaluate_every`` steps, after ``on_save`` where both are due, and not at
            the last step; training ends there if it returns true. Its time and memory are not the steps'.
        on_trace: called before the first step and every ``trace_every`` steps after it. It must change
            nothing; its time and memory are not the steps'.
        on_keep: called after all of these wherever ``on_save`` was, and between two blocks of steps where
            ``keep_seconds`` have passed: a ``Past`` made there lacks nothing. At most a fiftieth of the
            time is spent in it.
        meter: of energy; read beside the clock, so that evaluation on the way is left out.

    Raises:
        KeyboardInterrupt: an interrupt was noted (``core/interrupt.py``); ``on_keep`` was called before.
    """
    keep_large_blocks()
    modules = skeletons(model, data)
    if past is not None:  # the same program, or the same numbers would be added in another order
        settings = replace(settings, compile="always" if past.compiled else "never")
        state = past.state
    state = state or initial_state(model, data, seeds, device=settings.device, dtype=settings.master)
    program = make_program(model, modules, state, seeds, examples, settings)
    training = begun(state, seeds, program) if past is None else continued(past, program)
    working = working_copies(state.params, settings.compute)
    if settings.trace_every and past is None:
        on_trace(training)
    gauged = reset_peak_memory(settings.device)
    inputs: Inputs = {}
    replay: BlockReplay | None = None
    capturing = captures(settings.device) and program.compiled  # as soon as a block is done and one follows
    orders: Orders = {}
    pause = _Pause(settings.keep_seconds, partial(now, settings.device))
    training.warmups.append(len(training.blocks))
    while not training.ended and state.step < settings.steps and any(training.alive):
        start, end = state.step, _segment_end(state.step, settings)
        mark, started = meter.mark(), now(settings.device)
        if not inputs or start % BLOCK == 0:
            block = start // BLOCK
            inputs = {p.name: inputs_of(p, seeds, block, examples, settings, orders) for p in model.players}
            training.blocks.append((0, 0.0))
            training.joules.append(0.0)
        if replay and start % BLOCK == 0 and end == start + BLOCK:
            logs = replay(inputs)
            state.step = end
        else:
            logs = _run_segment(training, working, examples, inputs, end)
        logs = {name: log.cpu() for name, log in logs.items()}  # one synchronization a segment
        steps, seconds = training.blocks[-1]
        training.blocks[-1] = (steps + end - start, seconds + now(settings.device) - started)
        training.joules[-1] += meter.since(mark)
        _note_divergence(training, start, logs)
        _keep_logs(training, end, logs)
        on_tick(training, Tick(end, {n: log[-1].tolist() for n, log in logs.items() if n.endswith(".loss")}))
        if capturing and end % BLOCK == 0 and _segment_end(end, settings) == end + BLOCK:
            capturing, began = False, now(settings.device)
            replay = capture(program.players, state, working, examples, inputs)
            took = now(settings.device) - began
            training.program = replace(training.program, compile_s=training.program.compile_s + took)
            training.compile_s += took
        _look(training, settings, _Hooks(on_trace, on_save, on_evaluate, on_keep), pause, gauged=gauged)
    training.peak_memory = _highest_memory(training, settings) if gauged else None
    if past is None or len(training.blocks) > training.warmups[-1]:  # else another process was here already
        on_save(training)
        on_keep(training)
    return training


class _Hooks(NamedTuple):
    """What is called between two segments, as ``train`` was given it."""

    on_trace: Callable[[Training], None]
    on_save: Callable[[Training], None]
    on_evaluate: Callable[[Training], bool]
    on_keep: Callable[[Training], None]


class _Pause:
    """The time between two keepings: at least so many seconds, and fifty times what the last one took."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock, self._since = clock, clock()
        self._shortest = self._seconds = seconds

    def is_over(self) -> bool:
        return self._clock() - self._since >= self._seconds

    @contextmanager
    def began(self) -> Iterator[None]:
        """A new one, after what is done inside."""
        before = self._clock()
        yield
        self._since = self._clock()
        self._seconds = max(self._shortest, 50 * (self._since - before))


def _look(training: Training, settings: Settings, hooks: _Hooks, pause: _Pause, *, gauged: bool) -> None:
    """Call what is due after a segment; its time and memory are not the steps'."""
    end = training.state.step
    between = end < settings.steps
    saving = between and _due(end, settings.save_every)
    stopping = between and is_asked()
    keeping = saving or (between and end % BLOCK == 0 and (stopping or pause.is_over()))
    evaluating = between and any(training.alive) and _due(end, settings.evaluate_every)
    calls: tuple[tuple[Callable[[Training], bool | None], bool], ...] = (
        (hooks.on_trace, _due(end, settings.trace_every)),
        (hooks.on_save, saving),
        (hooks.on_evaluate, evaluating),
    )
    due = [call for call, wanted in calls if wanted]
    if not (due or keeping):
        return
    training.peak_memory = _highest_memory(training, settings) if gauged else None
    answers = [call(training) for call in due]
    training.ended = any(answers)
    if keeping and not training.ended:
        with pause.began():
            hooks.on_keep(training)
    reset_peak_memory(settings.device)  # what these took is not what training takes
    if stopping and keeping:
        heed()


def _segment_end(step: int, settings: Settings) -> int:
    """The next step at which inputs run out, a checkpoint or an evaluation is due, or training ends."""
    every = (BLOCK, settings.save_every, settings.evaluate_every, settings.trace_every)
    periods = [period for period in every if period]
    return min(settings.steps, *((step // period + 1) * period for period in periods))


def _highest_memory(training: Training, settings: Settings) -> int | None:
    """The peak since the last reset, or an earlier one that was higher, in bytes."""
    peak = peak_memory(settings.device)
    return peak if peak is None else max(peak, training.peak_memory or 0)


def _due(step: int, period: int) -> bool:
    return period > 0 and step % period == 0


def _run_segment(
    training: Training, working: Tree, examples: Tensor, inputs: Inputs, end: int
) -> dict[str, Tensor]:
    """Run the steps up to ``end``; each log as (steps, K), on the device."""
    state, players = training.state, training.program.players
    logs: list[dict[str, Tensor]] = []
    warm = training.program.compiled and len(training.blocks) > training.warmups[-1] + 1
    with unguarded() if warm else nullcontext():
        while state.step < end:
            logs.append(run_step(players, state, working, examples, inputs, state.step % BLOCK))
            state.step += 1
    return {name: torch.stack([log[name] for log in logs]) for name in logs[0]}


def _keep_logs(training: Training, end: int, logs: dict[str, Tensor]) -> None:
    """The mean of each log over the segment, and the gradient norms of every step."""
    training.curves.append((end, {name: log.mean(0).tolist() for name, log in logs.items()}))
    for name, log in logs.items():
        if name.endswith(GRADIENT_NORM):
            player = name.removesuffix(f".{GRADIENT_NORM}")
            training.gradient_norms.setdefault(player, []).append(log)


def _note_divergence(training: Training, start: int, logs: dict[str, Tensor]) -> None:
    """Mark each lane whose log is not finite with the step of the first such value."""
    # a gradient that is not finite makes parameters so; its norm alone may overflow without harm
    losses = [log for name, log in logs.items() if not name.endswith(GRADIENT_NORM)]
    finite = torch.stack([log.isfinite() for log in losses]).all(0)  # (steps, K)
    for lane, lane_finite in enumerate(finite.unbind(1)):
        if training.diverged[lane] is None and not lane_finite.all():
            training.diverged[lane] = start + int(lane_finite.to(torch.int8).argmin()) + 1
    for lane, healthy in enumerate(_finite_parameters(training.state)):
        if training.diverged[lane] is None and not healthy:
            training.diverged[lane] = training.state.step


def _finite_parameters(state: TrainState) -> list[bool]:
    """For each lane, whether all its parameters are finite."""
    tensors = [tensor for net in state.params.values() for tensor in net.values()]
    return [bool(ok) for ok in torch.stack([t.isfinite().flatten(1).all(1) for t in tensors]).all(0).tolist()]
