"""The state of a cohort in training: every tensor has a leading lane axis K."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genbench.core.datainfo import DataInfo
from genbench.core.ids import derive_seed
from genbench.models.protocol import GenerativeModel
from genbench.train.optimizers import slot_names

Tree = dict[str, dict[str, Tensor]]
"""Tensors (K, ...) by owner and name."""


@dataclass(slots=True)
class TrainState:
    """All that training changes. Updates write into these tensors in place; nothing else holds them.

    Attributes:
        params: parameters by network and name, (K, ...).
        buffers: buffers by network and name, (K, ...): standing statistics, filled before sampling.
        slots: what the optimizers remember, by player and then "network.parameter.slot", (K, ...).
        step: number of finished steps.
    """

    params: Tree
    buffers: Tree
    slots: Tree
    step: int = 0

    @property
    def lanes(self) -> int:
        """K."""
        return len(self._any)

    @property
    def dtype(self) -> torch.dtype:
        """The master precision: that of parameters and moments."""
        return self._any.dtype

    @property
    def _any(self) -> Tensor:
        return next(tensor for tensors in self.params.values() for tensor in tensors.values())


def lane_tensors(state: TrainState, lane: int) -> Tree:
    """Parameters and buffers of one lane, by network and name."""
    return {
        net: {name: tensor[lane] for name, tensor in {**params, **state.buffers[net]}.items()}
        for net, params in state.params.items()
    }


def skeletons(model: GenerativeModel, data: DataInfo) -> dict[str, nn.Module]:
    """The networks without memory of their own (on the meta device): they give only the computation."""
    with torch.device("meta"):
        return dict(model.networks(data))


def initial_state(
    model: GenerativeModel,
    data: DataInfo,
    seeds: Sequence[int],
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> TrainState:
    """Fresh networks for each seed. A lane's initial parameters depend on its seed alone.

    Args:
        model: whose networks to make.
        data: shape of the examples.
        seeds: one for each lane.
        device: where the state lives.
        dtype: of parameters and moments (the master precision).
    """
    lanes = [_fresh_networks(model, data, seed) for seed in seeds]

    def stack(pick: Mapping[str, Sequence[Mapping[str, Tensor]]]) -> Tree:
        return {
            net: {
                name: torch.stack([lane[name] for lane in tensors]).to(device=device, dtype=dtype)
                for name in tensors[0]
            }
            for net, tensors in pick.items()
        }

    params = stack({net: [dict(lane[net].named_parameters()) for lane in lanes] for net in lanes[0]})
    buffers = stack({net: [dict(lane[net].named_buffers()) for lane in lanes] for net in lanes[0]})
    slots: Tree = {
        player.name: {
            f"{net}.{name}.{slot}": torch.zeros_like(tensor)
            for net in player.trains
            for name, tensor in params[net].items()
            for slot in slot_names(player.optimizer)
        }
        for player in model.players
    }
    return TrainState(params, buffers, slots)


def _fresh_networks(model: GenerativeModel, data: DataInfo, seed: int) -> Mapping[str, nn.Module]:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        # not torch.manual_seed, which would reseed other devices for good
        torch.default_generator.manual_seed(derive_seed(seed, "initial parameters"))
        networks = model.networks(data)
        for net in networks.values():
            net.requires_grad_(False)
        return networks
