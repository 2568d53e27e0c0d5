"""A suite's target: what it takes each lane to be as good as was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from genbench.core.errors import SuiteError, choose_from
from genbench.core.record import Better, Column
from genbench.measures.evidence import Final, Measure, Reading
from genbench.runner.cost import Price, Spent, clock_protocol
from genbench.suite.schema import Suite

STEPS = Column(
    "target.steps",
    "steps",
    Better.LOWER,
    low=0.0,
    meaning="training steps of the first evaluation at which the suite's target was met",
)
SECONDS = Column(
    "target.seconds", "s", Better.LOWER, low=0.0, meaning="as cost.seconds, until the suite's target was met"
)
IMAGES = Column(
    "target.images", "", Better.LOWER, low=0.0, meaning="as cost.images, until the suite's target was met"
)

COLUMNS = (STEPS, SECONDS, IMAGES)


@dataclass(frozen=True, slots=True)
class Goal:
    """A target whose metric is known.

    Attributes:
        column: the metric's.
        value: what is good enough.
        stop: whether training ends there.
    """

    column: Column
    value: float
    stop: bool

    def is_met_by(self, value: float) -> bool:
        """Whether a value is at least as good."""
        return value >= self.value if self.column.better is Better.HIGHER else value <= self.value

    def __str__(self) -> str:
        sign = "≥" if self.column.better is Better.HIGHER else "≤"
        return f"{self.column.metric} {sign} {self.value:g}"


def goal_of(suite: Suite, chosen: Sequence[Measure]) -> Goal | None:
    """The suite's target, checked against what its measures can say.

    Raises:
        SuiteError: none of them has that metric, or it has no direction, or belongs to a whole cohort, or can
            never have that value; the message has the key path.
    """
    target = suite.target
    if target is None:
        return None
    known = {column.metric: (column, measure) for measure in chosen for column in measure.columns}
    fit = [name for name, (column, measure) in known.items() if _fits(column, measure)]
    if target.metric not in known:
        raise SuiteError(
            f"target.metric: {choose_from('metric of this suite', target.metric, fit)} "
            "`genbench list metrics` tells which of the measures has it; add that one to `measures`."
        )
    column, measure = known[target.metric]
    if target.metric not in fit:
        why = (
            "belongs to a whole cohort and is not taken of its lanes on the way"
            if measure.per_cohort
            else "is taken at the end only"
            if isinstance(measure, Final)
            else "has no better direction, so nothing is at least as good as a value of it"
        )
        raise SuiteError(f"target.metric: {target.metric} {why}. Choose one of {', '.join(fit)}.")
    low, high = column.low, column.high
    if (low is not None and target.value < low) or (high is not None and target.value > high):
        ends = [
            *([f"at least {low:g}"] if low is not None else []),
            *([f"at most {high:g}"] if high is not None else []),
        ]
        raise SuiteError(
            f"target.value: {target.metric} is {' and '.join(ends)} (got {target.value:g}). "
            "Choose a value that it can have."
        )
    return Goal(column, target.value, target.stop)


def _fits(column: Column, measure: Measure) -> bool:
    taken_on_the_way = not (measure.per_cohort or isinstance(measure, Final))
    return taken_on_the_way and column.better is not Better.NEITHER


@dataclass(slots=True)
class Track:
    """How far the lanes of one cohort are on their way to the goal.

    Attributes:
        goal: of the suite; ``None`` where it has none, and then nothing is kept.
        met: what each lane had cost when it was first seen to be there, by lane.
        best: each lane's best value so far, and the step of it, by lane.
        closing: of the evaluation at which training ended early, what failed of each lane that was measured.
    """

    goal: Goal | None
    met: dict[int, Spent] = field(default_factory=dict)
    best: dict[int, tuple[float, int]] = field(default_factory=dict)
    closing: dict[int, list[str]] = field(default_factory=dict)

    def see(self, lane: int, reading: Reading, so_far: Spent) -> None:
        """Look at one reading of a lane."""
        if self.goal is None or reading.column.metric != self.goal.column.metric or reading.value is None:
            return
        best, _ = self.best.get(lane, (reading.value, 0))
        higher = self.goal.column.better is Better.HIGHER
        if lane not in self.best or (reading.value > best if higher else reading.value < best):
            self.best[lane] = (reading.value, so_far.steps)
        if self.goal.is_met_by(reading.value):
            self.met.setdefault(lane, so_far)

    def may_end(self, alive: Sequence[bool]) -> bool:
        """Whether training is to end here: every lane that is still finite is, or has been, there."""
        if self.goal is None or not self.goal.stop:
            return False
        left = [lane for lane, finite in enumerate(alive) if finite]
        return bool(left) and all(lane in self.met for lane in left)

    def readings(self, lane: int, price: Price) -> Iterator[Reading]:
        """A reading for every column, of one lane at the end of its training."""
        if self.goal is None:
            return
        asked: dict[str, str | int | float | bool] = {"target": str(self.goal)}
        there = self.met.get(lane)
        values = (there.steps, there.seconds, there.images) if there else (None, None, None)
        for column, value in zip(COLUMNS, values, strict=True):
            protocol = asked | (clock_protocol(price) if column is SECONDS else {})
            if value is None:
                yield Reading(column, None, reason=self._why_not(lane), protocol=protocol)
            else:
                yield Reading(column, float(value), n=1, protocol=protocol)

    def _why_not(self, lane: int) -> str:
        if lane not in self.best:
            return "not reached: the metric had no value at any evaluation"
        value, step = self.best[lane]
        return f"not reached: best {value:.3g} at step {step:,}"
