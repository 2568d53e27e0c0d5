"""What a lane has cost until a step, as records beside its quality at that step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genbench.core.datainfo import DataInfo
from genbench.core.record import Better, Column
from genbench.measures.evidence import Reading
from genbench.models.protocol import GenerativeModel
from genbench.train.accounting import flops_per_step, images_per_step
from genbench.train.device import device_name
from genbench.train.settings import Settings
from genbench.train.training import Training

SECONDS = Column(
    "cost.seconds",
    "s",
    Better.LOWER,
    low=0.0,
    meaning="training time of a cohort over its lanes; compiling and evaluation left out",
)
IMAGES = Column("cost.images", "", Better.NEITHER, low=0.0, meaning="real examples drawn by one lane")
GFLOP = Column("cost.gflop", "GFLOP", Better.NEITHER, low=0.0, meaning="operations of one lane's steps")

COLUMNS = (SECONDS, IMAGES, GFLOP)
"""They come from the runner, as a trial's outcome does: no measure of a lane sees the clock."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one step of one lane costs, and on what it runs.

    Attributes:
        images: real examples drawn.
        flops: floating-point operations.
        lanes: lanes that share the time of a step.
        device: for people.
        processes: that train side by side on this machine.
    """

    images: int
    flops: int
    lanes: int
    device: str
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Spent:
    """What one lane has cost until a step: its share of the seconds, real examples drawn, operations."""

    steps: int
    seconds: float
    images: int
    flops: int


def price_of(model: GenerativeModel, data: DataInfo, lanes: int, settings: Settings) -> Price:
    """Count what a step of one lane costs."""
    return Price(
        images_per_step(model, settings.batch_size),
        flops_per_step(model, data, settings.batch_size),
        lanes,
        device_name(settings.device),
        settings.processes,
    )


def spent(training: Training, price: Price) -> Spent:
    """What one lane has cost so far. The lanes of a cohort share one clock, so each has an equal share."""
    steps = training.state.step
    return Spent(steps, training.seconds / price.lanes, steps * price.images, steps * price.flops)


def cost_readings(so_far: Spent, price: Price) -> Iterator[Reading]:
    """A reading for every column."""
    yield Reading(SECONDS, so_far.seconds, n=1, protocol=clock_protocol(price))
    yield Reading(IMAGES, float(so_far.images), n=1)
    yield Reading(GFLOP, so_far.flops / 1e9, n=1)


def clock_protocol(price: Price) -> dict[str, str | int | float | bool]:
    """What must be equal for seconds of two lanes to be compared; counts are the same on every machine."""
    beside = {"processes": price.processes} if price.processes > 1 else {}
    return {"lanes": price.lanes, "device": price.device, **beside}
