"""The clock and the memory gauge. Nothing else in training or measuring reads the time."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from genbench.train.allocator import give_back


def now(device: torch.device) -> float:
    """Seconds since some fixed moment, after all work queued on the device has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def reset_peak_memory(device: torch.device) -> bool:
    """Begin a new measurement of the highest memory use; ``False`` where the system offers none."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    give_back(device)  # memory that is merely kept is no use of it
    try:
        # "5" resets the peak resident set size of this process (man 5 proc).
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_memory(device: torch.device) -> int | None:
    """Highest memory use since the last reset, in bytes: of the device, or of this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return 1024 * int(kibibytes[0]) if kibibytes else None
