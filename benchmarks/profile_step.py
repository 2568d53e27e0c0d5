"""Where the time of a training step goes, by torch.profiler: ours compiled, and the eager script's beside it.

``python benchmarks/profile_step.py --model ns_gan --lanes 5``

The profiler itself takes time, a few microseconds for each thing it records, so shares of small networks are
rough. Times are of the second block of a call of the trainer: the first still checks its inputs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch.profiler import ProfilerActivity, profile
from versus.cases import CASES
from versus.contestants import Contestant, Eager, Ours, timed
from versus.scripts import Given

from genbench.train.clock import now
from genbench.train.device import choose_device, device_name
from genbench.train.streams import BLOCK
from genbench.train.update import as_seen

NAMES = {
    ("ns_gan", "mlp"): "mlp-gan",
    ("ns_gan", "conv"): "conv-gan",
    ("wgan", "mlp"): "wgan",
    ("vae", "mlp"): "vae",
}
"""Model and backbone to the case that has both sides."""

GUARDS = "TorchDynamo Cache Lookup"
LOADER = "enumerate(DataLoader)"
OPTIMIZER = "Optimizer.step#"
FUSED = ("graph_", "cpp_fused", "triton_")
PRODUCTS = ("mm", "gemm", "convolution", "conv2d", "wgrad", "dgrad", "nvjet", "cutlass", "mkldnn", "linear")
"""Parts of the names of matrix products and convolutions, of operators and of kernels."""

OURS = ("matrix products", "fused kernels", "guard checks", "everything else")
EAGER = ("matrix products", "optimizer", "data loader", "everything else")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of what the profiler saw.

    Attributes:
        name: of an operator or kernel.
        calls: a step.
        ms: a step, without what it calls.
        part: which part of the step it counts for.
    """

    name: str
    calls: float
    ms: float
    part: str


def part_of(name: str) -> str:
    """Which part of the step an operator or kernel counts for, by its name."""
    if name == GUARDS:
        return "guard checks"
    if name.startswith(LOADER):
        return "data loader"
    if name.startswith(OPTIMIZER):
        return "optimizer"
    # a fused kernel is called after what it fuses, products of other kernels among them
    if name.startswith(FUSED):
        return "fused kernels"
    return "matrix products" if any(part in name for part in PRODUCTS) else "everything else"


def entries(profiler: profile, steps: int, device: torch.device) -> list[Entry]:
    """What took time in the profiled steps, longest first: on the device, and on the host what only it does.

    Data loader and optimizer count with all they call, where those are what the host or device is busy with.
    """
    found = []
    for event in profiler.key_averages():
        part = part_of(event.key)
        whole = part in {"data loader", "optimizer"}
        on_device = event.device_type.name != "CPU"
        if device.type == "cuda" and part == "optimizer":
            microseconds = event.device_time_total
        elif device.type == "cuda" and not on_device and part not in {"guard checks", "data loader"}:
            continue  # launching: the device is busy meanwhile, or else it shows as everything else
        elif on_device:
            microseconds = event.self_device_time_total
        else:
            microseconds = event.cpu_time_total if whole else event.self_cpu_time_total
        name = f"{event.key} and what it calls" if whole else event.key
        found.append(Entry(name, event.count / steps, microseconds / 1e3 / steps, part))
    return sorted(found, key=lambda entry: -entry.ms)


def report(
    title: str, parts: Sequence[str], found: Sequence[Entry], step_ms: float, plain_ms: float
) -> list[str]:
    """The parts of a step, then the rows that took longest. What is in no row is part of everything else."""
    known = {part: sum(entry.ms for entry in found if entry.part == part) for part in parts[:-1]}
    known[parts[-1]] = step_ms - sum(known.values())
    lines = ["", f"{title}: {plain_ms:.3f} ms a step, {step_ms:.3f} ms with the profiler"]
    lines += [f"  {part:24} {ms:10.3f} ms {ms / step_ms:6.1%}" for part, ms in known.items()]
    lines += ["", f"  {'longest':64} {'calls':>8} {'ms':>8} {'':>7}"]
    lines += [f"  {e.name[:64]:64} {e.calls:8.1f} {e.ms:8.3f} {e.ms / step_ms:7.1%}" for e in found[:12]]
    return lines


def profiled(
    advance: Callable[[Callable[[], None]], object], steps: int, device: torch.device
) -> tuple[list[Entry], float]:
    """The rows, and milliseconds a step.

    ``advance`` calls what it is given twice: before and after the steps to be profiled.
    """
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    profiler = profile(activities=activities)
    marks: list[float] = []

    def mark() -> None:
        if not marks:
            profiler.start()
        marks.append(now(device))
        if len(marks) == 2:
            profiler.stop()

    advance(mark)
    first, second = marks
    return entries(profiler, steps, device), 1e3 * (second - first) / steps


def plain(contestant: Contestant, steps: int, device: torch.device) -> float:
    """Milliseconds a step without the profiler, compiled and warmed up before."""
    timed(contestant, steps, device)
    return 1e3 * timed(contestant, steps, device) / steps


def name_fused_kernels() -> str:
    """Have the compiler tell the profiler its kernels; why that cannot be, or nothing."""
    from torch._inductor import config

    if not hasattr(config.cpp, "enable_kernel_profile"):
        return "This PyTorch cannot name its fused kernels on a CPU: they count for everything else."
    config.cpp.enable_kernel_profile = True
    return ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Profile both sides and print where their time goes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", choices=sorted({model for model, _ in NAMES}), default="ns_gan")
    parser.add_argument("--backbone", choices=("mlp", "conv"), default="mlp")
    parser.add_argument("--lanes", type=int, default=5)
    parser.add_argument("--batch", type=int, help="batch size; that of the case if absent")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    given = parser.parse_args(arguments)
    if (given.model, given.backbone) not in NAMES:
        parser.error(f"there is no case of {given.model} with the {given.backbone} backbone")
    case = CASES[NAMES[given.model, given.backbone]]
    case = replace(case, batch_size=given.batch or case.batch_size)
    device = choose_device(given.device)
    print(f"{device_name(device)}, torch {torch.__version__}, batch {case.batch_size}")
    if device.type == "cpu" and (missing := name_fused_kernels()):
        print(missing)
    examples = case.examples()

    with tempfile.TemporaryDirectory() as cache:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", cache)
        ours = Ours(case, examples, device, lanes=given.lanes, precision=given.precision)
        ours.advance(BLOCK)
        plain_ms = plain(ours, BLOCK, device)
        found, step_ms = profiled(lambda mark: ours.advance(2 * BLOCK, mark), BLOCK, device)
    lanes = f"{given.lanes} {'lane' if given.lanes == 1 else 'lanes'}"
    print("\n".join(report(f"ours, {ours.precision}, all of {lanes}", OURS, found, step_ms, plain_ms)))

    eager = Eager(case, Given(as_seen(examples, torch.float32), case.batch_size, device))
    eager.advance(BLOCK)
    plain_ms = plain(eager, BLOCK, device)

    def advance(mark: Callable[[], None]) -> None:
        for _ in range(2):
            eager.advance(BLOCK)
            mark()

    found, step_ms = profiled(advance, BLOCK, device)
    print("\n".join(report("eager script, float32, one seed", EAGER, found, step_ms, plain_ms)))


if __name__ == "__main__":
    main()
