"""What this machine offers to a run, and what each lack costs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

import torch

from genbench.core.environment import PACKAGES, code_version
from genbench.core.paths import cache_dir
from genbench.core.registry import datasets
from genbench.train.clock import peak_memory, reset_peak_memory
from genbench.train.device import choose_device, compiler_missing, device_name, fast_bfloat16
from genbench.train.energy import open_meter

ROOM = 2 * 2**30
"""Bytes of disk that a run may fill: checkpoints of twenty small trials, with reserve."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is there, what was seen, and what its lack costs and how to mend it."""

    good: bool
    what: str
    cost: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything that a run can use. Takes a second or two; downloads nothing."""
    yield Finding(good=True, what=f"genbench {code_version()}")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    yield Finding(good=True, what=versions)
    device = choose_device("auto")
    yield _accelerator(device)
    yield Finding(good=True, what=f"trains on {device_name(device)}; {os.cpu_count()} cores")
    yield _precision(device)
    missing = compiler_missing(device)
    yield Finding(
        good=not missing,
        what="compiles training steps" if not missing else "cannot compile training steps",
        cost=f"Cost: training is about two to four times slower. {missing}." if missing else "",
    )
    gauge = reset_peak_memory(device) and peak_memory(device) is not None
    yield Finding(
        good=gauge,
        what="reads peak memory" if gauge else "cannot read peak memory",
        cost="" if gauge else "Cost: no peak memory in the throughput table. Linux or CUDA offers it.",
    )
    meter = open_meter(device)
    yield Finding(
        good=not meter.missing,
        what="cannot read energy" if meter.missing else f"reads the energy of the {meter.of}",
        cost=f"Cost: no energy in the throughput table. {meter.missing}" if meter.missing else "",
    )
    yield from _data()
    yield _disk()


def _accelerator(device: torch.device) -> Finding:
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory / 2**30
        return Finding(good=True, what=f"CUDA device {device_name(device)}, {total:.0f} GiB")
    return Finding(
        good=False,
        what="no CUDA device",
        cost="Cost: the shipped suites are sized for two CPU cores and take minutes; larger ones want a GPU "
        "and a CUDA build of PyTorch.",
    )


def _precision(device: torch.device) -> Finding:
    if fast_bfloat16(device):
        return Finding(
            good=True, what="multiplies bfloat16 in hardware: precision auto is bfloat16 for images"
        )
    return Finding(
        good=False,
        what="no bfloat16 in hardware: precision auto is float32",
        cost="Cost: large matrix products take two to three times as long. Nothing to mend in software.",
    )


def _data() -> Iterator[Finding]:
    folder = datasets.get("mnist")().locate()
    if folder:
        yield Finding(good=True, what=f"MNIST in {folder}")
    else:
        yield Finding(
            good=False,
            what="MNIST is not on this machine",
            cost="Cost: a run tries to download it (11 MB) and otherwise uses scikit-learn's digits. Set "
            " GENBENCH_DATA to a folder that holds mnist/ with the four IDX files.",
        )


def _disk() -> Finding:
    free = shutil.disk_usage(".").free
    what = f"{free / 2**30:.0f} GiB free here; cache in {cache_dir()}"
    cost = "" if free > ROOM else "Cost: a run may fill the disk and stop. Free some space or choose --out."
    return Finding(good=free > ROOM, what=what, cost=cost)
