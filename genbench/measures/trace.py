"""What training wrote on its way of one lane, so that its stability can be measured afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Trace:
    """One lane at regular steps, from before the first one on.

    Attributes:
        steps: (T,) finished steps at each snapshot, ascending: 0, ``spacing``, 2 ``spacing``, ...
        spacing: steps between two snapshots.
        samples: (T, N, ...) what the generator made of the same N latents, as examples are stored (uint8
            images, float32 points); the generator normalizes by this batch, as it does in training.
        moved: (T,) float64, Euclidean distance of the generator's parameters from those of the snapshot
            before; 0 at the first.
        displaced: Euclidean distance of the generator's parameters at the last snapshot from those at the
            snapshot ``middle``.
        middle: index of the first snapshot of the late half.
        gradient_norms: by player, (steps,) float32: the norm of its gradient in every step of training (of
            its last update in the step).
        player: the player that trains the generator.
    """

    steps: tuple[int, ...]
    spacing: int
    samples: Tensor
    moved: Tensor
    displaced: float
    middle: int
    gradient_norms: Mapping[str, Tensor]
    player: str
