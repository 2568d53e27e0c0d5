"""Genbench against eager PyTorch scripts of the same networks, losses and batches, in interleaved rounds.

Each round times everyone in a case once, in rotating order. Ours is the trainer as users call it, drawing of
noise and order included, compiling left out and shown apart. The eager scripts are in
benchmarks/versus/scripts.py; "tuned" is the same script without a DataLoader and with fused optimizers where
there are such. Images are random pixels of MNIST's shape, 60,000 of them; points are the ring's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from versus.cases import CASES
from versus.contestants import contestants
from versus.rounds import Result, ratio, run_case

from genbench.core.datainfo import DataInfo
from genbench.train.device import choose_device, choose_precision, device_name

_LAYOUT = "{:17} {:>10} {:>10} {:>10} {:>22} {:>9} {:>5} {:>8}"
COLUMNS = [
    _LAYOUT.format("", "ms a step", "images/s", "images/s", "times as fast", "", "", "compile"),
    _LAYOUT.format("", "and lane", "a lane", "all lanes", "as eager [95 %]", "GFLOP/s", "peak", "s"),
]
"""``peak``: share of what a product of two large matrices reaches in the same rounds and precision."""


def rows(result: Result) -> list[str]:
    """The table of one case, 100 columns wide at most."""
    eager = result.times[0].each
    per_step = f"{result.flops / 1e9:.3f} GFLOP and {result.images} images a step and lane"
    lines = [
        "",
        f"{result.name}: {result.title}",
        f"  batch {result.batch_size}, {result.parameters:,} parameters, {per_step}",
        *COLUMNS,
    ]
    for times in result.times:
        each = statistics.median(times.each)
        rate = result.flops / each
        share = rate / statistics.median(result.peaks[times.precision])
        middle, low, high = ratio(eager, times.each)
        compared = "1" if times is result.times[0] else f"{middle:.2f} [{low:.2f}, {high:.2f}]"
        compiled = "" if times.compile_s is None else f"{times.compile_s:.1f}"
        numbers = (
            f"{1e3 * each:.3f}",
            f"{result.images / each / times.lanes:,.0f}",
            f"{result.images / each:,.0f}",
            compared,
            f"{rate / 1e9:,.1f}",
            f"{share:.0%}",
            compiled,
        )
        lines.append(_LAYOUT.format(times.name, *numbers).rstrip())
    return lines


def header(device: torch.device, rounds: int, seconds: float) -> dict[str, str | int | float]:
    """What the numbers depend on besides the code."""
    precision = choose_precision("auto", device, DataInfo("", (1, 28, 28)))
    return {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "precision": f"{precision} for images, float32 for points",
        "rounds": rounds,
        "seconds": seconds,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cases, print their tables, write the raw times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each contestant in a round, about")
    parser.add_argument("--lanes", type=int, nargs="+", default=(), help="instead of each case's own")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--compile", choices=("always", "never"), default="always", help="of ours")
    parser.add_argument("--json", type=Path, help="file for the seconds of every round")
    given = parser.parse_args(arguments)
    device = choose_device(given.device)
    about = header(device, given.rounds, given.seconds)
    print("\n".join(f"{name + ':':10} {value}" for name, value in about.items()))
    results = []
    with tempfile.TemporaryDirectory() as cache:
        # compile times are those of a first run, unless the user names a cache
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", cache)
        for name in given.case or CASES:
            case = CASES[name]
            everyone = contestants(case, device, lanes=given.lanes, compiling=given.compile)
            result = run_case(case, everyone, device, rounds=given.rounds, seconds=given.seconds)
            results.append(result)
            print("\n".join(rows(result)), flush=True)
            if given.json:
                content = {**about, "cases": [asdict(result) for result in results]}
                given.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
