"""One player's update - losses, gradients, optimizer, clipping - as one function over all lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import grad_and_value, vmap

from genbench.models.protocol import Batch, Logs, Nets, Player
from genbench.train.optimizers import apply

LaneTensors = Mapping[str, Mapping[str, Tensor]]
"""Parameters or buffers by network and name."""

LaneResult = tuple[dict[str, dict[str, Tensor]], dict[str, Tensor], Tensor, dict[str, Tensor]]
"""Trained parameters, optimizer slots, number of updates, logs."""


class Update(Protocol):
    """A player's update of all lanes, in place; see ``stacked_update``."""

    def __call__(
        self,
        params: LaneTensors,
        buffers: LaneTensors,
        slots: Mapping[str, Tensor],
        t: Tensor,
        examples: Tensor,
        index: Tensor,
        noise: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """Change params, slots and t; return the logs."""
        ...


def as_seen(examples: Tensor, dtype: torch.dtype) -> Tensor:
    """Examples as models see them: grey levels 0 to 255 (uint8) in [-1, 1], points (float) as they are."""
    x = examples.to(dtype)
    return x if examples.is_floating_point() else x / 127.5 - 1


def lane_update(
    modules: Mapping[str, nn.Module], player: Player, compute: torch.dtype | None
) -> Callable[..., LaneResult]:
    """The update of one lane as a pure function; vectorize it over lanes, then compile.

    Args:
        modules: the model's skeletons, in training mode.
        player: whose update.
        compute: dtype of the networks' arithmetic, ``None`` for that of the parameters.

    Returns:
        (params, buffers, slots, t, examples, index, noise) -> (trained params, slots, t, logs), all of one
        lane; ``examples`` is the whole training set (N, ...) and ``index`` (B,) picks the batch.
    """

    def update(
        params: LaneTensors,
        buffers: LaneTensors,
        slots: Mapping[str, Tensor],
        t: Tensor,
        examples: Tensor,
        index: Tensor,
        noise: Mapping[str, Tensor],
    ) -> LaneResult:
        x = as_seen(examples[index], t.dtype)

        def loss(trained: LaneTensors) -> tuple[Tensor, Logs]:
            tensors = {net: {**{**params, **trained}[net], **buffers[net]} for net in modules}
            return player.loss(Nets(modules, tensors, compute), Batch(x, noise))

        start = {net: params[net] for net in player.trains}
        gradients, (value, logs) = grad_and_value(loss, has_aux=True)(start)
        t = t + 1
        trained: dict[str, dict[str, Tensor]] = {net: {} for net in player.trains}
        kept: dict[str, Tensor] = {}
        for net in player.trains:
            for name, parameter in start[net].items():
                prefix = f"{net}.{name}."
                own = {key.removeprefix(prefix): s for key, s in slots.items() if key.startswith(prefix)}
                new, new_slots = apply(player.optimizer, parameter, gradients[net][name], own, t)
                trained[net][name] = new if player.clip is None else new.clamp(-player.clip, player.clip)
                kept.update({prefix + key: s for key, s in new_slots.items()})
        return trained, kept, t, {"loss": value, **logs}

    return update


def stacked_update(modules: Mapping[str, nn.Module], player: Player, compute: torch.dtype | None) -> Update:
    """The update of all lanes: vectorized, then written back into the state's own tensors.

    Writing back inside the compiled region lets the compiler store results where the inputs were, instead
    of allocating a second copy of the state in every step.

    Returns:
        (params, buffers, slots, t, examples, index, noise) -> logs, all with a leading K but examples.
    """
    lanes = vmap(lane_update(modules, player, compute), in_dims=(0, 0, 0, 0, None, 0, 0))

    def update(
        params: LaneTensors,
        buffers: LaneTensors,
        slots: Mapping[str, Tensor],
        t: Tensor,
        examples: Tensor,
        index: Tensor,
        noise: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        trained, kept, new_t, logs = lanes(params, buffers, slots, t, examples, index, noise)
        for net, tensors in trained.items():
            for name, tensor in tensors.items():
                params[net][name].copy_(tensor)
        for key, tensor in kept.items():
            slots[key].copy_(tensor)
        t.copy_(new_t)
        return {name: log.detach() for name, log in logs.items()}

    return update
