"""What one check of a registered thing found, in words for the person who wrote the thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "not run"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check, what it found, and what to do.

    Attributes:
        check: what was checked, in two or three words, the same whatever the outcome ("gradient flow").
        outcome: whether it holds; not run where an earlier failure makes it meaningless or something is
            missing.
        words: what was seen: where it holds a few words, else the cause, or why the check was not run.
        remedy: how to mend it; only of what failed.
    """

    check: str
    outcome: Outcome
    words: str
    remedy: str = ""


def passed(check: str, words: str) -> Finding:
    """It holds."""
    return Finding(check, Outcome.PASSED, words)


def failed(check: str, words: str, remedy: str) -> Finding:
    """It does not hold."""
    return Finding(check, Outcome.FAILED, words, remedy)


def skipped(check: str, why: str) -> Finding:
    """It was not run."""
    return Finding(check, Outcome.SKIPPED, why)


class Fault(Exception):  # noqa: N818 - what a check raises where it finds one; it never leaves the check
    """Something does not hold.

    Args:
        words: the cause, a sentence without its full stop.
        remedy: how to mend it, a sentence with its full stop.
    """

    def __init__(self, words: str, remedy: str) -> None:
        super().__init__(words)
        self.words = words
        self.remedy = remedy


class NotRun(Exception):  # noqa: N818
    """There is nothing to check; the text says why."""
