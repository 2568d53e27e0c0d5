"""Interleaved rounds: everyone once a round, in rotating order, and the device's own peak with them.

A machine that slows down slows all of a round, so what is compared is compared within rounds.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from genbench.train.accounting import flops_per_step, images_per_step, parameter_count
from genbench.train.device import COMPUTE, Precision
from genbench.train.peak import matrix_product_peak
from versus.cases import Case
from versus.contestants import Contestant, timed, warmed_up

RESAMPLES = 10_000
"""Of the rounds, for an interval."""


@dataclass(slots=True)
class Times:
    """How long one contestant took.

    Attributes:
        name: of the contestant.
        lanes: seeds in one step.
        precision: of its arithmetic.
        steps: that it made in each round.
        compile_s: see ``Contestant``.
        seconds: of each round.
    """

    name: str
    lanes: int
    precision: Precision
    steps: int
    compile_s: float | None
    seconds: list[float] = field(default_factory=list)

    @property
    def each(self) -> list[float]:
        """Seconds a step and lane, of each round."""
        return [seconds / self.steps / self.lanes for seconds in self.seconds]


@dataclass(slots=True)
class Result:
    """A case and its times.

    Attributes:
        name: of the case.
        title: of the case.
        batch_size: of every update.
        parameters: numbers that one lane trains, on both sides.
        flops: of one lane's step: products and convolutions that the algorithm needs.
        images: real examples in one lane's step.
        times: of each contestant, the plain script first.
        peaks: FLOP/s of a large matrix product in each round, by precision.
    """

    name: str
    title: str
    batch_size: int
    parameters: int
    flops: int
    images: int
    times: list[Times]
    peaks: dict[Precision, list[float]]


def run_case(
    case: Case,
    everyone: Sequence[Contestant],
    device: torch.device,
    *,
    rounds: int,
    seconds: float,
) -> Result:
    """Warm up everyone, then time all of them in every round."""
    times = []
    for contestant in everyone:
        steps = warmed_up(contestant, seconds, device)
        times.append(
            Times(contestant.name, contestant.lanes, contestant.precision, steps, contestant.compile_s)
        )
    peaks: dict[Precision, list[float]] = {each.precision: [] for each in times}
    for number in range(rounds):
        for place in range(len(times)):
            who = (number + place) % len(times)
            times[who].seconds.append(timed(everyone[who], times[who].steps, device))
        for precision, found in peaks.items():
            speeds = matrix_product_peak(device, COMPUTE[precision] or torch.float32)
            found.append(statistics.median(speeds))
    return Result(
        case.name,
        case.title,
        case.batch_size,
        parameter_count(case.model, case.info),
        flops_per_step(case.model, case.info, case.batch_size),
        images_per_step(case.model, case.batch_size),
        times,
        peaks,
    )


def ratio(eager: Sequence[float], ours: Sequence[float]) -> tuple[float, float, float]:
    """The median over rounds of eager's time over ours in the same round, and its 95 % bootstrap interval."""
    quotients = np.array(eager) / np.array(ours)
    draws = np.random.default_rng(0).choice(quotients, (RESAMPLES, len(quotients)))
    low, high = np.quantile(np.median(draws, axis=1), (0.025, 0.975))
    return float(np.median(quotients)), float(low), float(high)
