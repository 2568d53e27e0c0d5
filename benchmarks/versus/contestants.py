"""Both sides as something that makes steps when told to, and can be timed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from genbench.train.accounting import parameter_count
from genbench.train.clock import now
from genbench.train.device import COMPUTE, Precision, choose_precision
from genbench.train.settings import Compile, Settings
from genbench.train.state import initial_state
from genbench.train.streams import BLOCK
from genbench.train.trainer import train
from genbench.train.update import as_seen
from versus.cases import Case
from versus.scripts import Given


class Contestant(Protocol):
    """One side of a case.

    Attributes:
        name: for people.
        lanes: seeds that one step trains.
        precision: of the networks' arithmetic.
        compile_s: seconds that compiling took; ``None`` where nothing is compiled.
    """

    name: str
    lanes: int
    precision: Precision
    compile_s: float | None

    def advance(self, steps: int) -> list[float]:
        """Make so many steps and give the last losses; returns when the device has finished."""
        ...


class Eager:
    """A script. K seeds take it K times as long as one, so one is timed."""

    lanes = 1
    precision: Precision = "float32"
    compile_s: float | None = None

    def __init__(self, case: Case, given: Given) -> None:
        self.name = "eager, tuned" if given.tuned else "eager"
        self._script = case.script(given)
        ours = parameter_count(case.model, case.info)
        assert self._script.parameters == ours, f"{case.name}: {self._script.parameters} is not {ours}"

    def advance(self, steps: int) -> list[float]:
        """See ``Contestant``."""
        losses: tuple[Tensor, ...] = ()
        for _ in range(steps):
            losses = next(self._script.steps)
        return [float(loss) for loss in losses]


class Ours:
    """The trainer as users call it, over and over on one state; noise and order are drawn in that time."""

    def __init__(
        self,
        case: Case,
        examples: Tensor,
        device: torch.device,
        *,
        lanes: int,
        precision: str = "auto",
        compiling: Compile = "always",
    ) -> None:
        self.precision = choose_precision(precision, device, case.info)
        self.name = f"{self.precision}, {lanes} {'lane' if lanes == 1 else 'lanes'}"
        self.lanes = lanes
        self.compile_s: float | None = None
        self._case, self._examples = case, examples.to(device)
        self._device, self._compiling = device, compiling
        self._seeds = list(range(1, lanes + 1))
        self._state = initial_state(case.model, case.info, self._seeds, device=device)

    def advance(self, steps: int, on_block: Callable[[], None] = lambda: None) -> list[float]:
        """See ``Contestant``; the first call compiles. ``on_block`` is called after every block of steps."""
        settings = Settings(
            steps=self._state.step + steps,
            batch_size=self._case.batch_size,
            device=self._device,
            compute=COMPUTE[self.precision],
            compile=self._compiling,
        )
        training = train(
            self._case.model,
            self._case.info,
            self._examples,
            self._seeds,
            settings,
            state=self._state,
            on_tick=lambda *_: on_block(),
        )
        assert all(training.alive), f"{self.name}: a lane has diverged"
        program = training.program
        if self._compiling == "always":
            assert program.compiled, program.reason
            assert self.compile_s is None or program.compile_s == 0, "compiled again"
            self.compile_s = program.compile_s if self.compile_s is None else self.compile_s
        _, logs = training.curves[-1]
        return [value for name, lanes in logs.items() if name.endswith(".loss") for value in lanes]


def contestants(
    case: Case, device: torch.device, *, lanes: Sequence[int] = (), compiling: Compile = "always"
) -> list[Contestant]:
    """Everyone in a case, the plain script first.

    ``lanes`` takes the place of the case's own, those in float32 too.
    """
    examples = case.examples()
    floats = as_seen(examples, torch.float32)
    kinds = [(k, "auto") for k in lanes or case.lanes]
    if not lanes and choose_precision("auto", device, case.info) != "float32":
        kinds += [(k, "float32") for k in case.float32_lanes]
    return [
        *(Eager(case, Given(floats, case.batch_size, device, tuned)) for tuned in (False, True)),
        *(
            Ours(case, examples, device, lanes=k, precision=precision, compiling=compiling)
            for k, precision in kinds
        ),
    ]


def timed(contestant: Contestant, steps: int, device: torch.device) -> float:
    """Seconds of so many steps.

    Raises:
        ArithmeticError: a loss is not finite.
    """
    start = now(device)
    losses = contestant.advance(steps)
    seconds = now(device) - start
    if not losses or not all(map(math.isfinite, losses)):
        raise ArithmeticError(f"{contestant.name}: losses {losses}")
    return seconds


def warmed_up(contestant: Contestant, seconds: float, device: torch.device) -> int:
    """Compile and warm up, and tell how many steps take about ``seconds``.

    Noise and order are drawn by the block, so the number is a multiple of a block or, for slow steps, a power
    of two below it; and the next step is the first of so many. Otherwise blocks would be drawn twice.
    """
    timed(contestant, 1, device)  # compiles
    done = steps = 1
    while (spent := timed(contestant, steps, device)) < seconds / 4:
        done += steps
        steps = done
    done += steps
    fitting = seconds / (spent / steps)
    chosen = round(fitting / BLOCK) * BLOCK if fitting >= BLOCK else 2 ** int(math.log2(max(fitting, 1)))
    if rest := -done % chosen:
        timed(contestant, rest, device)
    return chosen
