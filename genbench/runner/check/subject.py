"""A model under examination: on made-up data, at its first step and a few steps on, in float64."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import Batch, GenerativeModel, Nets, Player
from genbench.runner.check.blame import raised
from genbench.runner.check.finding import Fault, NotRun
from genbench.train.program import inputs_of
from genbench.train.settings import Settings
from genbench.train.standing import fill_standing_statistics
from genbench.train.state import TrainState, initial_state, lane_tensors, skeletons
from genbench.train.streams import BLOCK, draw
from genbench.train.trainer import train
from genbench.train.training import Training
from genbench.train.update import as_seen, stacked_update

CPU = torch.device("cpu")
SEEDS = (1, 2, 3)
START, END = BLOCK - 2, BLOCK + 2
"""A few steps whose inputs are drawn in two blocks."""

EXAMPLES = 50
BATCH = 8


@dataclass(frozen=True)
class Subject:
    """One model on data of one shape; what checks need of it is made once, when it is first asked for.

    Attributes:
        model: with its options.
        data: shape of the made-up examples.
        file: the model's source, for the line in which something was raised.
    """

    model: GenerativeModel
    data: DataInfo
    file: Path | None = None

    @cached_property
    def examples(self) -> Tensor:
        """Random pictures (N, C, H, W) uint8, or a cloud of points (N, D) off the origin."""
        generator = torch.Generator().manual_seed(0)
        shape = (EXAMPLES, *self.data.shape)
        if self.data.is_image:
            return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        return 3 * torch.randn(shape, generator=generator) + 5

    @cached_property
    def initial(self) -> TrainState:
        """Three lanes before their first step. Never changed: copies are trained."""
        return initial_state(self.model, self.data, SEEDS, device=CPU, dtype=torch.float64)

    @cached_property
    def trained(self) -> Training:
        """Three lanes after a few steps."""
        return fit(self)

    @cached_property
    def ready(self) -> TrainState:
        """The trained lanes with standing statistics: what a sampler gets."""
        state = copy.deepcopy(self.trained.state)
        fill_standing_statistics(self.model, self.data, state, SEEDS, self.examples, BATCH)
        return state


def fit(
    subject: Subject,
    end: int = END,
    seeds: Sequence[int] = SEEDS,
    *,
    state: TrainState | None = None,
    **settings: Any,
) -> Training:
    """Train in float64 and without a compiler unless told otherwise.

    Args:
        subject: what to train.
        end: the last step.
        seeds: one for each lane.
        state: where to go on from; fresh networks at step ``START`` if absent.
        settings: any of ``Settings``.
    """
    plain = {"batch_size": BATCH, "device": CPU, "compile": "never", "master": torch.float64}
    chosen = Settings(steps=end, **{**plain, **settings})
    if state is None:
        state = initial_state(subject.model, subject.data, seeds, device=CPU, dtype=chosen.master)
        state.step = START
    return train(subject.model, subject.data, subject.examples, list(seeds), chosen, state=state)


def nets_of(
    subject: Subject,
    state: TrainState,
    lane: int = 0,
    *,
    training: bool = False,
    compute: torch.dtype | None = None,
) -> Nets:
    """The networks of one lane as functions."""
    modules = {net: module.train(training) for net, module in skeletons(subject.model, subject.data).items()}
    return Nets(modules, lane_tensors(state, lane), compute)


def batch_of(subject: Subject, player: Player, dtype: torch.dtype) -> Batch:
    """What the loss of a player sees in one update: it has a single example if it uses none."""
    x = as_seen(subject.examples[: BATCH if player.uses_data else 1], dtype)
    noise = {name: draw(n, BATCH, name, device=CPU, dtype=dtype) for name, n in player.noise.items()}
    return Batch(x, noise)


def latents(subject: Subject, count: int, lane: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draws of the prior, (count, ...)."""
    return draw(subject.model.prior(subject.data), count, "latents", lane, device=CPU, dtype=dtype)


def updated_once(subject: Subject, player: Player, state: TrainState) -> None:
    """One update of a player over all lanes, vectorized, written into ``state``."""
    settings = Settings(steps=1, batch_size=BATCH, device=CPU, master=torch.float64)
    order, noise, corrected = inputs_of(player, SEEDS, 0, subject.examples, settings)
    stacked_update(skeletons(subject.model, subject.data), player, None)(
        state.params,
        {},
        state.buffers,
        state.slots[player.name],
        {name: c[0, 0] for name, c in corrected.items()},
        subject.examples,
        order[0, 0],
        {name: n[0, 0] for name, n in noise.items()},
    )


@contextmanager
def blamed(subject: Subject, what: str, remedy: str) -> Iterator[None]:
    """What the model's own code raises is a fault of the model, told with the line of its file."""
    try:
        yield
    except (Fault, NotRun):
        raise
    except Exception as error:
        raise Fault(f"{what} raises {raised(error, subject.file)}", remedy) from error


def described(value: object) -> str:
    """What something is, in a few words: ``a tensor of shape (7, 784)``."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if type(value).__module__ == "numpy":
        return f"a numpy array of shape {getattr(value, 'shape', ())}"
    if value is None:
        return "nothing (None)"
    if isinstance(value, tuple):
        return f"{len(value)} things"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def plain(dtype: torch.dtype) -> str:
    """``float32``."""
    return str(dtype).removeprefix("torch.")


def flat(state: TrainState) -> dict[str, Tensor]:
    """All tensors (K, ...) of a state by names that a person reads."""
    trees = (("", state.params), ("buffer ", state.buffers), ("optimizer of ", state.slots))
    return {
        f"{kind}{owner}.{name}": tensor
        for kind, tree in trees
        for owner, tensors in tree.items()
        for name, tensor in tensors.items()
    }


def first_difference(one: TrainState, other: TrainState, tolerance: float = 0.0) -> str:
    """The first tensor in which two states differ and by how much; empty where none does.

    Args:
        one: a state.
        other: another one of the same lanes.
        tolerance: relative and absolute; 0 asks for equal bits.
    """
    others = flat(other)
    for name, tensor in flat(one).items():
        same = (
            torch.equal(tensor, others[name])
            if tolerance == 0
            else torch.allclose(tensor, others[name], rtol=tolerance, atol=tolerance)
        )
        if not same:
            return f"{name} by {(tensor - others[name]).abs().max():.2g}"
    return ""
