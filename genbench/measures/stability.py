"""Stability: whether training failed, settled and kept what it had learned, and how good its result is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from genbench.core.errors import DataError
from genbench.core.ids import derive_seed
from genbench.core.record import REAL, Column
from genbench.core.registry import measures
from genbench.data.dataset import Examples
from genbench.measures import stability_columns as columns
from genbench.measures.collapse_gate import COVERAGE, ENTROPY
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.fresh_critic import MOST, STEPS, fresh_critic
from genbench.measures.generator import Generator
from genbench.measures.stability_course import course_of
from genbench.measures.stamp import Protocol, missing, protocol, versions
from genbench.measures.trace import Trace
from genbench.measures.training_failure import ACTIVE, decoded, failures
from genbench.metrics.frechet import frechet_distance
from genbench.metrics.judging import auc, confident_share, overfit_gap
from genbench.metrics.trajectory import churn, collapses, drawdown, spike_ratio, straightness
from genbench.store.course import Course, Series

SNAPSHOTS = 8
"""Fewer say nothing of a late half."""

_ANCHORED = 2000  # the critic holds out half, and its records say how many

_SCORED = 2000  # examples of each side that a discriminator scores, at most

_NO_TRACE = "Stability is measured of a training, and these samples came without one."
_NO_DISCRIMINATOR = "This model has no discriminator."
_NOT_OPENED = "The model cannot be looked into: its latent is no vector."
_NO_CLASSES = "this data has neither two classes nor known modes, whose shares could change"


@measures.register("stability")
@dataclass(frozen=True)
class Stability:
    """One training, by its trace, its samples, a fresh critic and its own discriminator.

    Spread over seeds is in ``score``, which is the Fréchet distance of all samples at the end, as
    ``quality.fid`` is; what lanes on the way are measured by are the smaller halves of the trace.
    """

    columns: ClassVar[tuple[Column, ...]] = columns.ALL
    per_cohort: ClassVar[bool] = False
    traced: ClassVar[bool] = True
    of_lanes: ClassVar[bool] = True
    anchors: ClassVar[tuple[str, ...]] = (REAL, "gaussian", "collapsed")

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """A reading a column; one that cannot be taken says why."""
        reference, n = evidence.reference, len(evidence.samples)
        course = course_of(evidence)
        if evidence.trace is None or course is None or n < 2:
            yield from missing(reference, self.columns, _NO_TRACE, protocol(reference, n))
            return
        yield _failed(evidence)
        real, fake = reference.features.values, evidence.features.values
        yield _reading(
            reference, columns.SCORE, lambda: frechet_distance(real, fake), protocol(reference, n), n
        )
        yield from _of_trace(reference, evidence.trace, course)
        yield from _critic(evidence)
        yield from _discriminator(evidence)

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:
        """What a fresh critic tells of control samples: it has no other number of what nobody trained."""
        n = min(_ANCHORED, len(reference.dataset.train_examples))
        try:
            samples = control_samples(name, reference.dataset, n, seed).samples
        except DataError:  # without labels there is no such row
            return
        yield from _critic(Evidence(reference, samples))


def _reading(
    reference: Reference,
    column: Column,
    compute: Callable[[], float],
    stamp: Protocol,
    n: int,
    reason: str = "",
) -> Reading:
    """One number; where it is refused, the message is the reason."""
    value: float | None = None
    try:
        value = compute()
    except ValueError as refused:
        reason = f"{refused}."
    if value is not None and not math.isfinite(value):
        value, reason = None, "The number is not finite."
    return Reading(column, value, None, n, reason, versions(reference, column), stamp)


def _failed(evidence: Evidence) -> Reading:
    reference, n = evidence.reference, len(evidence.samples)
    told = failures(evidence)
    stamp: Protocol = {
        **protocol(reference, n),
        "entropy_below": ENTROPY,
        "coverage_below": COVERAGE,
        "active_above": ACTIVE,
    }
    return _reading(reference, columns.FAILED, lambda: float(bool(told)), stamp, n, told)


def _of_trace(reference: Reference, trace: Trace, course: Course) -> Iterator[Reading]:
    latents, taken = trace.samples.shape[1], len(trace.steps)
    stamp: Protocol = {
        "spacing": trace.spacing,
        "snapshots": taken,
        "latents": latents,
        "reference": "test",
        "extractor": reference.extractor.id,
    }
    if reason := _too_short(trace):
        yield from missing(reference, columns.OF_TRACE, reason, stamp)
        return
    middle, shares = trace.middle, torch.tensor(course.shares, dtype=torch.float64)
    varieties = [series for series in (course.entropy, course.coverage) if None not in series]
    norms = trace.gradient_norms.get(trace.player, torch.zeros(0))

    def variety() -> Tensor:
        if not varieties:
            raise ValueError(_NO_CLASSES)
        return torch.tensor(varieties, dtype=torch.float64)

    def changed() -> float:
        if shares.shape[1] < 2:
            raise ValueError(_NO_CLASSES)
        return float(churn(shares[middle:]).mean())

    numbers: Mapping[Column, Callable[[], float]] = {
        columns.DRIFT: lambda: _mean(course.drift[middle + 1 :]),
        columns.CHURN: changed,
        columns.DRAWDOWN: lambda: drawdown(_numbers(course.quality_a), _numbers(course.quality_b)),
        columns.EVENTS: lambda: float(collapses(variety(), middle).events),
        columns.COLLAPSED: lambda: collapses(variety(), middle).late_share,
        columns.STRAIGHTNESS: lambda: straightness(trace.displaced, trace.moved[middle + 1 :]),
        columns.SPIKES: lambda: spike_ratio(norms[len(norms) // 2 :]),
    }
    for column, compute in numbers.items():
        yield _reading(reference, column, compute, stamp, latents)


def _too_short(trace: Trace) -> str:
    """Why a trace has no late half to speak of; empty where it has one."""
    taken = len(trace.steps)
    if taken < SNAPSHOTS:
        needed = (SNAPSHOTS - 1) * trace.spacing
        return f"A trace of {SNAPSHOTS} snapshots needs {needed:,} steps, and this one has {taken}."
    if taken < trace.middle + 2:
        return "Training ended before the second half of its planned steps."
    return ""


def _numbers(series: Series) -> Tensor:
    return torch.tensor([math.nan if value is None else value for value in series], dtype=torch.float64)


def _mean(series: Series) -> float:
    found = _numbers(series)
    if not found.isfinite().all():
        raise ValueError("some snapshot is not finite, or the test examples are all alike")
    return float(found.mean())


def _critic(evidence: Evidence) -> Iterator[Reading]:
    reference, dataset = evidence.reference, evidence.reference.dataset
    stamp: Protocol = {"reference": "test", "critic_steps": STEPS}
    seed = derive_seed(0, "stability", dataset.info.name)  # one for all models and seeds
    try:
        told = fresh_critic(
            torch.from_numpy(dataset.train_examples),
            torch.from_numpy(dataset.test_examples),
            evidence.samples[: 2 * MOST],
            seed=seed,
        )
    except ValueError as refused:
        yield from missing(reference, columns.OF_CRITIC, f"{refused}.", stamp)
        return
    stamp = {**stamp, "held_out": told.n}
    yield _reading(reference, columns.CRITIC_JSD, lambda: told.divergence, stamp, told.n)
    yield _reading(reference, columns.CRITIC_AUC, lambda: told.auc, stamp, told.n)


def _discriminator(evidence: Evidence) -> Iterator[Reading]:
    reference, generator = evidence.reference, evidence.generator
    stamp: Protocol = {"reference": "test", "scored": _SCORED}
    if generator is None or generator.score is None or generator.scored_by != "discriminator":
        reason = _NO_DISCRIMINATOR if generator else _NOT_OPENED
        yield from missing(reference, columns.OF_DISCRIMINATOR, reason, stamp)
        return
    dataset = reference.dataset
    train, test = (
        _scores(generator, torch.from_numpy(_chosen(examples, name)))
        for examples, name in ((dataset.train_examples, "train"), (dataset.test_examples, "test"))
    )
    fake = _scores(generator, evidence.samples[:_SCORED])
    numbers: Mapping[Column, Callable[[], float]] = {
        columns.D_AUC: lambda: auc(test, fake),
        columns.D_GAP: lambda: overfit_gap(train, test, fake),
        columns.D_CONFIDENT: lambda: confident_share(torch.cat([test, fake])),
    }
    for column, compute in numbers.items():
        yield _reading(reference, column, compute, stamp, len(test))


def _chosen(examples: Examples, split: str) -> Examples:
    """Some of the examples, in random order: they may be sorted by class."""
    random = np.random.default_rng(derive_seed(0, "stability", split))
    return examples[random.permutation(len(examples))[:_SCORED]]


def _scores(generator: Generator, examples: Tensor) -> Tensor:
    """(N,) of stored examples, on the CPU."""
    assert generator.score is not None
    with torch.no_grad():
        return torch.cat([generator.score(part).cpu() for part in decoded(examples, generator)])
