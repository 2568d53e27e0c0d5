"""Random streams: noise and data order as pure functions of the seed and the step.

Every block of every stream has a seed of its own, so any block can be drawn without those before it: a
lane's numbers do not depend on the other lanes, and continuing from a checkpoint needs only the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.models.protocol import Noise, Player

BLOCK = 32
"""Steps whose inputs are drawn at once. Part of the protocol: another block is another stream."""


def draw(noise: Noise, count: int, *seed: int | str, device: torch.device, dtype: torch.dtype) -> Tensor:
    """``count`` draws (count, *noise.shape) of the stream named by ``seed``."""
    generator = torch.Generator(device).manual_seed(derive_seed(*seed))
    out = torch.empty((count, *noise.shape), device=device, dtype=dtype)
    if noise.distribution == "normal":
        return out.normal_(generator=generator)
    return out.uniform_(-1, 1, generator=generator)


def noise_block(
    player: Player,
    seeds: Sequence[int],
    block: int,
    batch_size: int,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, Tensor]:
    """The noise of one block of steps: by name, (BLOCK, repeats, K, B, *shape)."""
    count = BLOCK * player.repeats * batch_size
    return {
        name: torch.stack(
            [
                draw(noise, count, seed, "noise", player.name, name, block, device=device, dtype=dtype).view(
                    BLOCK, player.repeats, batch_size, *noise.shape
                )
                for seed in seeds
            ],
            dim=2,
        )
        for name, noise in player.noise.items()
    }


def order_block(
    player: Player, seeds: Sequence[int], block: int, batch_size: int, examples: int, *, device: torch.device
) -> Tensor:
    """Which training examples one block of steps uses: (BLOCK, repeats, K, B) int64.

    Each lane walks through permutations of all ``examples``, one an epoch, each example once; a batch may
    straddle two epochs.
    """
    count = BLOCK * player.repeats * batch_size if player.uses_data else 0
    lanes = [_positions(examples, seed, player.name, block * count, count) for seed in seeds]
    if not player.uses_data:
        # Nothing is drawn; a constant index keeps the shape of an update the same for every player.
        return torch.zeros((BLOCK, player.repeats, len(seeds), 1), dtype=torch.int64, device=device)
    order = torch.stack([lane.view(BLOCK, player.repeats, batch_size) for lane in lanes], dim=2)
    return order.to(device)


def _positions(examples: int, seed: int, player: str, start: int, count: int) -> Tensor:
    parts: list[Tensor] = []
    while count > 0:
        epoch, offset = divmod(start, examples)
        part = _permutation(examples, seed, player, epoch)[offset : offset + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return torch.cat(parts) if parts else torch.empty(0, dtype=torch.int64)


@lru_cache(maxsize=64)
def _permutation(examples: int, seed: int, player: str, epoch: int) -> Tensor:
    # An epoch lasts many blocks, and to draw its order takes as long as many steps of small networks.
    generator = torch.Generator().manual_seed(derive_seed(seed, "order", player, epoch))
    return torch.randperm(examples, generator=generator)
