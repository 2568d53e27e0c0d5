"""What a step costs: parameters, examples and floating-point operations, counted and not guessed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import GenerativeModel, Player
from genbench.train.optimizers import corrections, slot_names
from genbench.train.state import skeletons
from genbench.train.update import lane_update, working_copies


def parameter_count(model: GenerativeModel, data: DataInfo) -> int:
    """Numbers that one lane trains."""
    networks = skeletons(model, data)
    return sum(math.prod(p.shape) for net in networks.values() for p in net.parameters())


def images_per_step(model: GenerativeModel, batch_size: int) -> int:
    """Real examples that one lane draws from the training set in one step."""
    return sum(player.repeats * batch_size for player in model.players if player.uses_data)


def flops_per_step(model: GenerativeModel, data: DataInfo, batch_size: int) -> int:
    """Floating-point operations of the matrix products and convolutions of one lane's step.

    Counted by torch's flop counter on an eager step of tensors without memory; a multiply-add is two
    operations, elementwise work (activations, optimizers) is not counted, as usual.
    """
    total = 0
    for player, update in imagined_updates(model, data, batch_size):
        with FlopCounterMode(display=False) as counter:
            update()
        total += player.repeats * counter.get_total_flops()
    return total


def state_bytes(
    model: GenerativeModel, data: DataInfo, master: torch.dtype, compute: torch.dtype | None
) -> int:
    """Bytes of one lane's parameters, their copies in the compute dtype, and what the optimizers remember."""
    networks = skeletons(model, data)
    sizes = {net: sum(math.prod(p.shape) for p in module.parameters()) for net, module in networks.items()}
    slots = sum(len(slot_names(p.optimizer)) * sizes[net] for p in model.players for net in p.trains)
    copies = 0 if compute is None else compute.itemsize
    return sum(sizes.values()) * (master.itemsize + copies) + slots * master.itemsize


def imagined_updates(
    model: GenerativeModel,
    data: DataInfo,
    batch_size: int,
    master: torch.dtype = torch.float32,
    compute: torch.dtype | None = None,
) -> Iterator[tuple[Player, Callable[[], object]]]:
    """Each player with an eager update of one lane on tensors without memory, to be run and watched."""
    meta = torch.device("meta")
    modules = skeletons(model, data)
    params = {
        net: {name: p.to(master) for name, p in module.named_parameters()} for net, module in modules.items()
    }
    buffers = {net: dict(module.named_buffers()) for net, module in modules.items()}
    for player in model.players:
        slots = {
            f"{net}.{name}.{slot}": torch.empty_like(tensor)
            for net in player.trains
            for name, tensor in params[net].items()
            for slot in slot_names(player.optimizer)
        }
        noise = {
            name: torch.empty((batch_size, *n.shape), dtype=master, device=meta)
            for name, n in player.noise.items()
        }
        kind = torch.uint8 if data.is_image else torch.float32
        yield (
            player,
            partial(
                _imagined,
                lane_update(modules, player, compute),
                params,
                working_copies(params, compute),
                buffers,
                slots,
                corrections(player.optimizer, torch.ones((), device=meta), master),
                torch.empty((1, *data.shape), dtype=kind, device=meta),
                torch.zeros(batch_size, dtype=torch.int64, device=meta),
                noise,
            ),
        )


def _imagined(update: Callable[..., object], *inputs: object) -> object:
    """The update, in which a tensor that a loss makes without naming a device has no memory either."""
    with torch.device("meta"):
        return update(*inputs)
