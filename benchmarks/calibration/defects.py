"""Defects that are planted on purpose, so that it is known what a gate has to catch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import thread_time
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from genbench.core.registry import datasets
from genbench.runner import attempt
from genbench.runner.cohort import TrainedCohort
from genbench.suite.plan import Cohort
from genbench.train import trainer


@dataclass(frozen=True, slots=True)
class Defect:
    """What is done to the new side of a comparison.

    Attributes:
        name: of the defect.
        rates: every learning rate is taken this many times.
        steps: this share of the training steps is made.
        lost_mode: a mode of the ring of which training sees no point; measures see the data as it is.
        extra_work: the processor is kept busy longer, by this share of the time that the steps keep it.
    """

    name: str
    rates: float = 1.0
    steps: float = 1.0
    lost_mode: int | None = None
    extra_work: float = 0.0


NONE = Defect("none")
RATES = Defect("learning rates x 10", rates=10.0)
STEPS = Defect("half the steps", steps=0.5)
LOST_MODE = Defect("one of eight modes lost", lost_mode=0)
SLOWER = Defect("steps 20 % slower", extra_work=0.2)

OF_QUALITY = (RATES, STEPS, LOST_MODE)
"""Those that the numbers of seeds are to show; ``SLOWER`` is for measurements of time."""


@contextmanager
def planted(defect: Defect) -> Iterator[None]:
    """What is trained meanwhile has those defects that no suite can ask for: a lost mode, slower steps."""
    with ExitStack() as stack:
        if defect.lost_mode is not None:
            stack.enter_context(_without_mode(defect.lost_mode))
        if defect.extra_work:
            stack.enter_context(_slower(defect.extra_work))
        yield


@contextmanager
def _without_mode(mode: int) -> Iterator[None]:
    """Training is given the ring's examples without those of one mode.

    The dataset stays as it is, and with it the reference and every hash: no protocol betrays the defect.
    """
    kept = torch.from_numpy(datasets.get("ring")().load().train_labels) != mode
    real: Callable[..., TrainedCohort] = vars(attempt)["train_cohort"]

    def train_cohort(cohort: Cohort, *, examples: Tensor, **rest: Any) -> TrainedCohort:
        return real(cohort, examples=examples[kept.to(examples.device)], **rest)

    with patch.object(attempt, "train_cohort", train_cohort):
        yield


@contextmanager
def _slower(share: float) -> Iterator[None]:
    """The steps of a training on the CPU take longer by a share of the processor's time that they took.

    It is added block by block: one more Python function around every step would itself take a thirtieth of
    a small network's step. A sleep would do on a quiet machine. On a busy one the time of a step includes
    that of others, and to sleep costs nothing of what they leave: neither is what a slower program is.
    """
    real = trainer._run_segment

    def run_segment(*arguments: Any) -> dict[str, Tensor]:
        began = thread_time()
        logs = real(*arguments)
        until = began + (1 + share) * (thread_time() - began)
        while thread_time() < until:
            pass
        return logs

    with patch.object(trainer, "_run_segment", run_segment):
        yield
