"""A cohort in training, and what of it an earlier process has left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from genbench.train.program import Program
from genbench.train.state import TrainState


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
        warmups: which of the blocks warm up: the first one, and the first one after training was continued.
        ended: whether an evaluation ended it before its last step.
        compile_s: seconds that compiling took, in the process that began the training.
    """

    state: TrainState
    diverged: list[int | None]
    program: Program
    curves: list[tuple[int, dict[str, list[float]]]] = field(default_factory=list)
    blocks: list[tuple[int, float]] = field(default_factory=list)
    joules: list[float] = field(default_factory=list)
    gradient_norms: dict[str, list[Tensor]] = field(default_factory=dict)
    peak_memory: int | None = None
    warmups: list[int] = field(default_factory=list)
    ended: bool = False
    compile_s: float = 0.0

    @property
    def alive(self) -> tuple[bool, ...]:
        """Which lanes are still finite."""
        return tuple(step is None for step in self.diverged)

    @property
    def seconds(self) -> float:
        """Time of all steps so far, all lanes together; neither compiling nor evaluation."""
        return sum(seconds for _, seconds in self.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What an earlier process has left of a training: all that is needed to continue it as if it had gone on.

    The attributes are those of ``Training``; what of the program decides numbers or is told of it stands
    under names of its own.

    Attributes:
        compiled: whether the step was compiled.
        shared: whether it was an earlier cohort's program.
        compile_s: seconds that compiling took then.
    """

    state: TrainState
    diverged: tuple[int | None, ...]
    compiled: bool
    shared: bool
    compile_s: float
    curves: tuple[tuple[int, dict[str, list[float]]], ...]
    blocks: tuple[tuple[int, float], ...]
    joules: tuple[float, ...]
    gradient_norms: Mapping[str, Tensor]
    peak_memory: int | None
    warmups: tuple[int, ...]
    ended: bool


def begun(state: TrainState, seeds: Sequence[int], program: Program) -> Training:
    """A training before its first step."""
    return Training(state, [None] * len(seeds), program, compile_s=program.compile_s)


def continued(past: Past, program: Program) -> Training:
    """A training where another process left it, to be run by this program."""
    return Training(
        past.state,
        list(past.diverged),
        replace(program, shared=past.shared, reason="continued"),
        curves=list(past.curves),
        blocks=list(past.blocks),
        joules=list(past.joules),
        gradient_norms={player: [norms] for player, norms in past.gradient_norms.items()},
        peak_memory=past.peak_memory,
        warmups=list(past.warmups),
        ended=past.ended,
        compile_s=past.compile_s,
    )


def past_of(training: Training) -> Past:
    """What is needed to continue a training from where it is now; its tensors are the training's own."""
    return Past(
        state=training.state,
        diverged=tuple(training.diverged),
        compiled=training.program.compiled,
        shared=training.program.shared,
        compile_s=training.compile_s,
        curves=tuple(training.curves),
        blocks=tuple(training.blocks),
        joules=tuple(training.joules),
        gradient_norms={player: torch.cat(parts) for player, parts in training.gradient_norms.items()},
        peak_memory=training.peak_memory,
        warmups=tuple(training.warmups),
        ended=training.ended,
    )
