"""What of a run is the same when it is repeated in another way, and how far the rest moves.

``python benchmarks/determinism.py`` prints the tables of docs/reproducibility.md; ``--long 1024`` adds how
differences grow with training.

A small suite is run again and again, each time with one thing changed: another process, another order, fewer
lanes at a time, more threads, a compiler. Records, parameters, losses and pictures are then compared with
those of the first run, as the tests do it (tests/runner/same_records.py). Tables and figures of the runs are
left out, which are made from records alone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent.parent / "tests" / "runner"))

from same_records import by_key, differences, is_time, tensors_of  # noqa: E402 - lies among the tests

SUITE = """
name = "same"
seeds = 3
samples = 60
measures = ["modes", "quality"]

[train]
steps = {steps}
batch_size = 8
compile = "never"
precision = "float32"

[[dataset]]
name = "digits"

[[model]]
name = "gan"
latent = 16
generator = {{ hidden = [64], batch_norm = true }}
discriminator = {{ hidden = [64] }}

[[model]]
name = "ns_gan"
label = "conv"
latent = 16
generator = {{ name = "conv", channels = [3, 6], dense = 16 }}
discriminator = {{ name = "conv", channels = [3, 6], dense = 16 }}
"""

_HEAD, *_MODELS = SUITE.split("[[model]]")
TURNED = "[[model]]".join([_HEAD, *(f"{part.rstrip()}\n\n" for part in reversed(_MODELS))])


@dataclass(frozen=True)
class Way:
    """One way to run the suite.

    Attributes:
        name: of its folder.
        told: what is changed, for the table.
        against: which run it is compared with.
        changes: as with ``--set``.
        turned: whether the models come in the other order.
        only: these models alone.
        seeds: another number of seeds.
        process: which process runs it.
    """

    name: str
    told: str
    against: str = "first"
    changes: tuple[str, ...] = ()
    turned: bool = False
    only: tuple[str, ...] = ()
    seeds: int | None = None
    process: str = "one"


COMPILED = ('train.compile="always"',)
BFLOAT16 = ('train.precision="bfloat16"',)

WAYS = (
    Way("first", ""),
    Way("again", "again in the same process"),
    Way("fresh", "fresh process, other hash seed, folder, time zone and language", process="fresh"),
    Way("turned", "models in the other order", turned=True),
    Way("alone", "one model alone, in a process that trained nothing else", only=("conv",), process="alone"),
    Way("measures", "measures in the other order", changes=('measures=["quality","modes"]',)),
    Way("looked", "looked at every 20 steps on the way", changes=("train.evaluate_every=20",)),
    Way("seeds", "5 seeds, not 3", seeds=5),
    Way("lanes-1", "1 lane at a time, not 3", changes=("train.lanes=1",)),
    Way("lanes-2", "2 lanes, then 1, not 3", changes=("train.lanes=2",)),
    Way("threads", "2 threads, not 1", process="threads"),
    Way("compiled", "compiled, not eager", changes=COMPILED, only=("gan",)),
    Way("compiled-fresh", "compiled: fresh process", "compiled", COMPILED, only=("gan",), process="fresh"),
    Way("compiled-1", "compiled: 1 lane at a time", "compiled", (*COMPILED, "train.lanes=1"), only=("gan",)),
    Way("bf16", "", changes=BFLOAT16),
    Way("bf16-fresh", "bfloat16: fresh process", "bf16", BFLOAT16, process="fresh"),
    Way("bf16-1", "bfloat16: 1 lane at a time", "bf16", (*BFLOAT16, "train.lanes=1")),
)

PROCESSES: dict[str, dict[str, str]] = {
    "one": {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
    "fresh": {
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "4321",
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
        "LANG": "C",
    },
    "alone": {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
    "threads": {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "0"},
}


@dataclass
class Moved:
    """How far two runs are apart in what both of them have.

    Attributes:
        pairs: numbers that were compared.
        equal: those that agree to the bit.
        parameters: largest ||a - b|| / ||a|| of all parameters of a network.
        metrics: by metric, the largest |a - b| and what it is in standard deviations over seeds.
        told: what else differs.
    """

    pairs: int = 0
    equal: int = 0
    parameters: float = 0.0
    metrics: dict[str, tuple[float, float]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=40, help="of each training")
    parser.add_argument("--long", type=int, default=0, help="steps of the table of growth")
    parser.add_argument("--keep", type=Path, help="folder for the runs; else they are deleted")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work:
        return _work(json.loads(options.work))
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _tables(folder.resolve(), options.steps, options.long)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    return 0


def _tables(folder: Path, steps: int, longest: int) -> None:
    suites = {name: folder / f"{name}.toml" for name in ("same", "turned")}
    suites["same"].write_text(SUITE.format(steps=steps))
    suites["turned"].write_text(TURNED.format(steps=steps))
    for process in PROCESSES:
        _start(folder, process, suites, [way for way in WAYS if way.process == process])
    runs = {way.name: _run_of(folder, way.name) for way in WAYS}
    print(_machine(runs["first"]))
    print(f"\n{steps} steps of 2 models with 3 seeds each, on digits\n")
    _print_header()
    for way in WAYS:
        if way.told:
            _print_row(way.told, apart(runs[way.against], runs[way.name]))
    print("\nTo the bit in everything, with no number, parameter, curve or picture left out:")
    for way in WAYS:
        if way.name in ("again", "fresh", "measures", "turned", "compiled-fresh", "bf16-fresh"):
            found = differences(runs[way.against], runs[way.name])
            print(f"- {way.told}: {'yes' if not found else f'no, {len(found)} differ, first {found[0]}'}")
    if longest:
        _growth(longest)


def _growth(steps: int) -> None:
    """How a difference in the last bit grows with training: a seed among three and the same seed alone."""
    import torch

    from genbench.core.registry import datasets, models
    from genbench.models.mlp import MLP
    from genbench.train.settings import Settings
    from genbench.train.trainer import Tick, Training, train

    data = datasets.get("digits")().load()
    examples = torch.from_numpy(data.train_examples)
    shallow = MLP(hidden=(32,))
    made = {
        "gan": models.get("gan")(latent=16, generator=shallow, discriminator=shallow),
        "wgan": models.get("wgan")(latent=16, generator=shallow, critic=shallow),
        "vae": models.get("vae")(latent=8, encoder=shallow, decoder=shallow),
    }
    at = [2**n for n in range(5, 1 + int(math.log2(steps)))]
    settings = Settings(steps=at[-1], batch_size=16, device=torch.device("cpu"), compile="never")
    far: dict[str, list[float]] = {}
    for name, model in made.items():
        kept: list[list[torch.Tensor]] = []
        for seeds in ((0, 1, 2), (0,)):
            seen: list[torch.Tensor] = []

            def on_tick(training: Training, tick: Tick, seen: list[torch.Tensor] = seen) -> None:
                if tick.step in at:
                    nets = training.state.params.values()
                    parts = [tensor[0].flatten() for net in nets for tensor in net.values()]
                    seen.append(torch.cat(parts).double())

            train(model, data.info, examples, seeds, settings, on_tick=on_tick)
            kept.append(seen)
        far[name] = [float((a - b).norm() / a.norm()) for a, b in zip(*kept, strict=True)]
    print(
        "\nParameters of a seed trained among three lanes and alone, ||a - b|| / ||a||, float32, by steps\n"
    )
    print("| model | " + " | ".join(f"{step:,}" for step in at) + " |\n|---|" + "---:|" * len(at))
    for name, values in far.items():
        print(f"| {name} | " + " | ".join(f"{value:.0e}" if value else "equal" for value in values) + " |")


def apart(a: Path, b: Path) -> Moved:
    """Compare what two runs have in common; times are left out."""
    moved, one, two = Moved(), by_key(a), by_key(b)
    seeds: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for (_, model, _, seed, step, metric), record in one.items():
        if seed is not None and record.value is not None:
            seeds[model, metric, step].append(record.value)
    for key, record in one.items():
        other = two.get(key)
        if other is None or is_time(record.metric):
            continue
        moved.pairs += 1
        if (record.value, record.error, record.reason) == (other.value, other.error, other.reason):
            moved.equal += 1
        elif record.value is None or other.value is None:
            moved.told.append(
                f"{record.metric}: {record.reason or record.value}, {other.reason or other.value}"
            )
        else:
            far = abs(record.value - other.value)
            values = seeds[key[1], key[5], key[4]]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            before = moved.metrics.get(record.metric, (0.0, 0.0))
            in_spreads = far / spread if spread else 0.0  # what has no seeds is in no unit of them
            moved.metrics[record.metric] = (max(before[0], far), max(before[1], in_spreads))
        versions = {name for name in record.versions if record.versions[name] != other.versions.get(name)}
        moved.told += [f"{record.metric}: versions of {', '.join(sorted(versions))} differ"] * bool(versions)
    for checkpoint in a.glob("trials/*/checkpoint.safetensors"):
        if (other_file := b / checkpoint.relative_to(a)).is_file():
            moved.parameters = max(moved.parameters, *_apart(checkpoint, other_file))
    return moved


def _apart(a: Path, b: Path) -> Iterator[float]:
    one, two = tensors_of(a), tensors_of(b)
    nets: dict[str, list[str]] = defaultdict(list)
    for name in one:
        if name.startswith("params"):
            nets[name.split("|")[1]].append(name)
    yield 0.0
    for names in nets.values():
        far = sum(float(((one[n].astype(float) - two[n]) ** 2).sum()) for n in names)
        yield math.sqrt(far / sum(float((one[n].astype(float) ** 2).sum()) for n in names))


def _print_header() -> None:
    print("| changed | numbers equal | parameters | largest change of a metric: absolute, in sd over seeds |")
    print("|---|---:|---:|---|")


def _print_row(told: str, moved: Moved) -> None:
    shown = ("quality.fid", "quality.kid", "quality.recall", "modes.kl", "quality.elbo")
    cells = [
        f"{name.split('.')[1]} {far:.1e} ({share:.1g})"
        for name, (far, share) in moved.metrics.items()
        if name in shown
    ]
    far = f"{moved.parameters:.1e}" if moved.parameters else "equal"
    none = "–" if moved.pairs == moved.equal else "others"
    more = "; ".join([", ".join(cells) or none, *moved.told[:2]])
    print(f"| {told} | {moved.equal:,} of {moved.pairs:,} | {far} | {more} |", flush=True)


def _machine(run: Path) -> str:
    content = json.loads((run / "environment.json").read_text())
    packages = ", ".join(f"{name} {content['packages'][name]}" for name in ("torch", "numpy", "scikit-learn"))
    return f"{content['device']}, {content['cores']} cores; Python {content['python']}, {packages}"


def _run_of(folder: Path, name: str) -> Path:
    (run,) = (folder / name / "same").iterdir()
    return run


def _start(folder: Path, process: str, suites: dict[str, Path], ways: Sequence[Way]) -> None:
    """Run these ways in one process of the given kind, from a folder of its own."""
    own = folder / f"from-{process}"
    own.mkdir(exist_ok=True)
    work = {
        "suites": {name: str(path) for name, path in suites.items()},
        "folder": str(folder),
        "ways": [asdict(way) for way in ways],
    }
    command = [sys.executable, str(HERE), "--work", json.dumps(work)]
    subprocess.run(
        command,
        check=True,
        cwd=own,
        env={**os.environ, **PROCESSES[process], "GENBENCH_CACHE": str(folder / "cache")},
    )


def _work(work: dict[str, object]) -> int:
    """In a process of its own: run the suites."""
    from rich.console import Console

    from genbench.runner import job
    from genbench.runner.progress import Quiet
    from genbench.suite.load import load_suite

    job.publish = job.write_report = lambda *_: None  # type: ignore[assignment] # made from records alone
    silent = Quiet(Console(quiet=True))
    for way in work["ways"]:
        suite = load_suite(
            Path(work["suites"]["turned" if way["turned"] else "same"]),
            set_=way["changes"],
            only=way["only"],
            seeds=way["seeds"],
        )
        job.run(suite, out=Path(work["folder"]) / way["name"], reporter=silent)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
