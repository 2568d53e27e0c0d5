"""Cohorts side by side, in processes of their own: what each of them does is written down by this one.

A process that dies, whatever kills it, costs the cohort it was at; the others go on, and another takes its
place.
"""

from __future__ import annotations

import logging
import queue
import warnings
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace

import torch

from genbench.core.errors import GenbenchWarning, OutputError
from genbench.core.interrupt import heed, is_asked, is_urgent
from genbench.core.record import Status
from genbench.runner.executors import Division
from genbench.runner.ground import Ground
from genbench.runner.halfway import forget, forget_done
from genbench.runner.hand import Hand, why_it_ended
from genbench.runner.measuring import close_cohort
from genbench.runner.phases import WAITING, Phases
from genbench.runner.wire import Commission, Message, Order
from genbench.suite.plan import Cohort

_log = logging.getLogger("genbench")

GLANCE_S = 0.2
"""Seconds between two looks at whether the user asked for the end."""

_GLANCES = 10
"""Looks at a process that has ended, before its last word is not waited for any more."""


class SetUpError(OutputError):
    """No process of its own can work for this run."""


class Processes:
    """An executor with so many processes.

    They are begun when there is work, and kept until ``close``.

    Args:
        division: how many, and how many threads each has.
        commission: what each is told first; of where to train, the kind of device.
        plan: all cohorts of the run.
        phases: told how the time is spent.
    """

    def __init__(
        self, division: Division, commission: Commission, plan: Sequence[Cohort], phases: Phases
    ) -> None:
        self._division = division
        self._commission = commission
        self._plan = plan
        self._phases = phases
        self._hands: dict[int, Hand] = {}
        self._leaving: list[Hand] = []
        self._waiting: deque[Cohort] = deque()
        self._given_back: set[str] = set()
        self._heard: queue.SimpleQueue[tuple[Hand, Message | None]] = queue.SimpleQueue()

    def __call__(
        self, ground: Ground, number: int, cohorts: Sequence[Cohort]
    ) -> Generator[Cohort, None, None]:
        """As ``Executor`` has it.

        Raises:
            SetUpError: a process ended before it could be given an order.
        """
        self._waiting = deque(cohorts)
        try:
            while self._waiting or self._busy():
                heed()
                for slot in range(self._division.processes):
                    if self._waiting and self._is_free(slot):
                        self._give(slot, ground, number, self._waiting.popleft())
                if (finished := self._hear()) is not None:
                    yield finished
        except SetUpError:
            raise  # what others are at can be put down
        except OutputError:
            self._kill()  # what they do could not be written down
            raise
        finally:
            self._put_down()

    def close(self) -> None:
        """Let all of them go."""
        everyone = [*self._hands.values(), *self._leaving]
        for hand in everyone:
            hand.hang_up()
        for hand in everyone:
            hand.wait()
        self._hands.clear()
        self._leaving.clear()

    def _busy(self) -> list[Hand]:
        return [hand for hand in self._hands.values() if hand.cohort is not None]

    def _is_free(self, slot: int) -> bool:
        return slot not in self._hands or self._hands[slot].cohort is None

    def _give(self, slot: int, ground: Ground, number: int, cohort: Cohort) -> None:
        """Have a cohort worked on."""
        if slot not in self._hands:
            device = _device(self._commission.device, slot)
            self._hands[slot] = Hand.begin(replace(self._commission, device=device), ground, self._heard)
        hand = self._hands[slot]
        hand.ground, hand.cohort, hand.step, hand.measuring = ground, cohort, 0, False
        hand.begun = False
        hand.say(Order.of(cohort, number, ground.job.earlier, self._plan).line())

    def _hear(self) -> Cohort | None:
        """The next that a process says, but do not wait for long; the cohort that ended by it.

        Raises:
            OutputError: nothing more can be written.
        """
        try:
            with self._phases(WAITING):
                hand, message = self._heard.get(timeout=GLANCE_S)
        except queue.Empty:
            return self._look_for_the_dead()
        cohort = hand.cohort
        if message is None:
            self._lost(hand)
        elif "ready" in message:
            hand.ready = True
        elif "done" in message:
            self._done(hand, message["done"])
        elif "interrupted" in message:
            self._phases.add(message["interrupted"])
            hand.reporter.end()
            hand.cohort = None
            self._leave(hand)
        elif "unwritable" in message:
            raise OutputError(message["unwritable"])
        elif "broken" in message:
            self._broken(hand, message["broken"])
        else:
            _tell(hand, message)
        return cohort if hand.cohort is None and cohort not in self._waiting else None

    def _look_for_the_dead(self) -> Cohort | None:
        """One that has ended, but a program that it started keeps its output open."""
        for hand in self._busy():
            hand.silent += hand.process.poll() is not None
            if hand.silent > _GLANCES:
                cohort = hand.cohort
                self._lost(hand)
                return None if cohort in self._waiting else cohort
        return None

    def _done(self, hand: Hand, seconds: dict[str, float]) -> None:
        job, cohort = hand.ground.job, hand.cohort
        self._phases.add(seconds)
        hand.cohort = None
        if cohort is not None:
            forget_done(job.directory, job.scribe.outcomes, but=cohort)

    def _lost(self, hand: Hand) -> None:
        """A process has ended: what it was at is lost."""
        code = hand.wait()
        if (cohort := hand.cohort) and hand.ready and not (hand.begun or cohort.id in self._given_back):
            self._leave(hand)  # it died while it had nothing to do; the next one may do this, but not a third
            self._given_back.add(cohort.id)
            self._waiting.appendleft(cohort)
            hand.cohort = None
            return
        self._broken(hand, why_it_ended(code))

    def _broken(self, hand: Hand, reason: str) -> None:
        """It cannot go on with what it was at, for this reason."""
        self._leave(hand)
        if hand.cohort is not None and is_asked():
            self._fail(hand, Status.INTERRUPTED, "stopped by the user")
        elif hand.cohort is not None and not hand.ready:  # so would be every other
            hand.cohort = None
            raise SetUpError(f"no process of its own can be set up for this run: {reason.rstrip('.')}.")
        elif hand.cohort is not None:
            self._fail(hand, Status.FAILED, reason)

    def _leave(self, hand: Hand) -> None:
        """It takes no more orders."""
        self._hands = {slot: other for slot, other in self._hands.items() if other is not hand}
        if hand not in self._leaving:
            self._leaving.append(hand)

    def _fail(self, hand: Hand, status: Status, reason: str) -> None:
        """Write down what became of what a process was at."""
        if (cohort := hand.cohort) is None:
            return
        hand.reporter.end()
        hand.cohort = None
        job = hand.ground.job
        reached = {trial.id: hand.step for trial in cohort.trials}
        if status is Status.FAILED:
            _log.error("%s failed: %s", cohort.title, reason)
            job.reporter.warn(f"{cohort.title} failed: {reason.rstrip('.')}. The others go on.")
        close_cohort(job.measures, job.goal, cohort, reached, job.scribe, status, reason)
        if status is Status.FAILED:
            forget(job.directory, [trial.id for trial in cohort.trials])

    def _put_down(self) -> None:
        """Have all work put down where nothing is lost; killed, where the user cannot wait for that."""
        try:
            if is_urgent():
                raise KeyboardInterrupt
            for hand in self._busy():
                hand.say({"stop": True})
            while self._busy():
                self._hear()
        except KeyboardInterrupt:
            self._kill()
        except OutputError:
            self._kill()
            raise

    def _kill(self) -> None:
        for hand in self._hands.values():
            hand.process.kill()
        for hand in list(self._hands.values()):
            hand.wait()  # what it said before is written down
            if is_asked():
                self._fail(hand, Status.INTERRUPTED, "stopped by the user")
            hand.cohort = None
            self._leave(hand)


def _tell(hand: Hand, message: Message) -> None:
    """Show what a process does."""
    reporter = hand.reporter
    if "note" in message:
        reporter.note(message["note"])
    elif "warn" in message:
        reporter.warn(message["warn"])
    elif "lacks" in message:  # each of them finds it out, and this process perhaps too: it is told once
        warnings.warn(message["lacks"], GenbenchWarning, stacklevel=2)
    elif "begin" in message:
        hand.step = 0 if message["begin"][1] else hand.step
        reporter.begin(*message["begin"])
    elif "step" in message:
        hand.step = message["step"][0]
        reporter.step(*message["step"])
    elif "end" in message:
        reporter.end()


def _device(kind: str, slot: int) -> str:
    """Where a process trains: on a GPU of its own, as far as there are so many."""
    return f"cuda:{slot % torch.cuda.device_count()}" if kind == "cuda" else kind
