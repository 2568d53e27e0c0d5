"""``genbench check`` of a model: every check in its order, and what each one needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.runner.check import (
    model_declared,
    model_gradients,
    model_loss,
    model_offers,
    model_samples,
    model_training,
)
from genbench.runner.check.blame import raised, source_of
from genbench.runner.check.finding import Fault, Finding, NotRun, Outcome, failed, passed, skipped
from genbench.runner.check.subject import Subject

IMAGES = DataInfo("images", (1, 28, 28))
COLOUR = DataInfo("colour images", (3, 32, 32))
POINTS = DataInfo("points", (2,))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold of every model.

    Attributes:
        name: for people.
        run: what was seen; raises Fault or NotRun.
        needs: names of checks without which this one says nothing.
        on: names of the data it is worth the time on; every kind if absent.
    """

    name: str
    run: Callable[[Subject], str]
    needs: tuple[str, ...] = ()
    on: tuple[str, ...] | None = ("images", "points")


RUNS = ("players", "networks", "losses")
TRAINS = (*RUNS, "pure", "precision", "vectorized", "gradients", "first steps")
SAMPLES = (*TRAINS, "sample shape")

CHECKS: tuple[Check, ...] = (
    Check("players", model_declared.players),
    Check("networks", model_declared.networks, ("players",), None),
    Check("sample shape", model_samples.shape, ("networks",), None),
    Check("losses", model_loss.losses, ("networks",), None),
    Check("pure", model_loss.pure, ("losses", "sample shape")),
    Check("precision", model_loss.precisions, ("losses",)),
    Check("vectorized", model_loss.vectorized, (*RUNS, "pure", "precision")),
    Check("gradients", model_gradients.gradients_at_start, ("vectorized",)),
    Check("first steps", model_training.first_steps, ("vectorized", "gradients")),
    Check("sample range", model_samples.finite_range, ("sample shape", "pure", "precision")),
    Check("batch mates", model_samples.batch_mates, SAMPLES),
    Check("variety", model_samples.variety, SAMPLES),
    Check("gradient flow", model_gradients.gradient_flow, (*TRAINS, "variety")),
    Check("own networks", model_gradients.own_networks, TRAINS),
    Check("same again", model_training.same_again, TRAINS),
    Check("alone", model_training.alone, (*TRAINS, "same again")),
    Check("save and load", model_training.goes_on, (*TRAINS, "same again")),
    Check("judge", model_offers.judge, TRAINS),
    Check("encode", model_offers.encode, TRAINS),
    Check("bound", model_offers.bound, TRAINS),
    Check("captured", model_training.captured, (*TRAINS, "same again"), ("images",)),
)
"""Of a model that could be made, in an order in which the first failure is the cause of later ones."""

COMPILED = Check("compiled", model_training.compiled, (*TRAINS, "same again", "captured"), ("images",))
"""Takes longer than all the others together."""


def check_model(name: str, options: Mapping[str, Any], *, compile_: bool = False) -> Iterator[Finding]:
    """Run the conformance suite on one registered model.

    Args:
        name: in the registry.
        options: as its ``[[model]]`` table has them.
        compile_: whether to compile it too, which takes a minute or so.
    """
    kind = models.get(name)
    try:
        yield passed("class", model_declared.declared(kind))
    except Fault as fault:
        yield failed("class", fault.words, fault.remedy)
    try:
        model, options_told = model_declared.built(name, kind, options)
    except Fault as fault:
        yield failed("options", fault.words, fault.remedy)
        for check in (*CHECKS, COMPILED):
            yield skipped(check.name, "the model cannot be made")
        return
    yield passed("options", options_told)
    file = source_of(kind)
    every = [Subject(model, data, file) for data in (IMAGES, COLOUR, POINTS)]
    refusals = {subject.data.name: words for subject in every if (words := model_declared.refusal(subject))}
    taken = [subject for subject in every if subject.data.name not in refusals]
    yield _data(taken, refusals)
    yield from examine(taken, (*CHECKS, COMPILED) if compile_ else CHECKS)
    if not compile_:
        yield skipped(COMPILED.name, "it takes a minute or so: give --compile")


def examine(subjects: Sequence[Subject], checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """Run checks one after the other, those left out that an earlier fault makes meaningless.

    Args:
        subjects: the model on each kind of data that it takes.
        checks: which, in their order.
    """
    faulty: dict[str, str] = {}  # a check that does not hold, and the first one that is to be mended for it
    for check in checks:
        lacking = [faulty[name] for name in check.needs if name in faulty]
        finding = (
            skipped(check.name, f"it means nothing before {lacking[0]!r} holds")
            if lacking
            else _one(check, subjects)
        )
        if finding.outcome is not Outcome.PASSED:
            faulty[check.name] = lacking[0] if lacking else check.name
        yield finding


def _one(check: Check, subjects: Sequence[Subject]) -> Finding:
    """One check on each kind of data; the first fault is told."""
    told = ""
    tried = [subject for subject in subjects if check.on is None or subject.data.name in check.on]
    if not tried:
        return skipped(
            check.name, f"it is made on {' or '.join(check.on or ())}, which the model does not take"
        )
    for subject in tried:
        where = f"on {subject.data.name} {subject.data.shape}: " if len(tried) > 1 else ""
        try:
            words = check.run(subject)
        except Fault as fault:
            return failed(check.name, where + fault.words, fault.remedy)
        except NotRun as reason:
            return skipped(check.name, str(reason))
        except Exception as error:
            return failed(
                check.name,
                f"{where}the model raises {raised(error, subject.file)}",
                "See the line; what each part of a model takes and gives is in docs/extending.md.",
            )
        told = told or words
    return passed(check.name, told)


def _data(taken: Sequence[Subject], refusals: Mapping[str, str]) -> Finding:
    takes = ", ".join(f"{subject.data.name} {subject.data.shape}" for subject in taken)
    if not taken:
        return failed(
            "data",
            f"the model refuses all data: {next(iter(refusals.values()))}",
            "Take images (C, H, W), or points (D,), or both.",
        )
    refused = "".join(f"; refuses {name}: {words}" for name, words in refusals.items())
    return passed("data", f"takes {takes}{refused}")
