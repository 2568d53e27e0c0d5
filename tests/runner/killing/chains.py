"""One run, ended again and again at random moments and continued, until it has come to its end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random

import power_cuts
from moments import Aim
from nursery import Request, as_json
from small_mnist import served, write_files
from unscathed import faults

from genbench.core.record import OUTCOME

SUITE = """
name = "killed"
seeds = 2
samples = 64
measures = ["throughput", "modes", "stability"]

[train]
steps = 64
batch_size = 16
compile = "never"
precision = "float32"
save_every = 20
evaluate_every = 28

[[dataset]]
name = "mnist"

[[model]]
name = "ns_gan"
latent = 4
generator = { hidden = [12, 12], batch_norm = true }
discriminator = { hidden = [12] }
discriminator_optimizer = { name = "sgd", lr = 0.01, momentum = 0.9 }

[[model]]
name = "vae"
latent = 3
encoder = { hidden = [16] }
decoder = { hidden = [16] }
"""
"""Batch normalization has buffers; Adam and momentum have moments; evaluations and saves divide blocks."""

COMPILED = """
name = "compiled"
seeds = 2
samples = 64
measures = ["modes"]

[train]
steps = 40
batch_size = 16
compile = "always"
precision = "float32"
save_every = 12

[[dataset]]
name = "mnist"

[[model]]
name = "vae"
latent = 3
encoder = { hidden = [16] }
decoder = { hidden = [16] }
optimizer = { name = "sgd", lr = 1e-4, momentum = 0.9 }
"""

_STEP = re.compile(r"^(?P<cohort>\S+ on \S+, \d+ seeds?): (?P<step>[\d,]+)/[\d,]+ steps", re.MULTILINE)


@dataclass(frozen=True)
class End:
    """How an attempt ended.

    Attributes:
        code: as ``subprocess`` has it: negative for a signal.
        met: whether the moment aimed at came.
        output: what it printed.
        cpu: seconds of a processor that it took.
    """

    code: int
    met: bool
    output: str
    cpu: float

    @property
    def steps(self) -> dict[str, tuple[int, int]]:
        """First and last step that were told of each cohort trained."""
        told: dict[str, list[int]] = {}
        for found in _STEP.finditer(self.output):
            told.setdefault(found["cohort"], []).append(int(found["step"].replace(",", "")))
        return {cohort: (min(steps), max(steps)) for cohort, steps in told.items()}


@dataclass(frozen=True)
class Undisturbed:
    """A suite, and the run of it that was left alone.

    Attributes:
        suite: its file.
        run: its directory.
        cache: genbench's own, with everything downloaded.
        seen: label and time of each moment.
    """

    suite: Path
    run: Path
    cache: Path
    seen: list[tuple[str, float]]

    @property
    def save_every(self) -> int:
        """Steps between two moments at which it surely writes down what it could be continued from."""
        return tomllib.loads(self.suite.read_text())["train"]["save_every"]

    def request(self, folder: Path, cache: Path | None = None) -> Request:
        """The same command in a folder, where nothing is compiled yet."""
        arguments = ["run", str(self.suite), "--out", "out"]
        return Request(arguments, str(folder), str(cache or self.cache), str(folder / "compiled"))


@dataclass
class Nursery:
    """The process that forks runs."""

    process: subprocess.Popen[str]
    folder: Path

    def ask(self, line: str) -> dict:
        """Send a line, and wait for the answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict:
        """The next answer."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the nursery ended with {self.process.wait()}: see nursery.txt")
        return json.loads(line)

    def run(self, request: Request, after: float | None = None, sent: int = signal.SIGKILL) -> End:
        """A run; if it is to be ended from outside, so many seconds ``after`` its beginning."""
        folder = Path(request.folder)
        (folder / "met").unlink(missing_ok=True)
        child = self.ask(as_json(request))["child"]
        if after is not None:
            time.sleep(after)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, sent)
        answer = self.answer()
        output = (folder / request.output).read_text(errors="replace")
        return End(answer["code"], (folder / "met").exists(), output, answer["cpu"])

    def leave_alone(self, name: str, suite: str) -> Undisturbed:
        """Run a suite to its end; what it has imported is there for those that follow."""
        folder = self.folder / name
        folder.mkdir()
        made = Undisturbed(folder / "suite.toml", folder, folder / "cache", [])
        made.suite.write_text(suite)
        witness = folder / "witness.json"
        end = self.run(replace(made.request(folder), witness=str(witness)))
        assert end.code == 0, end.output[-3000:]
        saw = json.loads(witness.read_text())
        self.ask(json.dumps({"import": saw["modules"]}))
        (run,) = (folder / "out").glob("*/*")
        return replace(made, run=run, seen=[(label, at) for label, at in saw["seen"]])


@contextlib.contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """A nursery, with the data that it may download."""
    files = folder / "published"
    write_files(files)
    surroundings = {name: value for name, value in os.environ.items() if name != "GENBENCH_DATA"} | {
        "OMP_NUM_THREADS": "1",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "GENBENCH_OFFLINE": "",
        "no_proxy": "127.0.0.1",
        "COLUMNS": "200",
    }
    script = Path(__file__).with_name("nursery.py")
    with served(files) as address, (folder / "nursery.txt").open("w") as told:
        process = subprocess.Popen(
            [sys.executable, script, str(files), address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            env=surroundings,
            text=True,
        )
        try:
            made = Nursery(process, folder)
            made.answer()
            yield made
        finally:
            process.stdin.close()
            process.wait(60)


GROUPS: dict[str, tuple[str, ...]] = {
    "download": ("download",),
    "compiling": ("start compiler", "open compiled", "rename compiled"),
    "beginning": ("provenance", "log", "folder", "mark"),
    "control rows": ("control",),
    "training": ("phase training", "phase tracing"),
    "curves": ("curve",),
    "progress": ("progress",),
    "checkpoint": ("checkpoint", "phase saving checkpoints"),
    "evaluation": ("phase measuring", "phase drawing samples"),
    "record": ("record",),
    "end of a cohort": ("clocks", "course"),
    "pictures": ("pictures", "plots", "phase pictures and tables"),
    "report": ("tables", "time spent", "report"),
}
"""Where attempts are aimed at: words that the labels of moments have."""


def group_of(label: str, trained: bool) -> str | None:
    """The group of a moment; a record before anything was trained is one of a control row."""
    if label.endswith("record") and not trained:
        return "control rows"
    return next((g for g, words in GROUPS.items() if any(word in label for word in words)), None)


@dataclass(frozen=True)
class Shot:
    """One attempt that was to be ended.

    Attributes:
        chain: of which run it is.
        group: of the moment aimed at.
        moment: itself.
        sent: the signal, or "full disk".
        ended: how the process did.
        steps: first and last step of each cohort that was trained in it.
        harm: what was done to its files afterwards.
        cpu: seconds of a processor that it took.
    """

    chain: int
    group: str
    moment: str
    sent: str
    ended: str
    steps: Mapping[str, tuple[int, int]]
    harm: str
    cpu: float

    def __str__(self) -> str:
        steps = ", ".join(f"{cohort.split()[0]} {a}..{b}" for cohort, (a, b) in self.steps.items()) or "-"
        return (
            f"{self.chain:3} {self.group:16} {self.moment:42} {self.sent:10} {self.ended:9} "
            f"{self.cpu:5.1f} s  {steps:30} {self.harm}"
        )


@dataclass
class Campaign:
    """Runs that are ended again and again.

    Attributes:
        nursery: which makes them.
        undisturbed: whose suite it is.
        folder: where.
        rng: decides everything.
        shots: so far.
        faults: what was not as it should be, a line each.
        runs: the finished run of each chain.
    """

    nursery: Nursery
    undisturbed: Undisturbed
    folder: Path
    rng: Random
    shots: list[Shot] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    runs: list[Path] = field(default_factory=list)

    @property
    def ended(self) -> list[Shot]:
        """Attempts that did not come to their end."""
        return [shot for shot in self.shots if shot.ended != "0"]

    def chain(self, kills: int, groups: Sequence[str] = ()) -> None:
        """A run that is ended up to so many times before it may come to its end, and is looked at then.

        ``groups`` tells where; by default where it was done least so far.
        """
        number = len(self.runs)
        folder = self.folder / f"chain-{number}"
        targets = self._targets(kills, groups)
        own_cache = folder / "cache" if any(group == "download" for _, group in targets) else None
        known, here = Known(self.undisturbed.save_every), 0
        for attempt in range(kills + 1):
            target = targets[attempt] if attempt < len(targets) else None
            request = replace(self.undisturbed.request(folder, own_cache), output=f"output-{attempt}")
            request = self._continued(request, attempt)
            if target is None:
                shot, end = None, self.nursery.run(request)
            else:
                shot, end = self._shoot(number, request, target, here)
                here = target[0]
            if shot:
                self.shots.append(shot)
            self._check(f"chain {number}, attempt {attempt} ({shot})", end, shot, known, folder)
            if end.code == 0 or end.code not in _allowed(shot):
                break
        if end.code != 0:
            self.runs.append(folder)
            return
        (run,) = (Path(found).parent for found in re.findall(r"^records: +(.*)$", end.output, re.MULTILINE))
        self.runs.append(folder / run)
        found = faults(folder / run, self.undisturbed.run, folder / "view")
        self.faults += [f"chain {number}: {fault}" for fault in found]

    def _targets(self, kills: int, groups: Sequence[str]) -> list[tuple[int, str]]:
        """Moments of the undisturbed run, in its order."""
        places: dict[str, list[int]] = {}
        trained = False
        for place, (label, _) in enumerate(self.undisturbed.seen):
            trained = trained or label == "phase training"
            if group := group_of(label, trained):
                places.setdefault(group, []).append(place)
        met = Counter(shot.group for shot in self.ended)
        least = sorted(places, key=lambda group: (met[group], self.rng.random()))
        return sorted((self.rng.choice(places[group]), group) for group in groups or least[:kills])

    def _shoot(self, chain: int, request: Request, target: tuple[int, str], here: int) -> tuple[Shot, End]:
        place, group = target
        label, at = self.undisturbed.seen[place]
        sent = self.rng.choice(("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGINT"))
        passed = [seen for seen, _ in self.undisturbed.seen[here : place + 1]]
        # what was done before is not done again, so the place comes sooner than in the undisturbed run
        aim, after = Aim(label, self.rng.randint(1, max(1, passed.count(label))), signal=sent), None
        if self.rng.random() < 0.15:  # whatever it is doing then
            after = max(0.02, at - self.undisturbed.seen[here][1]) * self.rng.uniform(0.1, 1.0)
            moment = f"after {after:.2f} s"
        elif label.startswith("write") and self.rng.random() < 0.7:
            aim = replace(aim, share=self.rng.random(), signal="SIGKILL")
            aim = replace(aim, full=self.rng.random() < 0.25)
            moment = f"{label} #{aim.nth}, {aim.share:.0%} of it"
        elif label.startswith(("phase", "start", "open download")):
            rest = [t for _, t in self.undisturbed.seen[place + 1 : place + 20]] or [at + 0.1]
            aim = replace(aim, delay=self.rng.uniform(0, rest[-1] - at))
            moment = f"{label} #{aim.nth} + {aim.delay:.2f} s"
        else:
            aim = replace(aim, full=self.rng.random() < 0.15)
            moment = f"{label} #{aim.nth}"
        if after is None:
            end = self.nursery.run(replace(request, aim=asdict(aim)))
            sent = "full disk" if aim.full else aim.signal
        else:
            end = self.nursery.run(request, after, signal.Signals[sent])
        harm = self._harm(Path(request.folder)) if end.code == -signal.SIGKILL else ""
        return Shot(chain, group, moment, sent, str(end.code), end.steps, harm, end.cpu), end

    def _harm(self, folder: Path) -> str:
        """Now and then the power was cut too."""
        run = newest(folder)
        if run is None or self.rng.random() < 0.5:
            return ""
        return self.rng.choice(power_cuts.KINDS)(run, self.rng) or ""

    def _continued(self, request: Request, attempt: int) -> Request:
        """The same command again, or now and then the run by its name."""
        run = newest(Path(request.folder))
        if attempt == 0 or run is None or not (run / "records.jsonl").exists():
            return request
        if self.rng.random() < 0.7:
            return request
        return replace(request, arguments=[*request.arguments, "--resume", str(run)])

    def _check(self, what: str, end: End, shot: Shot | None, known: Known, folder: Path) -> None:
        if end.code not in _allowed(shot):
            self.faults.append(f"{what}: exit code {end.code}\n{end.output[-2000:]}")
        if "Traceback" in end.output:
            self.faults.append(f"{what}: a traceback\n{end.output[-2000:]}")
        for title in end.steps.keys() & known.finished:
            self.faults.append(f"{what}: {title} was finished, and is trained again")
        for title, (first, last) in end.steps.items():
            if first <= known.lost_at_most(title):
                self.faults.append(f"{what}: {title} had come to step {known.reached[title]}")
            known.reached[title] = last
        known.spoiled += bool(shot and ".safetensors" in shot.harm)
        if shot and "records.jsonl" in shot.harm:  # no file is believed that knows of what was lost there
            known.reached.clear()
        known.update(folder)


CODES = {
    "SIGKILL": {0, -signal.SIGKILL},
    "SIGTERM": {0, 130, -signal.SIGTERM},  # before genbench listens, the system's way
    "SIGINT": {0, 130},
    "full disk": {0, 2, 3},  # 0 where nothing was left to write; 2 before anything was
}


def _allowed(shot: Shot | None) -> set[int]:
    return {0} if shot is None else CODES[shot.sent]


@dataclass
class Known:
    """What is known of a run.

    Attributes:
        finished: cohorts all of whose trials are done.
        reached: the last step that was told of each cohort.
        spoiled: how often what a training is continued from was damaged.
    """

    save_every: int
    finished: set[str] = field(default_factory=set)
    reached: dict[str, int] = field(default_factory=dict)
    spoiled: int = 0

    def lost_at_most(self, title: str) -> int:
        """A step beyond which a cohort is continued: its last file may be half-written, or damaged."""
        whole = self.reached.get(title, 0) // self.save_every
        return max(0, (whole - 1 - self.spoiled) * self.save_every)

    def update(self, folder: Path) -> None:
        """Look at the newest run again."""
        self.finished.clear()
        run = newest(folder)
        if run is None:
            return
        done = Counter()
        for record in records_of(run):
            if record["metric"] == OUTCOME and record["status"] == "DONE":
                done[f"{record['model']} on {record['dataset']}", record["lanes"]] += 1
        self.finished |= {f"{name}, {lanes} seeds" for (name, lanes), count in done.items() if count == lanes}


def newest(folder: Path) -> Path | None:
    """The newest run under ``folder/out``."""
    return max((folder / "out").glob("*/*"), key=lambda path: path.stat().st_ctime_ns, default=None)


def records_of(run: Path) -> list[dict]:
    """The whole lines of a journal, whatever their format."""
    path = run / "records.jsonl"
    found = []
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def table(shots: Sequence[Shot]) -> str:
    """All attempts, a line each."""
    return "\n".join(map(str, shots))
