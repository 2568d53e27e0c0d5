"""What a comparison says of one metric of one model on one dataset."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from genbench.analyse.effect import Shift
from genbench.analyse.sides import Side
from genbench.core.record import Better

FAILED_SHARE = "trial.failed"
"""The metric of the row that compares the shares of seeds that diverged, failed or ran out of time."""


class Verdict(StrEnum):
    """What is said of a row.

    BETTER, WORSE: the difference is beyond the margin, and sure. SAME: it is surely within the margin.
    UNSURE: neither. NEW, GONE: only the new side has it, or only the base. FAILED, FIXED: no seed of the new
    side has a number though the base has, or the other way round. INCOMPARABLE: the protocols differ.
    """

    BETTER = "BETTER"
    WORSE = "WORSE"
    SAME = "SAME"
    UNSURE = "UNSURE"
    NEW = "NEW"
    GONE = "GONE"
    FAILED = "FAILED"
    FIXED = "FIXED"
    INCOMPARABLE = "INCOMPARABLE"


Test = Literal["paired", "unpaired", "shares", "measured", ""]
"""How a row is decided: sign-flip test of pairs, Mann-Whitney test, Fisher's exact test of shares,
measurements alone (no test: the margin covers what repeating them changes), or not at all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of one model on one dataset, on both sides.

    Attributes:
        dataset, metric, unit, better: what it is about; ``metric`` is empty for a model as a whole.
        base_model, new_model: the same label, unless models of one run are compared.
        base, new: both sides; ``None`` for one that has no such row.
        verdict: see ``Verdict``.
        why: a sentence where the verdict needs one.
        test: how it was decided.
        difference: new minus base with its interval; ``None`` where there is none.
        margin: what the difference has to be beyond, in the metric's unit.
        p, adjusted: of the test, and after Holm's correction over its family; both ``None`` without a test.
        improvement: probability that a seed of ``new`` is better than one of ``base``, ties counting half.
        seeds: seeds a side that would settle an ``UNSURE`` row, about; ``None`` where it cannot be told, or
            would be more than 1,000.
        gated: whether a gate looks at it; all gated rows are one family.
    """

    dataset: str
    base_model: str
    new_model: str
    metric: str
    unit: str
    better: Better
    base: Side | None
    new: Side | None
    verdict: Verdict
    why: str = ""
    test: Test = ""
    difference: Shift | None = None
    margin: float | None = None
    p: float | None = None
    adjusted: float | None = None
    improvement: float | None = None
    seeds: int | None = None
    gated: bool = False
