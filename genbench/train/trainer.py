"""The trainer: one loop for every model, all lanes of a cohort at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import GenerativeModel
from genbench.train.allocator import keep_large_blocks
from genbench.train.clock import now, peak_memory, reset_peak_memory
from genbench.train.energy import NO_METER, Meter
from genbench.train.program import Inputs, Program, inputs_of, make_program, run_step, unguarded
from genbench.train.replay import BlockReplay, capture, captures
from genbench.train.settings import Settings
from genbench.train.state import TrainState, Tree, initial_state, skeletons
from genbench.train.streams import BLOCK, Orders
from genbench.train.update import GRADIENT_NORM, working_copies


@dataclass(frozen=True, slots=True)
class Tick:
    """What can be shown after each block of steps.

    Attributes:
        step: finished steps.
        losses: the last loss of each player, by "player.loss", one number a lane.
    """

    step: int
    losses: dict[str, list[float]]


@dataclass(slots=True)
class Training:
    """A cohort in training, or trained.

    Attributes:
        state: parameters and moments of all lanes.
        diverged: for each lane, the step at which it first was not finite, or ``None``.
        program: how the step is run, and what compiling it took.
        curves: for each segment, the step it ends at and the mean of each log over it, one a lane.
        blocks: (steps, seconds) of each block of steps, drawing its inputs included; the first one warms up.
        joules: energy of each of these blocks; NaN without a meter.
        gradient_norms: by player, for each segment (steps, K): the norms of its gradients in every step.
        peak_memory: highest memory use of the steps in bytes, compiling left out; ``None`` where the system
            does not tell.
    """

    state: TrainState
    diverged: list[int | None]
    program: Program
    curves: list[tuple[int, dict[str, list[float]]]] = field(default_factory=list)
    blocks: list[tuple[int, float]] = field(default_factory=list)
    joules: list[float] = field(default_factory=list)
    gradient_norms: dict[str, list[Tensor]] = field(default_factory=dict)
    peak_memory: int | None = None

    @property
    def alive(self) -> tuple[bool, ...]:
        """Which lanes are still finite."""
        return tuple(step is None for step in self.diverged)

    @property
    def seconds(self) -> float:
        """Time of all steps so far, all lanes together; neither compiling nor evaluation."""
        return sum(seconds for _, seconds in self.blocks)


def train(
    model: GenerativeModel,
    data: DataInfo,
    examples: Tensor,
    seeds: Sequence[int],
    settings: Settings,
    *,
    state: TrainState | None = None,
    on_tick: Callable[[Training, Tick], None] = lambda *_: None,
    on_save: Callable[[Training], None] = lambda _: None,
    on_evaluate: Callable[[Training], bool] = lambda _: False,
    on_trace: Callable[[Training], None] = lambda _: None,
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
        state: where to go on from; fresh networks if absent.
        on_tick: called after every block of steps, and before a checkpoint in the middle of one.
        on_save: called every ``save_every`` steps, and at the end.
        on_evaluate: called every ``evaluate_every`` steps, after ``on_save`` where both are due, and not at
            the last step; training ends there if it returns true. Its time and memory are not the steps'.
        on_trace: called before the first step and every ``trace_every`` steps after it. It must change
            nothing; its time and memory are not the steps'.
        meter: of energy; read beside the clock, so that evaluation on the way is left out.
    """
    keep_large_blocks()
    modules = skeletons(model, data)
    state = state or initial_state(model, data, seeds, device=settings.device, dtype=settings.master)
    program = make_program(model, modules, state, seeds, examples, settings)
    training = Training(state, [None] * len(seeds), program)
    working = working_copies(state.params, settings.compute)
    if settings.trace_every:
        on_trace(training)
    gauged = reset_peak_memory(settings.device)
    inputs: Inputs = {}
    replay: BlockReplay | None = None
    capturing = captures(settings.device) and program.compiled  # as soon as a block is done and one follows
    orders: Orders = {}
    while state.step < settings.steps and any(training.alive):
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
        losses = {name: log[-1].tolist() for name, log in logs.items() if name.endswith(".loss")}
        on_tick(training, Tick(end, losses))
        if capturing and end % BLOCK == 0 and _segment_end(end, settings) == end + BLOCK:
            capturing, began = False, now(settings.device)
            replay = capture(program.players, state, working, examples, inputs)
            training.program = replace(program, compile_s=program.compile_s + now(settings.device) - began)
        between = end < settings.steps
        calls: tuple[tuple[Callable[[Training], bool | None], int, bool], ...] = (
            (on_trace, settings.trace_every, True),
            (on_save, settings.save_every, between),
            (on_evaluate, settings.evaluate_every, between and any(training.alive)),
        )
        due = [call for call, period, wanted in calls if wanted and _due(end, period)]
        if due:
            training.peak_memory = _highest_memory(training, settings) if gauged else None
            answers = [call(training) for call in due]
            reset_peak_memory(settings.device)  # what these took is not what training takes
            if any(answers):
                break
    training.peak_memory = _highest_memory(training, settings) if gauged else None
    on_save(training)
    return training


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
    warm = training.program.compiled and len(training.blocks) > 1
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
