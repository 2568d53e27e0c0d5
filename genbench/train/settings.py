"""What a cohort is trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

Compile = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The part of a suite that the trainer needs, with everything ``auto`` but ``compile`` decided.

    Attributes:
        steps: steps to train; in one step every player makes its updates.
        batch_size: images (or draws of noise) in one update.
        device: where.
        compute: dtype of the networks' arithmetic, ``None`` for that of the parameters.
        compile: whether the updates are compiled; ``auto`` compiles where the planned steps repay it.
        save_every: steps between two checkpoints; 0 for none but the last.
        evaluate_every: steps between two evaluations on the way; 0 for none.
        trace_every: steps between two snapshots of the trace; 0 for none.
        keep_seconds: at least so long lies between two keepings of what training can be continued from, but
            for those at the steps of ``save_every`` and at the end.
        master: dtype of parameters and moments. Parity tests use float64.
        processes: how many train side by side on this machine; they slow each other down.
    """

    steps: int
    batch_size: int
    device: torch.device
    compute: torch.dtype | None = None
    compile: Compile = "auto"
    save_every: int = 0
    evaluate_every: int = 0
    trace_every: int = 0
    keep_seconds: float = 60.0
    master: torch.dtype = torch.float32
    processes: int = 1
