"""The course of a lane: what its snapshots say of drift, variety and quality on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from genbench.data.dataset import GaussianModes
from genbench.features.protocol import Features
from genbench.measures.collapse_gate import covered
from genbench.measures.evidence import Evidence, Reference
from genbench.measures.trace import Trace
from genbench.metrics.frechet import frechet_distance
from genbench.metrics.trajectory import drift, normalised_entropy, pair_distance
from genbench.store.course import Course, Series


def course_of(evidence: Evidence) -> Course | None:
    """The course of the lane behind evidence, computed once for all who ask; ``None`` without a trace."""
    return None if evidence.trace is None else _course(evidence.reference, evidence.trace)


@lru_cache(maxsize=2)
def _course(reference: Reference, trace: Trace) -> Course:
    seen = [reference.extractor(snapshot) for snapshot in trace.samples]
    shares = torch.stack([_shares(reference, snapshot) for snapshot in seen])
    classes = _classes(reference)
    missing = [math.nan] * len(trace.steps)
    halves = [[_distance(reference, snapshot, half) for snapshot in seen] for half in (0, 1)]
    return Course(
        steps=tuple(trace.steps),
        drift=_series([math.nan, *_drift(reference, trace)]),
        entropy=_series(_entropy(shares, classes) if classes > 1 else missing),
        coverage=_series([_coverage(reference, snapshot) for snapshot in trace.samples]),
        quality_a=_series(halves[0]),
        quality_b=_series(halves[1]),
        shares=tuple(tuple(row) for row in shares.tolist()),
    )


def _series(values: Iterable[float]) -> Series:
    return tuple(value if math.isfinite(value) else None for value in values)


def _drift(reference: Reference, trace: Trace) -> list[float]:
    try:
        return drift(trace.samples, _unit(reference)).tolist()
    except ValueError:  # test examples that are all alike: the measure says so
        return [math.nan] * (len(trace.steps) - 1)


@lru_cache(maxsize=2)
def _unit(reference: Reference) -> float:
    """Distance of two test examples, in the scale in which samples are stored."""
    return pair_distance(torch.from_numpy(reference.dataset.test_examples).flatten(1).float())


def _shares(reference: Reference, seen: Features) -> Tensor:
    """(K,) of the samples in each class, or nearest to each true mode of points; (0,) without either."""
    modes = reference.dataset.modes
    if isinstance(modes, GaussianModes):
        centers = torch.from_numpy(modes.centers)
        labels, kinds = torch.cdist(seen.values.double(), centers).argmin(1), len(centers)
    else:
        kinds = seen.probabilities.shape[1]
        labels = seen.probabilities.argmax(1) if kinds else torch.zeros(0, dtype=torch.int64)
    return torch.bincount(labels, minlength=kinds).double() / max(1, len(labels))


def _classes(reference: Reference) -> int:
    """How many classes, or true modes, the data has; whatever names of classes it knows."""
    modes = reference.dataset.modes
    if isinstance(modes, GaussianModes):
        return len(modes.centers)
    return len(np.unique(reference.dataset.train_labels)) if reference.dataset.info.is_image else 0


def _entropy(shares: Tensor, classes: int) -> list[float]:
    """In parts of ln(classes in the data), 1 at most, as the collapse gate has it."""
    scale = math.log(shares.shape[1]) / math.log(classes)
    return (normalised_entropy(shares) * scale).clamp(max=1.0).tolist()


def _distance(reference: Reference, seen: Features, half: int) -> float:
    try:
        return frechet_distance(reference.features.values[half::2], seen.values[half::2])
    except ValueError:  # points that are not finite
        return math.nan


def _coverage(reference: Reference, snapshot: Tensor) -> float:
    """Mean over the factors of min(1, Var y(G(z)) / Var y(x)), as the factor reader y sees them."""
    if reference.dataset.factors is None:
        return math.nan
    shares = covered(reference, snapshot)
    return sum(shares) / len(shares)
