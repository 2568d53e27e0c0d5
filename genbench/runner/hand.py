"""One process that works on cohorts, as the run sees it that gives the orders."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from genbench.core.errors import OutputError, told_by
from genbench.core.record import OUTCOME, Record
from genbench.runner.ground import Ground
from genbench.runner.progress import Reporter
from genbench.runner.wire import Commission, Message
from genbench.suite.plan import Cohort

PATIENCE_S = 10.0
"""Seconds for a process that has nothing more to do to end by itself."""

_LETTERS = 1 << 26
"""Longest line that is taken from it."""


@dataclass(eq=False)
class Hand:
    """A process, and what it is at.

    Attributes:
        process: itself.
        reporter: that shows what it does.
        heard: where what it says is put, but for records: (whose, what), ``None`` at its end.
        ground: of what it is at.
        cohort: that it is at; none while it waits.
        step: to which its training has come.
        measuring: whether its training is over, and its numbers are final ones.
        ready: whether it has set itself up.
        begun: whether it has said anything of what it is at.
        silent: looks at it since its process ended without a last word.
    """

    process: subprocess.Popen[bytes]
    reporter: Reporter
    heard: queue.SimpleQueue[tuple[Hand, Message | None]]
    ground: Ground
    cohort: Cohort | None = None
    step: int = 0
    measuring: bool = False
    ready: bool = False
    begun: bool = False
    silent: int = 0
    _listener: threading.Thread | None = None
    _speaking: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def begin(
        cls,
        commission: Commission,
        ground: Ground,
        heard: queue.SimpleQueue[tuple[Hand, Message | None]],
    ) -> Hand:
        """Start a process and tell it what it needs for whatever order comes."""
        path = [folder or os.getcwd() for folder in sys.path if isinstance(folder, str)]  # noqa: PTH109
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "genbench.runner.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path),
                "OMP_NUM_THREADS": str(commission.threads),
                "GENBENCH_OFFLINE": "1",  # what the first process could not get is not asked for again
            },
            # Ctrl-C in a terminal is for the first process, which tells the others
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        hand = cls(process, ground.job.reporter.beside(), heard, ground)
        hand._listener = threading.Thread(target=hand._listen, daemon=True)
        hand._listener.start()
        hand.say(asdict(commission))
        return hand

    def say(self, message: Message) -> None:
        """Tell it something; nothing where it has ended, which is heard elsewhere."""
        line = json.dumps(message).encode() + b"\n"
        with self._speaking, suppress(OSError, ValueError):
            assert self.process.stdin is not None
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def hang_up(self) -> None:
        """Say that no more orders come: it ends."""
        with self._speaking, suppress(OSError, ValueError):
            assert self.process.stdin is not None
            self.process.stdin.close()

    def wait(self) -> int:
        """Its exit code, once it has ended and all that it said before is written down."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if self._listener is not None:
            self._listener.join(PATIENCE_S)  # a program that it has started may keep its output open
        return code

    def _listen(self) -> None:
        """Hear what it says, in a thread of its own: it waits until its records are on the disk."""
        try:
            assert self.process.stdout is not None
            while line := self.process.stdout.readline(_LETTERS):
                try:
                    message: Message = json.loads(line)
                except ValueError:
                    break  # its death has cut it off
                self.begun = True
                if "record" in message:
                    self._write(Record.from_json(message["record"]))
                    self.say({"written": True})
                    continue
                if "begin" in message:
                    self.measuring = not message["begin"][1]
                self.heard.put((self, message))
        except OutputError as error:
            self.heard.put((self, {"unwritable": str(error)}))
        except Exception as error:
            self.heard.put((self, {"broken": told_by(error)}))
        finally:
            self.process.kill()  # it has ended; or else it waits for an answer that does not come
            self.heard.put((self, None))

    def _write(self, record: Record) -> None:
        """Write down what it has found out, as if this process had."""
        scribe = self.ground.job.scribe
        scribe.journal.append(record)
        if record.metric == OUTCOME:
            scribe.outcomes[record.trial] = record.status
        scribe.written.add((record.trial, record.metric, record.step, not self.measuring))


def why_it_ended(code: int) -> str:
    """What an exit code says, for people."""
    if code >= 0:
        return f"its process ended with exit code {code} in the middle of the work"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    short = " (perhaps the system was short of memory: fewer processes or lanes need less)"
    return f"its process was killed by {name}{short if name == 'SIGKILL' else ''}"
