"""Random streams: noise and data order as pure functions of the seed and the step.

Every block of every stream has a seed of its own, so any block can be drawn without those before it: a
lane's numbers do not depend on the other lanes, and continuing from a checkpoint needs only the step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.models.protocol import Noise, Player

BLOCK = 32
"""Steps whose inputs are drawn at once. Part of the protocol: another block is another stream."""

Orders = dict[tuple[int, str], tuple[int, Tensor]]
"""By seed and player: an epoch and its order of all examples, (N,) int32."""


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
    player: Player,
    seeds: Sequence[int],
    block: int,
    batch_size: int,
    examples: int,
    *,
    device: torch.device,
    orders: Orders | None = None,
) -> Tensor:
    """Which training examples one block of steps uses: (BLOCK, repeats, K, B) int64.

    Each lane walks through permutations of all ``examples``, one an epoch, each example once; a batch may
    straddle two epochs. To draw an epoch's order takes as long as many steps of a small network, and an epoch
    lasts many blocks: ``orders`` keeps the last one of each lane, and is changed.
    """
    if not player.uses_data:
        # Nothing is drawn; a constant index keeps the shape of an update the same for every player.
        return torch.zeros((BLOCK, player.repeats, len(seeds), 1), dtype=torch.int64, device=device)
    count = BLOCK * player.repeats * batch_size
    kept: Orders = {} if orders is None else orders
    lanes = [_positions(examples, seed, player.name, block * count, count, kept) for seed in seeds]
    order = torch.stack([lane.view(BLOCK, player.repeats, batch_size) for lane in lanes], dim=2)
    return order.to(device)


def _positions(examples: int, seed: int, player: str, start: int, count: int, kept: Orders) -> Tensor:
    parts: list[Tensor] = []
    while count > 0:
        epoch, offset = divmod(start, examples)
        if kept.get((seed, player), (-1,))[0] != epoch:
            generator = torch.Generator().manual_seed(derive_seed(seed, "order", player, epoch))
            kept[seed, player] = (epoch, torch.randperm(examples, generator=generator).to(torch.int32))
        part = kept[seed, player][1][offset : offset + count]
        parts.append(part)
        start, count = start + len(part), count - len(part)
    return torch.cat(parts).to(torch.int64)
