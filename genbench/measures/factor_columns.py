"""Which factors of the data a generator covers, and which latents move them: a part of interpretability."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import jacrev

from genbench.core.ids import derive_seed
from genbench.core.record import Better, Column
from genbench.features.factors import FactorReader
from genbench.features.protocol import FeatureExtractor
from genbench.measures.collapse_gate import COVERAGE as COVERAGE_BELOW
from genbench.measures.collapse_gate import ENTROPY as ENTROPY_BELOW
from genbench.measures.collapse_gate import class_entropy, collapse, coverage, real_variance
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.generator import Generator
from genbench.measures.made import made
from genbench.measures.stamp import finite_or_dash
from genbench.metrics.directions import sefa
from genbench.metrics.sobol import (
    changes,
    completeness,
    disentanglement,
    percentile,
    resampled,
    rotation,
    total_importance,
)

COVERAGE = Column(
    "interpretability.coverage",
    "",
    Better.HIGHER,
    low=0.0,
    high=1.0,
    meaning="mean over factors of the share of the test images' variance that the samples have, 1 at most",
)
CLASS_ENTROPY = Column(
    "interpretability.class_entropy",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="of the samples' classes, in parts of what is possible; 0: one class, 1: all alike",
)
RESIDUAL = Column(
    "interpretability.residual",
    "",
    Better.LOWER,
    low=0.0,
    meaning="of a sample rendered anew from the factors it was read to have, median; large: read off nothing",
)
AXIS_GAIN = Column(
    "interpretability.axis_gain",
    "",
    Better.HIGHER,
    low=-1.0,
    high=1.0,
    meaning="disentanglement of the latent's own axes above the mean of random rotations; 0: none is special",
)
AXIS_PERCENTILE = Column(
    "interpretability.axis_percentile",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="share of rotations, the own axes counted in, that are at least as disentangled as these",
)
DISENTANGLEMENT = Column(
    "interpretability.disentanglement",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="how singly each latent moves one factor (total Sobol indices); luck without random rotations",
)
COMPLETENESS = Column(
    "interpretability.completeness",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="how singly each factor is moved by one latent",
)
RANDOM_D = Column(
    "interpretability.random_d",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="mean disentanglement of random rotations of the latent",
)
SEFA_GAIN = Column(
    "interpretability.sefa_gain",
    "",
    Better.NEITHER,
    low=-1.0,
    high=1.0,
    meaning="the axis gain of the first layer's own directions (SeFa) in place of the latent's axes",
)

COLUMNS = (
    COVERAGE,
    CLASS_ENTROPY,
    RESIDUAL,
    AXIS_GAIN,
    AXIS_PERCENTILE,
    DISENTANGLEMENT,
    COMPLETENESS,
    RANDOM_D,
    SEFA_GAIN,
)

_OF_AXES = COLUMNS[3:]

ROTATIONS = 39
"""Random rotations: the least percentile is then 1 in 40."""

_LATENTS = 128  # each basis costs d images for every one of them
_LARGEST = 64  # size of the latent beyond which forty bases cost too much
_RERENDERED = 500
_BOOTSTRAP = 200

_NO_FACTORS = "The factors of this data are not known."
_NO_GENERATOR = "Of this model only samples are known, and no generator."
_NO_SAMPLES = "There are no samples."


def readings(evidence: Evidence) -> Iterator[Reading]:
    """Nine readings; one that cannot be taken says why.

    Coverage, class entropy and residual are of the samples and always given. What says how latents control
    factors is not given of a collapsed model, which it would flatter: all its latents push the one thing
    that is left. Factors are read off images by one reader for all models, which extrapolates on images
    unlike those it was trained on: look at the residual first.
    """
    yield from _of_samples(evidence)
    reference, generator = evidence.reference, evidence.generator
    if reason := _cannot(evidence):
        yield from _dashes(reference, _OF_AXES, reason)
        return
    assert generator is not None
    yield from _of_axes(reference, generator)


def _cannot(evidence: Evidence) -> str:
    factors, generator = evidence.reference.dataset.factors, evidence.generator
    if factors is None:
        return _NO_FACTORS
    if generator is None:
        return _NO_GENERATOR
    if generator.latent > _LARGEST:
        cost = (ROTATIONS + 1) * generator.latent * _LATENTS
        return f"A latent of {generator.latent}, above {_LARGEST}, would take {cost:,} images to rotate."
    if generator.latent < 2 or len(factors.names) < 2:
        return "Axes are told apart where there are two latents and two factors at least."
    return collapse(evidence)


def _of_samples(evidence: Evidence) -> Iterator[Reading]:
    reference, n = evidence.reference, len(evidence.samples)
    entropy = class_entropy(evidence) if n else None
    if reference.dataset.factors is None or not n:
        yield from _dashes(reference, (COVERAGE,), _NO_SAMPLES if not n else _NO_FACTORS)
    else:
        covered = coverage(evidence)
        yield _reading(reference, COVERAGE, sum(covered) / len(covered), n=n)
    reason = _NO_SAMPLES if not n else "This data has no classes, or only one."
    yield _reading(reference, CLASS_ENTROPY, entropy, n=n, reason=reason)
    if reference.dataset.factors is None or not n:
        yield from _dashes(reference, (RESIDUAL,), _NO_SAMPLES if not n else _NO_FACTORS)
        return
    residual = reference.factor_reader.residual(evidence.samples[:_RERENDERED]).tolist()
    finite = sorted(value for value in residual if math.isfinite(value))
    count = len(finite)
    value, error = None, None
    if finite:
        low = max(0, math.floor(count / 2 - 0.98 * math.sqrt(count)))  # by ranks: 95 %
        value, error = median(finite), (finite[count - 1 - low] - finite[low]) / 2
    reason = "Every sample is black, or none can be rendered anew."
    yield _reading(reference, RESIDUAL, value, error=error, n=count, reason=reason)


def _of_axes(reference: Reference, generator: Generator) -> Iterator[Reading]:
    d, seed, variance = generator.latent, generator.seed, real_variance(reference)
    varies = variance > 0
    random = torch.Generator().manual_seed(derive_seed(seed, "factor columns", "latents"))
    z, fresh = (torch.randn(_LATENTS, d, generator=random) for _ in range(2))
    y = _factors_of(reference, generator, z)[:, varies]

    def changed(Q: Tensor) -> Tensor:
        return changes(lambda u: _factors_of(reference, generator, u)[:, varies], z, fresh, Q, y)

    bases = [torch.eye(d), *(rotation(d, seed, r) for r in range(ROTATIONS))]
    own = _first_layer(generator, z)
    if isinstance(own, Tensor):
        bases.append(own)
    moved = torch.stack([changed(Q) for Q in bases])  # (bases, d, N, F)
    stamp = {"latent": d, "latents": _LATENTS, "rotations": ROTATIONS}
    reason = "No latent moves any factor." if bool(moved.isfinite().all()) else "What it makes is not finite."
    found = _axes(total_importance(moved, variance[varies]))
    again = _axes(resampled(moved, _BOOTSTRAP, seed) / variance[varies])
    drawn = float(found.rotated.std()) / math.sqrt(ROTATIONS)  # by which rotations were drawn

    def reading(column: Column, value: Tensor, bootstrap: Tensor, of_rotations: float = 0.0) -> Reading:
        error = 1.96 * math.hypot(float(bootstrap.std()), of_rotations)
        return _reading(reference, column, float(value), error=error, n=_LATENTS, reason=reason, **stamp)

    mean, means = found.rotated.mean(), again.rotated.mean(-1)
    yield reading(AXIS_GAIN, found.own - mean, again.own - means, drawn)
    p = percentile(float(found.own), found.rotated)
    p = p if bool(found.own.isfinite()) else math.nan
    yield _reading(reference, AXIS_PERCENTILE, p, n=_LATENTS, reason=reason, **stamp)
    yield reading(DISENTANGLEMENT, found.own, again.own)
    yield reading(COMPLETENESS, found.completeness, again.completeness)
    yield reading(RANDOM_D, mean, means, drawn)
    if isinstance(own, str):
        yield from _dashes(reference, (SEFA_GAIN,), own)
    else:
        yield reading(SEFA_GAIN, found.last - mean, again.last - means, drawn)


def _first_layer(generator: Generator, z: Tensor) -> Tensor | str:
    """SeFa's basis of the latent, or why there is none."""
    if generator.networks is None:
        return "It is no network, and has no first layer."
    if generator.distribution != "normal":
        return "Its prior is not normal: directions of its latent are none of the space that is rotated."
    try:
        return sefa(jacrev(generator.networks.first)(z[:1])[0, :, 0])
    except ValueError as refused:
        return f"{refused}."


class _Axes(NamedTuple):
    """Disentanglement of the latent's own axes, of random rotations (..., R) and of the last basis."""

    own: Tensor
    completeness: Tensor
    rotated: Tensor
    last: Tensor


def _axes(R: Tensor) -> _Axes:
    """Of importances (..., bases, d, F): the own axes first, then rotations."""
    D = disentanglement(R)
    return _Axes(D[..., 0], completeness(R[..., 0, :, :]), D[..., 1 : 1 + ROTATIONS], D[..., -1])


def _latents(generator: Generator, normal: Tensor) -> Tensor:
    """Numbers from N(0, I) as latents: only there can axes be turned without leaving the prior."""
    z = normal if generator.distribution == "normal" else 2 * torch.special.ndtr(normal) - 1
    return z.float().to(generator.device)


def _factors_of(reference: Reference, generator: Generator, normal: Tensor) -> Tensor:
    """(N, F) float64, the factors read off what is made of numbers (N, d) from N(0, I)."""
    images, finite = made(generator, _latents(generator, normal))
    y = reference.factor_reader.read(images).values.cpu().double()
    return torch.where(finite[:, None], y, torch.nan)


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
    **more: str | int | float,
) -> Reading:
    """One reading, with what it was read with."""
    ruler: FeatureExtractor | FactorReader | None = None
    if value is not None and column is CLASS_ENTROPY:
        ruler = reference.extractor
    elif value is not None and reference.dataset.factors is not None:
        ruler = reference.factor_reader
    thresholds = {"coverage_below": COVERAGE_BELOW, "entropy_below": ENTROPY_BELOW}
    return finite_or_dash(
        reference.dataset,
        column,
        value,
        error=error,
        n=n,
        reason=reason,
        ruler=ruler,
        ruler_is="extractor" if column is CLASS_ENTROPY else "reader",
        stamp={"reference": "test", **thresholds, **more},
    )
