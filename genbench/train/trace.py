"""The trace of training: what the generator makes of the same latents, and how far its parameters move."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import GenerativeModel, Nets
from genbench.train.sampling import as_stored
from genbench.train.state import TrainState, lane_tensors, skeletons
from genbench.train.streams import BLOCK, draw

LATENTS = 500
"""Fixed latents: the share of a class is then known to two percent, and the same in every snapshot."""

SNAPSHOTS = 30
"""At most so many a training, and twenty of a long one: enough for its late half to have a course."""


def spacing(steps: int) -> int:
    """Steps between two snapshots: a multiple of a block, so that no block is divided."""
    return max(1, math.ceil(steps / SNAPSHOTS / BLOCK)) * BLOCK


@dataclass(frozen=True, slots=True, eq=False)
class TraceSoFar:
    """What a tracer has kept, to be gone on from.

    Attributes:
        steps: of the T snapshots.
        samples: (T, K, N, ...), as the examples are stored.
        moved: (T, K) float32.
        last, at_middle: the generator's parameters at the last snapshot and at the middle one, each (K, ...);
            none where there was no such snapshot yet.
    """

    steps: tuple[int, ...]
    samples: Tensor
    moved: Tensor
    last: tuple[Tensor, ...]
    at_middle: tuple[Tensor, ...]


class Tracer:
    """Takes snapshots of all lanes. It draws from streams of its own and changes nothing.

    The generator runs in training mode, so that batch normalization goes by the batch of the fixed latents:
    no standing statistics are needed, which would cost more than all else here. Distances in parameters are
    exact.

    Args:
        model: which model.
        data: shape of the examples.
        seeds: of the lanes.
        steps: planned, which decide where the late half begins.
        every: steps between two snapshots; 0 where none are taken.
    """

    def __init__(
        self, model: GenerativeModel, data: DataInfo, seeds: Sequence[int], steps: int, every: int
    ) -> None:
        self.steps: list[int] = []
        self.spacing = every
        self.middle = math.ceil(steps // max(1, every) / 2)
        self._model, self._data, self._seeds = model, data, seeds
        self.networks: tuple[str, ...] = ()
        self._generate = _generator(model, data)
        self._latents: Tensor | None = None
        self._samples: list[Tensor] = []
        self._moved: list[Tensor] = []
        self._last: list[Tensor] = []
        self._at_middle: list[Tensor] = []

    @torch.no_grad()
    def __call__(self, state: TrainState) -> None:
        """Take a snapshot of a state."""
        latents = self._prepare(state) if self._latents is None else self._latents
        now = [t.clone() for net in self.networks for t in state.params[net].values()]
        moved = _distance(now, self._last) if self._last else torch.zeros(len(self._seeds))
        self._moved.append(moved.cpu())
        if len(self.steps) == self.middle:
            self._at_middle = now
        self._last = now
        self._samples.append(self._generate(state, latents).cpu())
        self.steps.append(state.step)

    def so_far(self) -> TraceSoFar | None:
        """All of it, to be gone on from later; ``None`` before the first snapshot."""
        if not self.steps:
            return None
        return TraceSoFar(
            tuple(self.steps),
            torch.stack(self._samples),
            torch.stack(self._moved),
            tuple(self._last),
            tuple(self._at_middle),
        )

    def go_on(self, past: TraceSoFar, state: TrainState) -> None:
        """Begin where another tracer of the same lanes has come to, before any snapshot of one's own."""
        self.steps = list(past.steps)
        self._samples, self._moved = list(past.samples.unbind()), list(past.moved.unbind())
        self._last, self._at_middle = list(past.last), list(past.at_middle)
        self._prepare(state)

    def _prepare(self, state: TrainState) -> Tensor:
        prior, device = self._model.prior(self._data), state_device(state)
        self.networks = networks_of_sampler(self._model, self._data, state)
        self._latents = torch.stack(
            [draw(prior, LATENTS, seed, "trace", device=device, dtype=state.dtype) for seed in self._seeds]
        )
        return self._latents

    def samples(self, lane: int) -> Tensor:
        """(T, N, ...) of one lane."""
        return torch.stack([samples[lane] for samples in self._samples])

    def moved(self, lane: int) -> Tensor:
        """(T,) of one lane, float64."""
        return torch.stack([moved[lane] for moved in self._moved]).double()

    def displaced(self, lane: int) -> float:
        """Distance from the middle to the last snapshot; 0 before the middle."""
        if not self._at_middle:
            return 0.0
        now, then = ([t[lane : lane + 1] for t in tensors] for tensors in (self._last, self._at_middle))
        return float(_distance(now, then))


def networks_of_sampler(model: GenerativeModel, data: DataInfo, state: TrainState) -> tuple[str, ...]:
    """Names of the networks that ``sample`` calls: the generator."""
    modules = skeletons(model, data)
    called: list[str] = []

    class _Watched(Nets):
        def __getattr__(self, name: str) -> Callable[[Tensor], Tensor]:
            network = super().__getattr__(name)
            if name not in called:
                called.append(name)
            return network

    prior = model.prior(data)
    z = torch.zeros(2, *prior.shape, device=state_device(state), dtype=state.dtype)
    model.sample(_Watched(modules, lane_tensors(state, 0)), z)
    return tuple(called)


def state_device(state: TrainState) -> torch.device:
    """Where a state lives."""
    return next(tensor for tensors in state.params.values() for tensor in tensors.values()).device


def _generator(model: GenerativeModel, data: DataInfo) -> Callable[[TrainState, Tensor], Tensor]:
    modules = skeletons(model, data)

    def lane(
        params: dict[str, dict[str, Tensor]], buffers: dict[str, dict[str, Tensor]], z: Tensor
    ) -> Tensor:
        tensors = {net: {**params[net], **buffers[net]} for net in modules}
        return as_stored(model.sample(Nets(modules, tensors), z), data)

    lanes = vmap(lane)
    return lambda state, z: lanes(state.params, state.buffers, z)


def _distance(now: Sequence[Tensor], then: Sequence[Tensor]) -> Tensor:
    """(K,) float32."""
    norms = [torch.linalg.vector_norm((a - b).flatten(1), dim=1) for a, b in zip(now, then, strict=True)]
    distance: Tensor = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    return distance
