"""Time and memory of ``prdc`` against the package of that name: ``python benchmarks/neighbours.py --help``.

Rounds of both alternate, so that a machine that slows down slows both. Memory is measured in a process each:
the highest resident size, less that before the call.
"""

import argparse
import contextlib
import io
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

TYPES = {"float32": torch.float32, "float64": torch.float64}


def ours(n: int, dimension: int, kind: str) -> Callable[[], object]:
    """Genbench's, ready to be called."""
    from genbench.metrics import prdc

    real, fake = points(n, dimension, kind)
    return lambda: tuple(prdc(real, fake))


def package(n: int, dimension: int, kind: str) -> Callable[[], object]:
    """The package's, ready to be called."""
    from prdc import compute_prdc

    real, fake = (each.numpy() for each in points(n, dimension, kind))

    def call() -> object:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints the sizes
            return tuple(map(float, compute_prdc(real, fake, nearest_k=5).values()))

    return call


def points(n: int, dimension: int, kind: str) -> list[torch.Tensor]:
    """Two sets of standard normal numbers, the same at every call."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, dimension, generator=generator).to(TYPES[kind]) for _ in range(2)]


SIDES = {"ours": ours, "package": package}


def resident() -> float:
    """The highest resident size of this process so far, in MiB."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes a unit
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def memory(side: str, settings: list[str]) -> str:
    """Growth and whole of the resident size of a process that calls one side once."""
    # through a small process, for Linux starts one at the peak of that which it was forked from
    small = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], check=True)"
    command = [sys.executable, "-c", small, __file__, "--memory-of", side, *settings]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Print numbers, seconds and memory of both sides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000, help="points of each set")
    parser.add_argument("--dimension", type=int, default=64)
    parser.add_argument("--kind", choices=TYPES, default="float64")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=SIDES, help="leave the other out, where it does not fit in memory")
    parser.add_argument("--memory-of", choices=SIDES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    shape = (given.n, given.dimension, given.kind)
    if given.memory_of:
        call = SIDES[given.memory_of](*shape)
        before = resident()
        call()
        print(f"{resident() - before:.0f} MiB more, {resident():.0f} MiB in all")
        return

    sides = [given.only] if given.only else list(SIDES)
    calls = {side: SIDES[side](*shape) for side in sides}
    print(f"{given.n} x {given.n} x {given.dimension} {given.kind}, {torch.get_num_threads()} threads")
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for side, call in calls.items():
        print(f"{side:8} {call()}")  # also warms up
    for _ in range(given.rounds):
        for side, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[side].append(time.perf_counter() - start)
    settings = ["--n", str(given.n), "--dimension", str(given.dimension), "--kind", given.kind]
    for side in sides:
        times = seconds[side]
        print(
            f"{side:8} median {statistics.median(times):.3f} s ({min(times):.3f} to {max(times):.3f}), "
            f"memory {memory(side, settings)}"
        )
    if len(sides) == 2:
        print(f"ratio    {statistics.median(seconds['package']) / statistics.median(seconds['ours']):.1f}")


if __name__ == "__main__":
    main()
