"""Steps of the trainer in the cases of ``benchmarks/versus_eager.py``.

Each round makes as many steps as take about a second, drawn inputs included, and waits for the device.
Compiling is done before; ``extra_info`` has what it took, and milliseconds a step and lane.
"""

import pytest
from versus.cases import CASES
from versus.contestants import Ours, timed, warmed_up

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
def test_steps(benchmark, device, case, lanes, precision):
    ours = Ours(case, case.examples(), device, lanes=lanes, precision=precision)
    steps = warmed_up(ours, 1.0, device)
    benchmark.group = case.name
    benchmark.pedantic(timed, args=(ours, steps, device), rounds=5, iterations=1)
    each = benchmark.stats.stats.median / steps / lanes
    benchmark.extra_info.update(
        steps=steps, precision=ours.precision, compile_s=ours.compile_s, ms_per_step_and_lane=1e3 * each
    )
