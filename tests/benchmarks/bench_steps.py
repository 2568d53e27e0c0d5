"""Steps of the trainer in the cases of ``benchmarks/versus_eager.py``, drawn inputs included.

A round is a number of whole blocks that the operations of a step decide, not its time: inputs are drawn by
the block, and where a busy machine made rounds shorter, they would have a larger share in it. Compiling is
done before; ``extra_info`` has what it took, and its other numbers are of a step and lane.
"""

import pytest
import torch
from versus.cases import CASES
from versus.contestants import Ours, timed

from genbench.train.accounting import flops_per_step
from genbench.train.device import COMPUTE
from genbench.train.streams import BLOCK

FLOP_A_ROUND = 50e9
"""At least about this many in each round: half a second of a core that multiplies fast."""

ROWS = [
    pytest.param(case, lanes, precision, id=f"{case.name}-{lanes}-{precision}")
    for case in CASES.values()
    for lanes, precision in (
        *((k, "auto") for k in case.lanes),
        *((k, "float32") for k in case.float32_lanes),
    )
]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("case", "lanes", "precision"), ROWS)
def test_steps(benchmark, beside, device, case, lanes, precision):
    benchmark.group = case.name
    ours = Ours(case, case.examples(), device, lanes=lanes, precision=precision)
    flops = lanes * flops_per_step(case.model, case.info, case.batch_size)
    steps = BLOCK * max(1, round(FLOP_A_ROUND / flops / BLOCK))
    for _ in range(2):  # compiles, warms up
        timed(ours, BLOCK, device)
    beside(
        lambda: timed(ours, steps, device),
        COMPUTE[ours.precision] or torch.float32,
        each=steps * lanes,
        steps=steps,
        lanes=lanes,
        compile_s=ours.compile_s,
    )
