"""The geometry of a generator's latent space, without labels of latents: a part of interpretability."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.core.record import Better, Column
from genbench.features.extractor import Extractor
from genbench.measures.collapse_gate import COVERAGE, ENTROPY, collapse
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.generator import Generator
from genbench.measures.made import made
from genbench.measures.stamp import finite_or_dash
from genbench.metrics.latent_geometry import (
    effective_dimension,
    intrinsic_dimension,
    jacobian_spectrum,
    log_condition,
    path_energy,
)
from genbench.metrics.probes import Split, logistic_accuracy

EFFECTIVE_DIMENSION = Column(
    "interpretability.effective_dimension",
    "",
    Better.NEITHER,
    low=1.0,
    meaning="directions that matter at a latent, mean: (Σ s²)² / Σ s⁴ of the Jacobian's singular values",
)
CONDITION = Column(
    "interpretability.condition",
    "",
    Better.NEITHER,
    low=0.0,
    high=12.0,
    meaning="log10 of the condition number of J'J, mean, cut off at 12; collapse does not show in it",
)
PATH_ENERGY = Column(
    "interpretability.path_energy",
    "",
    Better.NEITHER,
    low=0.0,
    meaning="of paths between latents of one class, in pixels, over that of straight lines; 1: linear",
)
PATH_ENERGY_FEATURES = Column(
    "interpretability.path_energy_features",
    "",
    Better.NEITHER,
    low=0.0,
    meaning="the same in the extractor's features",
)
SEPARABILITY = Column(
    "interpretability.separability",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="held-out share of samples whose class logistic regression tells from the latent; see majority",
)
MAJORITY = Column(
    "interpretability.majority",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="share of the held-out samples' most common class: the separability of no latent at all",
)
INTRINSIC_DIMENSION = Column(
    "interpretability.intrinsic_dimension",
    "",
    Better.NEITHER,
    low=0.0,
    meaning="local dimension of the samples (20 nearest others, in pixels); too low above 8",
)
INTRINSIC_DIMENSION_REAL = Column(
    "interpretability.intrinsic_dimension_real",
    "",
    Better.NEITHER,
    low=0.0,
    meaning="the same of as many test examples",
)

COLUMNS = (
    EFFECTIVE_DIMENSION,
    CONDITION,
    PATH_ENERGY,
    PATH_ENERGY_FEATURES,
    SEPARABILITY,
    MAJORITY,
    INTRINSIC_DIMENSION,
    INTRINSIC_DIMENSION_REAL,
)

_DRAWS = 2000
_TANGENTS = 2048  # derivatives along one latent, over all points
_POINTS = 64  # at most
_FEWEST_POINTS = 8
_PAIRS = 200
_FEWEST_PAIRS = 20
_NEIGHBOURHOODS = 1000
_NEIGHBOURS = 20
_CHUNK = 100


def readings(evidence: Evidence) -> Iterator[Reading]:
    """Eight readings; one that cannot be taken says why, and of a collapsed model none is.

    Pairs for paths: of 2,000 draws those in the same class, by the extractor, are paired in the order of the
    draws, and the first 200 pairs taken. Points have no classes, and are paired as they are drawn.
    """
    reference, generator = evidence.reference, evidence.generator
    reason = "Of this model only samples are known, and no generator." if generator is None else ""
    if reason := reason or collapse(evidence):
        yield from _dashes(reference, COLUMNS, reason)
        return
    assert generator is not None
    z = generator.draw(_DRAWS, "geometry")
    examples, finite = made(generator, z)
    if not bool(finite.all()):
        share = 1 - float(finite.double().mean())
        yield from _dashes(reference, COLUMNS, f"{share:.1%} of what it makes is not finite.")
        return
    yield from _of_jacobian(reference, generator, z)
    labels = _classes(reference, examples)
    yield from _of_paths(reference, generator, z, labels)
    yield from _of_classes(reference, z, labels)
    yield from _of_neighbours(reference, examples, generator.latent)


def _of_jacobian(reference: Reference, generator: Generator, z: Tensor) -> Iterator[Reading]:
    points = max(_FEWEST_POINTS, min(_POINTS, _TANGENTS // generator.latent))
    s = jacobian_spectrum(generator.decode, z[:points]).cpu()
    stamp = {"latent": generator.latent, "points": points}
    for column, values in ((EFFECTIVE_DIMENSION, effective_dimension(s)), (CONDITION, log_condition(s))):
        known = values[values.isfinite()]
        error = float(1.96 * known.std() / math.sqrt(len(known))) if len(known) > 1 else None
        reason = "What it makes does not change with the latent, or its derivative is not finite."
        mean = float(known.mean()) if len(known) else None
        yield _reading(reference, column, mean, error=error, n=len(known), reason=reason, stamp=stamp)


def _of_paths(
    reference: Reference, generator: Generator, z: Tensor, labels: Tensor | None
) -> Iterator[Reading]:
    first, second = _pairs(torch.zeros(len(z), dtype=torch.int64) if labels is None else labels)
    n = len(first)
    random = torch.Generator().manual_seed(derive_seed(generator.seed, "geometry", "places"))
    t = torch.rand(n, generator=random).to(z.device)
    extractor = reference.extractor
    stamp = {"latent": generator.latent, "pairs": "any" if labels is None else "of one class"}
    spaces: Mapping[Column, Callable[[Tensor], Tensor] | None] = {
        PATH_ENERGY: generator.decode,
        PATH_ENERGY_FEATURES: _features_of(extractor, generator)
        if isinstance(extractor, Extractor)
        else None,
    }
    for column, phi in spaces.items():
        if phi is None or n < _FEWEST_PAIRS:
            reason = "The features of this data are not smooth in its examples."
            if phi is not None:
                reason = f"Of {_DRAWS:,} samples only {n} pairs are of one class; {_FEWEST_PAIRS} are needed."
            yield _reading(reference, column, None, reason=reason, stamp=stamp)
            continue
        with torch.no_grad():
            ends = zip(*(torch.split(a, _CHUNK) for a in (z[first], z[second], t)), strict=True)
            speed, chord = torch.cat([path_energy(phi, *part) for part in ends], 1).cpu()
        ratio = speed.mean() / chord.mean()
        error = 1.96 * (speed - ratio * chord).std() / chord.mean() / math.sqrt(n)  # of a ratio of means
        reason = "Samples of one class are all alike, or not finite."
        features = column is PATH_ENERGY_FEATURES
        yield _reading(
            reference,
            column,
            float(ratio),
            error=float(error),
            n=n,
            reason=reason,
            stamp=stamp,
            features=features,
        )


def _features_of(extractor: Extractor, generator: Generator) -> Callable[[Tensor], Tensor]:
    device = next(extractor.network.parameters()).device

    def phi(z: Tensor) -> Tensor:
        features: Tensor = extractor.network(generator.decode(z).to(device)).features
        return features

    return phi


def _of_classes(reference: Reference, z: Tensor, labels: Tensor | None) -> Iterator[Reading]:
    both, half = (SEPARABILITY, MAJORITY), len(z) // 2
    if labels is None or int(labels.max()) == int(labels.min()):
        reason = "Points are not classified." if labels is None else "All samples are of one class."
        yield from _dashes(reference, both, reason)
        return
    codes, classes = z.cpu().double().numpy(), labels.numpy()
    found = logistic_accuracy(Split(codes[:half], classes[:half]), Split(codes[half:], classes[half:]))
    stamp = {"latent": z.shape[1]}
    for column, share in zip(both, found, strict=True):
        error = 1.96 * math.sqrt(share * (1 - share) / half)
        yield _reading(reference, column, share, error=error, n=half, stamp=stamp, features=True)


def _of_neighbours(reference: Reference, examples: Tensor, latent: int) -> Iterator[Reading]:
    real = torch.from_numpy(reference.dataset.test_examples)
    random = np.random.default_rng(derive_seed(0, "geometry", "test examples"))
    chosen = random.permutation(len(real))[:_NEIGHBOURHOODS]
    stamp = {"latent": latent, "neighbours": _NEIGHBOURS}
    for column, points in (
        (INTRINSIC_DIMENSION, examples[:_NEIGHBOURHOODS]),
        (INTRINSIC_DIMENSION_REAL, real[torch.from_numpy(chosen)]),
    ):
        reason = f"There are not more than {_NEIGHBOURS} examples, or copies are among them."
        value = None
        if len(points) > _NEIGHBOURS:
            value = intrinsic_dimension(points.flatten(1), _NEIGHBOURS)
        yield _reading(reference, column, value, n=len(points), reason=reason, stamp=stamp)


def _classes(reference: Reference, examples: Tensor) -> Tensor | None:
    """(N,) by the extractor; none of points."""
    probabilities = reference.extractor(examples).probabilities
    return probabilities.argmax(1) if probabilities.shape[1] else None


class _Ends(NamedTuple):
    first: Tensor
    second: Tensor


def _pairs(labels: Tensor) -> _Ends:
    """Indices of the first pairs of draws that share a class; each draw is in one pair at most."""
    waiting: dict[int, int] = {}
    first, second = [], []
    for i, label in enumerate(labels.tolist()):
        if label in waiting:
            first.append(waiting.pop(label))
            second.append(i)
        else:
            waiting[label] = i
    return _Ends(torch.tensor(first[:_PAIRS]).long(), torch.tensor(second[:_PAIRS]).long())


def _dashes(reference: Reference, columns: tuple[Column, ...], reason: str) -> Iterator[Reading]:
    for column in columns:
        yield _reading(reference, column, None, reason=reason)


def _reading(
    reference: Reference,
    column: Column,
    value: float | None,
    *,
    error: float | None = None,
    n: int = 0,
    reason: str = "",
    stamp: Mapping[str, str | int | float | bool] | None = None,
    features: bool = False,
) -> Reading:
    """One reading; ``features`` says that it was taken in the extractor's."""
    return finite_or_dash(
        reference.dataset,
        column,
        value,
        error=error,
        n=n,
        reason=reason,
        ruler=reference.extractor if features else None,
        stamp={"coverage_below": COVERAGE, "entropy_below": ENTROPY, **(stamp or {})},
    )
