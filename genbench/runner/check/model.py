"""``genbench check`` of a model: every check in its order, and what each one needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genbench.core.datainfo import DataInfo
from genbench.core.registry import models
from genbench.runner.check import (
    model_declared,
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
        on: the data it is worth trying on.
    """

    name: str
    run: Callable[[Subject], str]
    needs: tuple[str, ...] = ()
    on: tuple[DataInfo, ...] = (IMAGES, POINTS)


RUNS = ("players", "networks", "losses")
TRAINS = (*RUNS, "random numbers", "precision", "vectorized", "first steps")
SAMPLES = (*TRAINS, "sample shape")

CHECKS: tuple[Check, ...] = (
    Check("players", model_declared.players),
    Check("networks", model_declared.networks, ("players",), (IMAGES, COLOUR, POINTS)),
    Check("sample shape", model_samples.shape, ("networks",), (IMAGES, COLOUR, POINTS)),
    Check("losses", model_loss.losses, ("networks",), (IMAGES, COLOUR, POINTS)),
    Check("random numbers", model_loss.draws_nothing, ("losses", "sample shape")),
    Check("precision", model_loss.precisions, ("losses",)),
    Check("vectorized", model_loss.vectorized, (*RUNS, "random numbers", "precision")),
    Check("first steps", model_training.first_steps, (*RUNS, "vectorized")),
    Check("gradient flow", model_loss.gradient_flow, TRAINS),
    Check("own networks", model_loss.own_networks, TRAINS),
    Check("same again", model_training.same_again, TRAINS),
    Check("alone", model_training.alone, (*TRAINS, "same again")),
    Check("save and load", model_training.goes_on, (*TRAINS, "same again")),
    Check("sample range", model_samples.finite_range, ("sample shape", "random numbers", "precision")),
    Check("batch mates", model_samples.batch_mates, SAMPLES),
    Check("variety", model_samples.variety, SAMPLES),
    Check("judge", model_offers.judge, TRAINS),
    Check("encode", model_offers.encode, TRAINS),
    Check("bound", model_offers.bound, TRAINS),
    Check("captured", model_training.captured, (*TRAINS, "same again"), (IMAGES,)),
)
"""Of a model that could be made, in an order in which the first failure is the cause of later ones."""

COMPILED = Check("compiled", model_training.compiled, (*TRAINS, "same again", "captured"), (IMAGES,))
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
    outcomes: dict[str, Outcome] = {}
    for check in (*CHECKS, COMPILED):
        if check is COMPILED and not compile_:
            finding = skipped(check.name, "it takes a minute or so: give --compile")
        else:
            finding = examine(check, taken, outcomes)
        outcomes[check.name] = finding.outcome
        yield finding


def examine(
    check: Check, subjects: Sequence[Subject], outcomes: Mapping[str, Outcome] | None = None
) -> Finding:
    """Run one check on each kind of data that the model takes; the first fault is told.

    Args:
        check: which.
        subjects: the model on each kind of data.
        outcomes: of the checks before it, by name.
    """
    lacking = [name for name in check.needs if (outcomes or {}).get(name, Outcome.PASSED) != Outcome.PASSED]
    if lacking:
        return skipped(check.name, f"it means nothing before {lacking[0]!r} holds")
    told = ""
    tried = [subject for subject in subjects if subject.data in check.on] or list(subjects)
    if not tried:
        return skipped(check.name, "the model takes no data")
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
