"""The electricity meter: NVML's counter of a GPU, RAPL's of a CPU, and why there is none."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows RAPL (running average power limit) counters, of Intel and of AMD alike."""

_DOMAIN = re.compile(r"intel-rapl:\d+")  # a whole package; `intel-rapl:0:1` is a part of one


@dataclass(frozen=True, slots=True)
class Meter:
    """Counters of energy that only go up, until they begin again at zero.

    Attributes:
        of: what is metered, for people: "GPU" (the whole board) or "CPU packages" (all of them, whoever uses
            them).
        read: every counter in microjoules; raises ``OSError`` where that fails.
        ranges: where each counter begins again at zero, in microjoules; 0 for one that never does.
        missing: why there is no meter, with a remedy; empty where there is one.
    """

    of: str
    read: Callable[[], tuple[int, ...]]
    ranges: tuple[int, ...]
    missing: str = ""

    def mark(self) -> tuple[int, ...] | None:
        """Where the counters stand; ``None`` where they cannot be read."""
        if self.missing:
            return None
        try:
            return self.read()
        except OSError:
            return None  # costs the energy of the whole training (``since`` is NaN), and nothing else

    def since(self, mark: tuple[int, ...] | None) -> float:
        """Joules since that mark; NaN where the counters could not be read then or now."""
        here = self.mark()
        if mark is None or here is None:
            return math.nan
        # A counter below its mark has begun again; no training block lasts for two rounds of it.
        used = (
            now - then + (full if now < then else 0)
            for then, now, full in zip(mark, here, self.ranges, strict=True)
        )
        return sum(used) / 1e6


def no_meter(reason: str) -> Meter:
    """A meter that says why there is none."""
    return Meter("", tuple, (), reason)


NO_METER = no_meter("No meter was asked for.")


def open_meter(device: torch.device, powercap: Path = POWERCAP) -> Meter:
    """The meter of what trains: of the GPU on CUDA, else of the processor."""
    return _nvml(device) if device.type == "cuda" else _rapl(powercap)


def _nvml(device: torch.device) -> Meter:
    """NVML's total energy of the board, in millijoules since the driver was loaded; Volta and newer."""
    try:
        import pynvml
    except ImportError:
        return no_meter(
            "The GPU's energy is read by pynvml, which is not installed: `pip install nvidia-ml-py` "
            "(genbench's extra `energy`)."
        )
    try:
        pynvml.nvmlInit()
        # By its UUID, because NVML does not heed CUDA_VISIBLE_DEVICES.
        uuid = torch.cuda.get_device_properties(device).uuid
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError as error:
        return no_meter(
            f"NVML does not tell this GPU's energy ({error}): it takes a whole GPU (no MIG slice), Volta or "
            "newer, and a driver that `nvidia-smi` can reach."
        )

    def read() -> tuple[int, ...]:
        try:
            return (1000 * int(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)),)
        except pynvml.NVMLError as error:
            raise OSError(str(error)) from error

    return Meter("GPU", read, (0,))


def _rapl(powercap: Path) -> Meter:
    """RAPL's counters of every processor package (not of the cores within, nor of the platform around)."""
    domains = sorted(path for path in powercap.glob("intel-rapl:*") if _DOMAIN.fullmatch(path.name))
    try:
        packages = [path for path in domains if (path / "name").read_text().startswith("package")]
        ranges = tuple(int((path / "max_energy_range_uj").read_text()) for path in packages)
        files = [path / "energy_uj" for path in packages]

        def read() -> tuple[int, ...]:
            return tuple(int(file.read_text()) for file in files)

        read()
    except PermissionError as error:
        return no_meter(
            f"{error.filename} may be read by root only: `sudo chmod a+r {error.filename}` allows it until "
            "the next start."
        )
    except (OSError, ValueError) as error:
        return no_meter(f"The energy counters in {powercap} cannot be read: {error}.")
    if not packages:
        return no_meter(
            f"{powercap} has no intel-rapl package: virtual machines, containers and other processors do not "
            "tell their energy; on Intel or AMD hardware under Linux, `sudo modprobe intel_rapl_msr`."
        )
    return Meter("CPU packages", read, ranges)
