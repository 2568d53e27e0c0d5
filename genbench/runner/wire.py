"""What goes between a run and the processes that work for it: a line of JSON each, so nothing is pickled."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import IO, Any

from genbench.core.interrupt import ask
from genbench.core.record import Record, Status
from genbench.runner.earlier import Earlier
from genbench.suite.plan import Cohort

EVERY_S = 0.2
"""Seconds between two lines about the steps of a training."""

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Commission:
    """What a worker is told first.

    Attributes:
        run: directory of the run.
        plugins: files to run first.
        device: where to train: ``cpu``, or ``cuda:1``.
        env: id of the environment.
        code: genbench's version and commit.
        sources: hash of genbench's code, which must be what this process has too.
        plugin_code: the same of the plugin files, by name.
        threads: that it has.
        made_by: what code trains on what machine.
        processes: that train side by side.
    """

    run: str
    plugins: tuple[str, ...]
    device: str
    env: str
    code: str
    sources: str
    plugin_code: Mapping[str, str]
    threads: int
    made_by: str
    processes: int


@dataclass(frozen=True, slots=True)
class Order:
    """A cohort to work on, and what is known of it already.

    Attributes:
        cohort: its id.
        dataset: number of the dataset, among those of the run.
        outcomes: how trials ended, by id.
        kept: (trial, metric, step) of numbers that stand.
        missed: the same of those that stand as failed.
    """

    cohort: str
    dataset: int
    outcomes: Mapping[str, str]
    kept: Sequence[tuple[str, str, int]]
    missed: Sequence[tuple[str, str, int]]

    @classmethod
    def of(cls, cohort: Cohort, dataset: int, earlier: Earlier, plan: Sequence[Cohort]) -> Order:
        """The order to work on a cohort, with nothing of the others in the plan."""
        others = {trial.id for other in plan if other is not cohort for trial in other.trials}
        own = {trial.id for trial in cohort.trials}
        outcomes = {trial: str(status) for trial, status in earlier.outcomes.items() if trial in own}
        # numbers of a whole cohort, or of a part of it, have an id of their own
        kept, missed = (
            [key for key in sorted(keys) if key[0] not in others] for keys in (earlier.kept, earlier.missed)
        )
        return cls(cohort.id, dataset, outcomes, kept, missed)

    @property
    def earlier(self) -> Earlier:
        """As it was told."""
        outcomes = {trial: Status(status) for trial, status in self.outcomes.items()}
        kept, missed = (frozenset((t, m, s) for t, m, s in of) for of in (self.kept, self.missed))
        return Earlier(outcomes, frozenset(), kept, missed)

    def line(self) -> Message:
        """As it is sent."""
        return asdict(self)


class Channel:
    """The two ways to whoever gives the orders.

    A thread listens all the time: it must be heard that the work is to be put down, or that nobody is there
    any more, while a block of steps goes on.
    """

    def __init__(self, orders: IO[bytes], answers: IO[bytes]) -> None:
        self._answers = answers
        self._written: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[Message] = queue.SimpleQueue()
        threading.Thread(target=self._listen, args=(orders,), daemon=True).start()

    def _listen(self, orders: IO[bytes]) -> None:
        try:
            for line in orders:
                message: Message = json.loads(line)
                if "written" in message:
                    self._written.put(None)
                    continue
                if "stop" in message:
                    ask()
                self._orders.put(message)
        finally:  # whoever gave the orders has ended, perhaps in a word; soon another may be at work here
            os._exit(1)

    def order(self) -> Message:
        """The next order, waited for."""
        return self._orders.get()

    def send(self, **message: object) -> None:
        """Tell something."""
        try:
            self._answers.write(json.dumps(message).encode() + b"\n")
            self._answers.flush()
        except OSError:  # as where there are no more orders
            os._exit(1)

    def append(self, record: Record) -> None:
        """Have a record written; it is on the disk when this returns."""
        self.send(record=record.to_json())
        self._written.get()


@dataclass
class Remote:
    """A reporter that passes everything on."""

    channel: Channel
    _told: float = 0.0
    _untold: Message | None = None

    def note(self, text: str) -> None:
        """Passed on."""
        self.channel.send(note=text)

    def warn(self, text: str) -> None:
        """Passed on."""
        self.channel.send(warn=text)

    def lacks(self, text: str) -> None:
        """What the machine lacks, say, which others may find out too."""
        self.channel.send(lacks=text)

    def begin(self, cohort: str, steps: int) -> None:
        """Passed on."""
        self._told, self._untold = 0.0, None
        self.channel.send(begin=[cohort, steps])

    def step(self, step: int, steps_per_s: float, losses: Mapping[str, Sequence[float]]) -> None:
        """Passed on a few times a second, and the last one in any case."""
        told = {name: list(values) for name, values in losses.items()}
        self._untold = {"step": [step, steps_per_s, told]}
        if monotonic() - self._told >= EVERY_S:
            self._tell()

    def _tell(self) -> None:
        if self._untold is not None:
            self.channel.send(**self._untold)
            self._told, self._untold = monotonic(), None

    def end(self) -> None:
        """Passed on."""
        self._tell()
        self.channel.send(end=True)

    def beside(self) -> Remote:
        """The same."""
        return self
