"""Hundreds of tiny trials, watched: memory, open files, threads and time must not grow with their number.

``python benchmarks/soak.py`` trains 300 trials in 100 cohorts of different shapes, and prints what
docs/reproducibility.md says of them; ``--lanes 1`` makes 300 cohorts of them, and
``--compile always --models 12`` looks at compiled programs.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from genbench import load_suite, run

SUITE = """
name = "soak"
seeds = {seeds}
samples = 50
measures = ["known_modes"]

[train]
steps = {steps}
batch_size = 8
lanes = {lanes}
compile = "{compile}"

[[dataset]]
name = "{data}"
"""

EVERY = 20
"""Cohorts from one count of objects to the next."""

MODELS = ("gan", "ns_gan", "wgan", "vae")
NETWORKS = {
    "gan": ("generator", "discriminator"),
    "ns_gan": ("generator", "discriminator"),
    "wgan": ("generator", "critic"),
    "vae": ("encoder", "decoder"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What the process holds when a cohort is trained.

    Attributes:
        wall: seconds since the first mark.
        cpu: seconds of this process and its threads.
        memory: resident MiB.
        files: open file descriptors.
        threads: of Python.
        objects: that the garbage collector knows, once it has collected; 0 where they were not counted.
    """

    wall: float
    cpu: float
    memory: float
    files: int
    threads: int
    objects: int


@dataclass
class Watch:
    """A reporter that marks what the process holds whenever a cohort is about to be measured."""

    marks: list[Mark] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def note(self, text: str) -> None:
        """Not needed."""

    def warn(self, text: str) -> None:
        """Kept."""
        self.warnings.append(text)

    def begin(self, cohort: str, steps: int) -> None:  # noqa: ARG002 - as a Reporter has it
        """Mark."""
        if cohort.startswith("measuring "):
            self.marks.append(mark(self.began, count=len(self.marks) % EVERY == 0))

    def step(self, step: int, steps_per_s: float, losses: Mapping[str, Sequence[float]]) -> None:
        """Not needed."""

    def end(self) -> None:
        """Not needed."""


def mark(began: float, *, count: bool = True) -> Mark:
    """What the process holds now; objects are counted where asked for, which takes as long as a trial."""
    if count:
        gc.collect()
    status = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    )
    return Mark(
        wall=time.perf_counter() - began,
        cpu=time.process_time(),
        memory=int(status["VmRSS"].split()[0]) / 1024,
        files=len(list(Path("/proc/self/fd").iterdir())),
        threads=threading.active_count(),
        objects=len(gc.get_objects()) if count else 0,
    )


def suite_of(
    models: int, seeds: int, lanes: int, steps: int, *, data: str = "ring", compile_: str = "never"
) -> str:
    """A suite of so many different models, no two of the same shapes."""
    text = SUITE.format(seeds=seeds, steps=steps, lanes=lanes, compile=compile_, data=data)
    for number in range(models):
        name = MODELS[number % len(MODELS)]
        hidden = 4 + number // len(MODELS)
        nets = "".join(f"{net} = {{ hidden = [{hidden}] }}\n" for net in NETWORKS[name])
        text += f'\n[[model]]\nname = "{name}"\nlabel = "{name}-{hidden}"\nlatent = 2\n{nets}'
    return text


def soak(folder: Path, text: str) -> tuple[Path, Watch]:
    """Run the suite; the run's directory, and what was seen."""
    (folder / "soak.toml").write_text(text, encoding="utf-8")
    watch = Watch()
    result = run(load_suite(folder / "soak.toml"), out=folder, reporter=watch)
    if result.failed or result.interrupted:
        raise RuntimeError(f"{result.failed} trials failed: {watch.warnings[:3]}")
    watch.marks.append(mark(watch.began))
    return result.path, watch


def slope(values: Sequence[float]) -> float:
    """Growth of a value for each further one, by least squares."""
    return float(np.polyfit(np.arange(len(values)), np.asarray(values, dtype=float), 1)[0])


def slowdown(marks: Sequence[Mark]) -> float:
    """CPU time of a cohort in the last third of the run, over that in the first third; medians."""
    took = [after.cpu - before.cpu for before, after in pairwise(marks)]
    third = len(took) // 3
    return statistics.median(took[-third:]) / statistics.median(took[:third])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lanes", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--data", default="ring")
    parser.add_argument("--compile", default="never", choices=("never", "always"))
    parser.add_argument("--json", type=Path, help="file for every mark")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp())
    text = suite_of(
        options.models,
        options.seeds,
        options.lanes,
        options.steps,
        data=options.data,
        compile_=options.compile,
    )
    try:
        path, watch = soak(folder, text)
        _tell(path, watch, trials=options.models * options.seeds)
    finally:
        shutil.rmtree(folder)
    if options.json:
        options.json.write_text(
            json.dumps([{name: getattr(m, name) for name in Mark.__slots__} for m in watch.marks])
        )
    return 0


def _tell(path: Path, watch: Watch, *, trials: int) -> None:
    *marks, end = watch.marks
    steady = marks[len(marks) // 5 :]  # what is loaded when it is first asked for is there by then
    per_cohort = trials / len(marks)
    print(f"{trials} trials in {len(marks)} cohorts: {marks[-1].wall:.0f} s, {marks[-1].cpu:.0f} s of CPU")
    print("\n| cohort | memory MiB | open files | threads | objects | CPU s so far |")
    print("|---:|---:|---:|---:|---:|---:|")
    places = range(0, len(marks), EVERY * max(1, len(marks) // EVERY // 6))
    for place in places:
        m = marks[place]
        print(f"| {place + 1} | {m.memory:.0f} | {m.files} | {m.threads} | {m.objects:,} | {m.cpu:.1f} |")
    memory = slope([m.memory for m in steady])
    counted = [m.objects for m in steady if m.objects]
    print(f"\nmemory: {100 * memory / per_cohort:+.2f} MiB for 100 trials, after the first fifth")
    print(f"objects: {slope(counted) / EVERY / per_cohort:+.1f} a trial" if len(counted) > 2 else "")
    print(f"open files: {min(m.files for m in steady)} to {max(m.files for m in steady)}")
    print(f"CPU time of a cohort, last third over first third: {slowdown(marks):.2f}")
    spent = json.loads((path / "timing.json").read_text())[-1]
    print(f"the end of the run: {end.cpu - marks[-1].cpu:.1f} s of CPU, memory {end.memory:.0f} MiB")
    phases = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent["phases_s"].items())
    print(f"wall time: {phases}")
    sizes = {name: (path / name).stat().st_size / 1024 for name in ("records.jsonl", "report.html")}
    print(", ".join(f"{name} {size:,.0f} KiB" for name, size in sizes.items()))


if __name__ == "__main__":
    raise SystemExit(main())
