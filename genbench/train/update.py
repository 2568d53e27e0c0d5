"""One player's update - losses, gradients, optimizer, clipping - as one function over all lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import grad_and_value, vmap

from genbench.models.protocol import Batch, Logs, Nets, Player
from genbench.train.optimizers import Corrections, apply

GRADIENT_NORM = "gradient_norm"
"""The log of the Euclidean norm of all gradients of a player, before its optimizer sees them."""

LaneTensors = Mapping[str, Mapping[str, Tensor]]
"""Parameters or buffers by network and name."""

LaneResult = tuple[dict[str, dict[str, Tensor]], dict[str, Tensor], dict[str, Tensor]]
"""Trained parameters, optimizer slots, logs."""


class Update(Protocol):
    """A player's update of all lanes, in place; see ``stacked_update``."""

    def __call__(
        self,
        params: LaneTensors,
        working: LaneTensors,
        buffers: LaneTensors,
        slots: Mapping[str, Tensor],
        corrected: Corrections,
        examples: Tensor,
        index: Tensor,
        noise: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """Change params, working copies and slots; return the logs."""
        ...


def as_seen(examples: Tensor, dtype: torch.dtype) -> Tensor:
    """Examples as models see them: grey levels 0 to 255 (uint8) in [-1, 1], points (float) as they are."""
    x = examples.to(dtype)
    return x if examples.is_floating_point() else x / 127.5 - 1


def working_copies(params: LaneTensors, compute: torch.dtype | None) -> dict[str, dict[str, Tensor]]:
    """The parameters in the dtype that networks compute in; none where that is their own.

    They are kept beside the parameters and written by the optimizer, because to cast all parameters anew in
    every update takes longer than that: the optimizer has each of them at hand anyway.
    """
    if compute is None:
        return {}
    return {net: {name: p.to(compute) for name, p in tensors.items()} for net, tensors in params.items()}


def lane_update(
    modules: Mapping[str, nn.Module], player: Player, compute: torch.dtype | None
) -> Callable[..., LaneResult]:
    """The update of one lane as a pure function; vectorize it over lanes, then compile.

    Args:
        modules: the model's skeletons, in training mode.
        player: whose update.
        compute: dtype of the networks' arithmetic, ``None`` for that of the parameters.

    Returns:
        (params, working, buffers, slots, corrected, examples, index, noise) -> (trained params, slots, logs),
        all of one lane; ``working`` is from ``working_copies``, ``examples`` the whole training set (N, ...),
        and ``index`` (B,) picks the batch.
    """

    def update(
        params: LaneTensors,
        working: LaneTensors,
        buffers: LaneTensors,
        slots: Mapping[str, Tensor],
        corrected: Corrections,
        examples: Tensor,
        index: Tensor,
        noise: Mapping[str, Tensor],
    ) -> LaneResult:
        weights = params if compute is None else working
        master = next(iter(params[player.trains[0]].values())).dtype
        x = as_seen(examples[index], master)

        def loss(trained: LaneTensors) -> tuple[Tensor, Logs]:
            tensors = {net: {**{**weights, **trained}[net], **buffers[net]} for net in modules}
            return _scalars(player, player.loss(Nets(modules, tensors, compute), Batch(x, noise)))

        start = {net: weights[net] for net in player.trains}
        gradients, (value, logs) = grad_and_value(loss, has_aux=True)(start)
        trained: dict[str, dict[str, Tensor]] = {net: {} for net in player.trains}
        kept: dict[str, Tensor] = {}
        squares: list[Tensor] = []
        for net in player.trains:
            for name, parameter in params[net].items():
                prefix = f"{net}.{name}."
                own = {key.removeprefix(prefix): s for key, s in slots.items() if key.startswith(prefix)}
                gradient = gradients[net][name].to(master)
                squares.append(gradient.square().sum())
                new, new_slots = apply(player.optimizer, parameter, gradient, own, corrected)
                trained[net][name] = new if player.clip is None else new.clamp(-player.clip, player.clip)
                kept.update({prefix + key: s for key, s in new_slots.items()})
        norm = torch.stack(squares).sum().sqrt()
        return trained, kept, {"loss": value, GRADIENT_NORM: norm, **logs}

    return update


def _scalars(player: Player, given: object) -> tuple[Tensor, Logs]:
    """What a loss gave, if it is a real scalar to be minimized and scalars to be logged.

    Raises:
        TypeError: it is not; what vectorizing and differentiating say then names neither loss nor log.
    """
    where = f"the loss of player {player.name!r}"
    if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping)):
        raise TypeError(f"{where} returns {_kind(given)}, expected (loss, logs), logs a mapping of scalars")
    value, logs = given
    for what, scalar in (("loss", value), *logs.items()):
        if not isinstance(scalar, Tensor) or scalar.ndim or scalar.is_complex():
            raise TypeError(f"{where} returns {_kind(scalar)} as {what!r}, expected a real scalar tensor")
    return value, logs


def _kind(thing: object) -> str:
    """A thing in an error message: a tensor by dtype and shape, anything else by type."""
    if isinstance(thing, Tensor):
        return f"a {str(thing.dtype).removeprefix('torch.')} tensor of shape {tuple(thing.shape)}"
    return f"a {type(thing).__name__}"


def stacked_update(modules: Mapping[str, nn.Module], player: Player, compute: torch.dtype | None) -> Update:
    """The update of all lanes: vectorized, then written back into the state's own tensors.

    Writing back inside the compiled region lets the compiler store results where the inputs were, instead
    of allocating a second copy of the state in every step.

    Returns:
        As ``lane_update``, but -> logs: everything with a leading K but ``examples`` and ``corrected``, which
        all lanes share.
    """
    lanes = vmap(lane_update(modules, player, compute), in_dims=(0, 0, 0, 0, None, None, 0, 0))

    def update(
        params: LaneTensors,
        working: LaneTensors,
        buffers: LaneTensors,
        slots: Mapping[str, Tensor],
        corrected: Corrections,
        examples: Tensor,
        index: Tensor,
        noise: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        trained, kept, logs = lanes(params, working, buffers, slots, corrected, examples, index, noise)
        for net, tensors in trained.items():
            for name, tensor in tensors.items():
                params[net][name].copy_(tensor)
                if compute is not None:
                    working[net][name].copy_(tensor)
        for key, tensor in kept.items():
            slots[key].copy_(tensor)
        return {name: log.detach() for name, log in logs.items()}

    return update
