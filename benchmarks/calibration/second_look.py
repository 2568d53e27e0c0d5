"""What is left of alarms where the gate trains its suspects again before it fails (``--confirm``)."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from calibration.defects import NONE
from calibration.pool import BUDGET
from calibration.runs import suite_of
from genbench.analyse.gate import Gates, Judgement
from genbench.core.record import Record
from genbench.runner import confirm
from genbench.suite.schema import Suite


def still_broken(
    judgement: Judgement,
    base: Sequence[Record],
    new: Sequence[Record],
    fresh: Sequence[Record],
    gates: Gates,
) -> bool:
    """Whether a violation stands, by genbench's own rule; ``fresh`` takes the place of its training.

    Args:
        judgement: of ``base`` and ``new``.
        base: records of the one side it was made of.
        new: of the other.
        fresh: what new training with other seeds would give, of both models.
        gates: that were broken.
    """

    def run(suite: Suite, **_: Any) -> Any:
        labels = {model.label for model in suite.model}
        mine = [record for record in fresh if record.model in labels]
        return SimpleNamespace(records=mine, path=None, interrupted=False)

    seeds = sorted({record.seed for record in new if record.seed is not None})
    with patch.object(confirm, "run", run):
        left = confirm.confirm(judgement, base, new, suite=suite_of(seeds, BUDGET, NONE), gates=gates)
    return bool(left.judgement.violations)
