"""What a step costs: parameters, examples and floating-point operations, counted and not guessed."""

from __future__ import annotations

import math

import torch
from torch.utils.flop_counter import FlopCounterMode

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import GenerativeModel
from genbench.train.optimizers import corrections, slot_names
from genbench.train.state import skeletons
from genbench.train.update import lane_update


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
    meta = torch.device("meta")
    modules = skeletons(model, data)
    params = {net: dict(module.named_parameters()) for net, module in modules.items()}
    buffers = {net: dict(module.named_buffers()) for net, module in modules.items()}
    total = 0
    for player in model.players:
        slots = {
            f"{net}.{name}.{slot}": torch.empty_like(tensor)
            for net in player.trains
            for name, tensor in params[net].items()
            for slot in slot_names(player.optimizer)
        }
        noise = {n: torch.empty((batch_size, *d.shape), device=meta) for n, d in player.noise.items()}
        kind = torch.uint8 if data.is_image else torch.float32
        examples = torch.empty((1, *data.shape), dtype=kind, device=meta)
        index = torch.zeros(batch_size, dtype=torch.int64, device=meta)
        corrected = corrections(player.optimizer, torch.ones((), device=meta), torch.float32)
        with FlopCounterMode(display=False) as counter:
            lane_update(modules, player, None)(params, {}, buffers, slots, corrected, examples, index, noise)
        total += player.repeats * counter.get_total_flops()
    return total
