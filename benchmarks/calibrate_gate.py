"""Do gates alarm when nothing has changed, and do they when something has? By experiment.

A/A: seeds of cheap models on the ring against other seeds of the same code, many times. A/B: against seeds
with a planted defect. Then runs that are timed again and again, as shipped and with slower steps, on the
machine as it is and beside a busy neighbour. Last, tests and intervals on drawn values. What comes out
replaces DIR/calibration.txt and DIR/calibration.json; docs/statistics.md reads it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import Any

import torch
from calibration import figures, pool, simulated, text, timings
from calibration.defects import NONE, OF_QUALITY
from calibration.runs import Budget

from genbench.core.environment import code_version
from genbench.train.device import device_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is done.

    Attributes:
        budget, timed: of a run that gives seeds, and of one that is timed.
        healthy, defective: seeds without a defect, and with each of them.
        sides: seeds a side of a comparison.
        draws: comparisons whose seeds are drawn anew from all healthy ones.
        processes, pairs: fresh processes that time, for each state of the machine, and pairs of runs in each.
        repeats, held: drawn experiments for each test, and for each interval.
    """

    budget: Budget
    timed: Budget
    healthy: int
    defective: int
    sides: tuple[int, ...]
    draws: int
    processes: int
    pairs: int
    repeats: int
    held: int


FULL = Sizes(
    budget=pool.BUDGET,
    timed=timings.BUDGET,
    healthy=3072,
    defective=384,
    sides=(4, 5, 6, 8, 10, 12, 16),
    draws=300,
    processes=3,
    pairs=6,
    repeats=4000,
    held=1000,
)
QUICK = Sizes(
    budget=pool.QUICK,
    timed=timings.QUICK,
    healthy=96,
    defective=24,
    sides=(4, 8),
    draws=4,
    processes=1,
    pairs=2,
    repeats=50,
    held=20,
)


def about_now(sizes: Sizes, workers: int) -> dict[str, Any]:
    """What the figures depend on besides the code of this command."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": code_version(),
        "device": device_name(torch.device("cpu")),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load before": load(),
        "torch": torch.__version__,
        "workers": workers,
        "sizes": asdict(sizes),
    }


def load() -> list[float]:
    """Processes that wanted a core in the last 1, 5 and 15 minutes: whether the machine was quiet."""
    return [round(one, 1) for one in os.getloadavg()]


def of_seeds(sizes: Sizes, workers: int) -> dict[str, Any]:
    """A/A and A/B."""
    wanted = [(NONE, range(sizes.healthy)), *((defect, range(sizes.defective)) for defect in OF_QUALITY)]
    pools = pool.train_pools(wanted, sizes.budget, workers)
    found = figures.of_pools(pools, OF_QUALITY, sizes.sides, draws=sizes.draws, workers=workers)
    return {"medians": list(figures.medians(pools)), **found}


def of_time(sizes: Sizes, _: int) -> dict[str, Any]:
    """Measurements of time; the values themselves are kept, they are few."""
    made = timings.measure(sizes.timed, processes=sizes.processes, pairs=sizes.pairs)
    return {
        "timing_spread": list(figures.spread_of_timings(made)),
        "timing_alarms": list(figures.alarms_of_timings(made)),
        "timings": [
            {
                "process": run.process,
                "busy": run.busy,
                "slower": run.slower,
                "others": run.others,
                "values": {
                    f"{r.model} {r.metric}": [r.value, r.error] for r in run.records if r.seed is None
                },
            }
            for run in made
        ],
    }


def of_draws(sizes: Sizes, _: int) -> dict[str, Any]:
    """Tests and intervals on drawn values."""
    return {
        "tests": list(simulated.tests(sizes.repeats)),
        "intervals": list(simulated.intervals((4, 5, 6, 8, 12, 16), sizes.held)),
    }


PARTS = {"time": of_time, "seeds": of_seeds, "draws": of_draws}


def told(found: dict[str, Any]) -> Iterator[str]:
    """All of it as text."""
    for part, value in found["about"].items():
        yield from wrap(
            f"{part}: " + "; ".join(f"{key} {value[key]}" for key in value if key != "sizes"),
            width=text.WIDTH,
            subsequent_indent="  ",
        )
    yield from text.medians(found.get("medians", ()))
    yield from text.same_code(found.get("same_code", ()))
    yield from text.with_defects(found.get("defects", ()))
    yield from text.timings(found.get("timing_spread", ()), found.get("timing_alarms", ()))
    yield from text.tests(found.get("tests", ()))
    yield from text.intervals(found.get("intervals", ()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the experiments and write what they show, after each of them what there is so far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="to see that it works; its figures mean nothing")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this; others stay as they are")
    parser.add_argument("--lanes", type=int, help="seeds that are trained as one")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that train seeds")
    parser.add_argument("--out", type=Path, help="folder; results/calibration, or with --quick none")
    given = parser.parse_args(arguments)
    sizes = QUICK if given.quick else FULL
    if given.lanes:
        sizes = replace(sizes, budget=replace(sizes.budget, lanes=given.lanes))
    folder = given.out or (None if given.quick else Path("results/calibration"))
    kept = folder / "calibration.json" if folder else None
    found: dict[str, Any] = {"about": {}}
    if given.part and kept and kept.exists():
        found = json.loads(kept.read_text())
    for part in given.part or PARTS:
        about, began = about_now(sizes, given.workers), time.perf_counter()
        found |= PARTS[part](sizes, given.workers)
        about |= {"load after": load(), "seconds": round(time.perf_counter() - began)}
        found["about"][part] = about
        print(f"{part}: {about['seconds']} s", flush=True)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(found, indent=1) + "\n")
            kept.with_suffix(".txt").write_text("\n".join(told(found)) + "\n")
    print("\n".join(told(found)))


if __name__ == "__main__":
    main()
