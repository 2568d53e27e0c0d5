"""Quality: how near the samples are to the test images in feature space, and the likelihood bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.stamp import data_hash, protocol, versions
from genbench.metrics import Balls, balls, frechet_distance, kernel_distance, prdc

K = 5
"""Neighbours for precision, recall, density and coverage: the value of Naeem et al. 2020."""

FID = Column("quality.fid", "", Better.LOWER, meaning="Fréchet distance to the test images, in features")
KID = Column(
    "quality.kid", "", Better.LOWER, meaning="squared MMD to the test images, cubic kernel, unbiased"
)
PRECISION = Column("quality.precision", "", Better.HIGHER, meaning="share of samples among real images")
RECALL = Column("quality.recall", "", Better.HIGHER, meaning="share of real images among samples")
DENSITY = Column("quality.density", "", Better.HIGHER, meaning="real neighbourhoods around a sample, per k")
COVERAGE = Column("quality.coverage", "", Better.HIGHER, meaning="share of real images near a sample")
ELBO = Column(
    "quality.elbo", "nats", Better.HIGHER, meaning="lower bound on ln p(x), mean of the test images"
)


@measures.register("quality")
@dataclass(frozen=True)
class Quality:
    """Distances and neighbourhoods of samples and test images, both in the extractor's features."""

    columns: ClassVar[tuple[Column, ...]] = (FID, KID, PRECISION, RECALL, DENSITY, COVERAGE, ELBO)
    per_cohort: ClassVar[bool] = False

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Seven readings; one that cannot be taken says why."""
        real, fake = evidence.reference.features.values, evidence.features.values
        yield from _readings(evidence, (FID,), lambda: (frechet_distance(real, fake),))
        yield from _readings(evidence, (KID,), lambda: (kernel_distance(real, fake),))
        yield from _readings(
            evidence,
            (PRECISION, RECALL, DENSITY, COVERAGE),
            lambda: prdc(_real_balls(evidence.reference), fake, k=K),
            k=K,
        )
        yield _elbo(evidence)


@lru_cache(maxsize=4)
def _real_balls(reference: Reference) -> Balls:
    """The real side of precision and recall, once a data set: it is nearly half of the work."""
    return balls(reference.features.values, k=K)


def _readings(
    evidence: Evidence, columns: tuple[Column, ...], metric: Callable[[], tuple[float, ...]], **settings: int
) -> Iterator[Reading]:
    """One reading a column; where the metric refuses its input, its message is the reason of all."""
    values: tuple[float | None, ...]
    try:
        values, reason = metric(), ""
    except ValueError as error:
        values, reason = (None,) * len(columns), f"{error}."
    for column, value in zip(columns, values, strict=True):
        yield Reading(
            column,
            value,
            n=len(evidence.samples),
            reason=reason,
            versions=versions(evidence, column),
            protocol=protocol(evidence, **settings),
        )


def _elbo(evidence: Evidence) -> Reading:
    # No features behind it: of the protocol only the reference split applies.
    stamps = {"metric": ELBO.version, "data": data_hash(evidence.reference.dataset)}
    split: dict[str, str | int | float | bool] = {"reference": "test"}
    if evidence.bound is None:
        return Reading(
            ELBO,
            None,
            reason="No likelihood bound: this row has samples only.",
            versions=stamps,
            protocol=split,
        )
    bound = evidence.bound()
    split["n_real"] = bound.n
    if not math.isfinite(bound.mean):
        reason = f"The bound is {bound.mean}: the model has diverged or gives some test image no likelihood."
        return Reading(ELBO, None, n=bound.n, reason=reason, versions=stamps, protocol=split)
    error = 1.96 * bound.standard_error if math.isfinite(bound.standard_error) else None
    return Reading(ELBO, bound.mean, error, bound.n, versions=stamps, protocol=split)
