"""Training as a vector field: minus the gradients of all players, as a function of all parameters at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from genbench.core.datainfo import DataInfo
from genbench.models.optim import SGD
from genbench.models.protocol import Batch, GenerativeModel, Judging, Nets, Player
from genbench.train.state import Tree, initial_state
from genbench.train.trace import networks_of_sampler
from genbench.train.update import LaneTensors, as_seen, lane_update


@dataclass(frozen=True)
class Coordinates:
    """All trained parameters of a lane as one vector, a player after the other.

    Attributes:
        shapes: of each parameter by network and name, in the order of the vector.
        players: how many numbers each player trains.
        bounds: on the magnitude of each player's parameters.
    """

    shapes: Mapping[tuple[str, str], torch.Size]
    players: tuple[int, ...]
    bounds: tuple[float, ...]

    def join(self, params: LaneTensors) -> Tensor:
        """Parameters by network and name to (P,)."""
        return torch.cat([params[net][name].flatten() for net, name in self.shapes])

    def split(self, w: Tensor) -> Tree:
        """(P,) to parameters by network and name."""
        params: Tree = {}
        parts = torch.split(w, [shape.numel() for shape in self.shapes.values()])
        for ((net, name), shape), part in zip(self.shapes.items(), parts, strict=True):
            params.setdefault(net, {})[name] = part.view(shape)
        return params


def coordinates(players: tuple[Player, ...], params: LaneTensors) -> Coordinates:
    """Of these players' networks."""
    own = [[(net, name) for net in player.trains for name in params[net]] for player in players]
    sizes = tuple(sum(params[net][name].numel() for net, name in mine) for mine in own)
    bounds = tuple(math.inf if player.clip is None else player.clip for player in players)
    return Coordinates({key: params[key[0]][key[1]].shape for mine in own for key in mine}, sizes, bounds)


def vector_field(
    modules: Mapping[str, nn.Module],
    players: tuple[Player, ...],
    at: Coordinates,
    buffers: LaneTensors,
    examples: Tensor,
    noise: Mapping[str, Tensor],
) -> Callable[[Tensor], Tensor]:
    """v(w): what the training update itself moves each parameter by, with plain gradient descent of rate 1.

    Args:
        modules: the model's skeletons, in training mode.
        players: all of them; each moves by its own loss.
        at: the order of the parameters.
        buffers: of the networks.
        examples: one batch (B, ...), as stored.
        noise: by name, (B, ...); players with noise of one name see the same draws.
    """
    plain = [replace(player, optimizer=SGD(lr=1.0), clip=None) for player in players]
    updates = [lane_update(modules, player, None) for player in plain]
    index = torch.arange(len(examples), device=examples.device)

    def field(w: Tensor) -> Tensor:
        params, moved = at.split(w), at.split(w)
        one = {"rate": w.new_ones(())}
        for update in updates:
            trained, _, _ = update(params, {}, buffers, {}, one, examples, index, noise)
            moved.update(trained)
        return at.join(moved) - w

    return field


def value_of(
    modules: Mapping[str, nn.Module],
    judge: Player,
    buffers: LaneTensors,
    examples: Tensor,
    noise: Mapping[str, Tensor],
) -> Callable[[Mapping[str, Mapping[str, Tensor]]], Tensor]:
    """Parameters by network and name to M, minus the judge's loss: what the zero-sum game is about."""

    def value(params: Mapping[str, Mapping[str, Tensor]]) -> Tensor:
        tensors = {net: {**params[net], **buffers[net]} for net in modules}
        dtype = next(iter(params[judge.trains[0]].values())).dtype
        loss, _ = judge.loss(Nets(modules, tensors), Batch(as_seen(examples, dtype), noise))
        return -loss

    return value


def generator_and_judge(model: GenerativeModel, data: DataInfo) -> tuple[Player, Player] | str:
    """The two players of an adversarial model, or why it has none."""
    players = model.players
    if len(players) == 1:
        return "a single objective: no game"
    if len(players) != 2 or not isinstance(model, Judging):
        return f"{len(players)} players; only a game of a generator and a judge is looked at"
    sampled = set(
        networks_of_sampler(model, data, initial_state(model, data, (0,), device=torch.device("cpu")))
    )
    trained = [sampled <= set(player.trains) for player in players]
    if trained == [True, False]:
        return players[0], players[1]
    if trained == [False, True]:
        return players[1], players[0]
    return "no one player trains the networks that make samples"
