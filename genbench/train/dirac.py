"""The Dirac-GAN (Mescheder et al. 2018, arXiv:1801.04406) played with a model's own losses and optimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.fx.experimental.proxy_tensor import make_fx

from genbench.core.datainfo import DataInfo
from genbench.models.optim import SGD
from genbench.models.protocol import GenerativeModel, Player
from genbench.train.game import coordinates, generator_and_judge, vector_field
from genbench.train.optimizers import corrections, slot_names
from genbench.train.state import Tree
from genbench.train.update import lane_update

POINT = DataInfo("dirac", (1,))
"""The data of the game: all examples are the point 0."""


class _Constant(nn.Module):
    """G(z) = theta, whatever z."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(1))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta.expand(len(z), 1)


@dataclass(frozen=True, eq=False)
class Dirac:
    """A model's Dirac-GAN: its networks are replaced by G = theta and D(x) = psi x, all else is its own.

    Its noise is 0, where it matters at all: G does not look at it.

    Attributes:
        generator: the player that trains theta.
        judge: the player that trains psi.
        order: both, in the order of a step.
    """

    generator: Player
    judge: Player
    order: tuple[Player, ...]

    @property
    def modules(self) -> dict[str, nn.Module]:
        """Both networks as skeletons."""
        with torch.device("meta"):
            return {self._g: _Constant(), self._d: nn.Linear(1, 1, bias=False)}

    def field(self, w: Tensor) -> Tensor:
        """(theta, psi) to minus both gradients, (2,) both."""
        params = {self._g: {"theta": w[:1]}, self._d: {"weight": w[1:].view(1, 1)}}
        pair = (self.generator, self.judge)
        field = vector_field(
            self.modules, pair, coordinates(pair, params), self._buffers, _examples(w), self._noise(w)
        )
        return field(w)

    @property
    def slopes(self) -> tuple[float, float]:
        """Of the generator's and the judge's loss in the judge's output on samples, at output 0.

        Where psi = 1 the output on samples is theta, and where theta = 1 it is psi; on examples it is 0.
        """
        one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        at_generator, at_judge = self.field(torch.cat((zero, one))), self.field(torch.cat((one, zero)))
        return -float(at_generator[0]), -float(at_judge[1])

    @property
    def turn(self) -> float | None:
        """h^2 a^2 of a round where both players descend by plain SGD."""
        product = -self.slopes[0] * self.slopes[1]
        for player in self.order:
            if not isinstance(player.optimizer, SGD) or player.optimizer.momentum:
                return None
            product *= player.optimizer.lr * player.repeats
        return product

    @property
    def linear(self) -> bool:
        """Whether the steps of both optimizers are linear in the gradient."""
        return all(isinstance(player.optimizer, SGD) for player in self.order)

    @torch.no_grad()
    def play(self, starts: Tensor, rounds: int) -> tuple[Tensor, Tensor]:
        """Play from starting points (N, 2) of (theta, psi), simultaneously and in turn.

        A round is a step of training: each player makes its ``repeats`` updates in the order of the model.
        Simultaneous players see the others as they were when the round began.

        Returns:
            The radius sqrt(theta^2 + psi^2) after each round and at the start, (rounds + 1, N) each.
        """
        n = len(starts)
        both = torch.cat((starts, starts))  # the first N lanes play simultaneously, the others in turn
        params: Tree = {self._g: {"theta": both[:, :1]}, self._d: {"weight": both[:, 1:].unsqueeze(2)}}
        updates = [self._update(player, params, rounds) for player in self.order]
        radii = [both.norm(dim=1)]
        for each in range(rounds):
            before = dict(params)
            for update in updates:
                update(each, before, params, n)
            radii.append(
                torch.cat([p.flatten(1) for t in params.values() for p in t.values()], 1).norm(dim=1)
            )
        radius = torch.stack(radii)
        return radius[:, :n], radius[:, n:]

    def _update(self, player: Player, params: Tree, rounds: int) -> Callable[[int, Tree, Tree, int], None]:
        """All updates of a player in one round; it changes ``params``."""
        like = params[self._g]["theta"]
        modules, examples, noise = self.modules, _examples(like), self._noise(like)
        index = torch.zeros(1, dtype=torch.int64, device=like.device)
        slots = {
            f"{net}.{name}.{slot}": torch.zeros_like(tensor)
            for net in player.trains
            for name, tensor in params[net].items()
            for slot in slot_names(player.optimizer)
        }
        numbers = torch.arange(1, rounds * player.repeats + 1, device=like.device)
        corrected = corrections(player.optimizer, numbers, like.dtype)
        lanes = vmap(lane_update(modules, player, None), in_dims=(0, 0, 0, 0, None, None, None, None))
        first = {key: value[0] for key, value in corrected.items()}
        # the same operations, recorded once: differentiating anew at each of thousands of rounds takes four
        # times as long as playing
        update = make_fx(lanes)(params, {}, self._buffers, slots, first, examples, index, noise)

        def play(each: int, before: Tree, now: Tree, simultaneous: int) -> None:
            for repeat in range(player.repeats):
                seen = {
                    net: tensors
                    if net in player.trains
                    else {
                        k: torch.cat((before[net][k][:simultaneous], p[simultaneous:]))
                        for k, p in tensors.items()
                    }
                    for net, tensors in now.items()
                }
                at = each * player.repeats + repeat
                scalars = {key: value[at] for key, value in corrected.items()}
                trained, kept, _ = update(seen, {}, self._buffers, slots, scalars, examples, index, noise)
                now.update(trained)
                slots.update(kept)

        return play

    @property
    def _g(self) -> str:
        return self.generator.trains[0]

    @property
    def _d(self) -> str:
        return self.judge.trains[0]

    @property
    def _buffers(self) -> Mapping[str, Mapping[str, Tensor]]:
        return {self._g: {}, self._d: {}}

    def _noise(self, like: Tensor) -> dict[str, Tensor]:
        return {
            name: like.new_zeros(1, *noise.shape)
            for player in self.order
            for name, noise in player.noise.items()
        }


def _examples(like: Tensor) -> Tensor:
    return like.new_zeros(1, *POINT.shape)


def dirac_of(model: GenerativeModel, data: DataInfo) -> Dirac | str:
    """The Dirac-GAN of a model that is made for some data, or why it has none."""
    players = generator_and_judge(model, data)
    if isinstance(players, str):
        return players
    if any(len(player.trains) != 1 for player in players):
        return "a player trains several networks, of which the Dirac-GAN has one each"
    return Dirac(*players, model.players)
