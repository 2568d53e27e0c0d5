"""What this machine can do: devices, precisions, a compiler; and the choices that follow from it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Literal

import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchError

Precision = Literal["float32", "bfloat16"]

COMPUTE: dict[str, torch.dtype | None] = {"float32": None, "bfloat16": torch.bfloat16}
"""Dtype of the networks' arithmetic; ``None`` is that of the parameters, which are float32."""


ANSWER_S = 20
"""Seconds that a compiler may take to tell its version before it counts as broken."""


def choose_device(wanted: str) -> torch.device:
    """``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.

    Raises:
        GenbenchError: CUDA was asked for and cannot be used.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        built = "was built for the CPU only" if torch.version.cuda is None else "finds no usable CUDA device"
        raise GenbenchError(
            f"--device cuda: this PyTorch ({torch.__version__}) {built}. Use --device auto or cpu, "
            "or install a CUDA build of PyTorch and a driver."
        )
    return torch.device("cuda" if wanted != "cpu" and available else "cpu")


def device_name(device: torch.device) -> str:
    """The device for people: its name, and on a CPU the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_cpu_model()}, {torch.get_num_threads()} threads"


def fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware (emulation is slower than float32)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool({"avx512_bf16", "amx_bf16"} & _cpu_flags())


def choose_precision(wanted: str, device: torch.device, data: DataInfo) -> Precision:
    """``auto`` is bfloat16 compute for images where the hardware has it, else float32.

    Points have no grey levels below which nothing matters: bfloat16 tells 1 from 1.008 and no nearer
    neighbour, which is the width of a mode in the usual mixtures.
    """
    if wanted != "auto":
        return "bfloat16" if wanted == "bfloat16" else "float32"
    return "bfloat16" if data.is_image and fast_bfloat16(device) else "float32"


def why_precision(wanted: str, device: torch.device, data: DataInfo) -> str:
    """What ``choose_precision`` chose and why, for people."""
    chosen = choose_precision(wanted, device, data)
    if wanted != "auto":
        return f"networks compute in {chosen}, as asked for"
    if not data.is_image:
        return f"networks compute in {chosen}: points need finer steps than bfloat16 has"
    if chosen == "float32":
        return f"networks compute in {chosen}: this device does not multiply bfloat16"
    return f"networks compute in {chosen}, which this device multiplies faster (docs/performance.md)"


def usual_arithmetic() -> None:
    """Undo settings of PyTorch for the whole process that change numbers and that no record tells.

    A plugin that sets them for itself, as many scripts do at their top, would set them for every model.
    """
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)


def compiler_missing(device: torch.device) -> str:
    """Why torch.compile cannot work here and how to mend it; empty where it can."""
    if device.type == "cuda":
        try:
            import triton  # type: ignore[import-not-found]  # noqa: F401
        except ImportError:
            return "torch.compile needs Triton on CUDA, which is not installed: pip install triton"
        return ""
    # the one that the compiler of PyTorch takes; it looks for no other
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    found = shutil.which(compiler)
    problem = _does_not_answer(found) if found else "was not found"
    return problem and (
        f"torch.compile needs a C++ compiler, and {compiler!r} {problem}: "
        "install g++ (Debian: apt-get install g++) or set CXX to another"
    )


@cache
def _does_not_answer(compiler: str) -> str:
    """What a compiler does that cannot be used, found out by asking for its version; empty for a good one."""
    try:
        done = subprocess.run(
            [compiler, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not tell its version within {ANSWER_S} s"
    except OSError as error:
        return f"cannot be run ({error.strerror or error})"
    return f"does not work (`--version` ended with {done.returncode})" if done.returncode else ""


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: on a CPU PyTorch has no error type of its own for this."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())
