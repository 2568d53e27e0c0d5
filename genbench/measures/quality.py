"""Quality: how near the samples are to the test split in feature space, and bounds on the likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import ClassVar

from torch import Tensor

from genbench.core.record import Column
from genbench.core.registry import measures
from genbench.measures.evidence import Bound, Evidence, Reading, Reference
from genbench.measures.stamp import data_hash, predicted, protocol, versions
from genbench.metrics import (
    Balls,
    balls,
    expected_coverage,
    expected_frechet_distance,
    frechet_distance,
    kernel_distance,
    kernel_within,
    prdc,
)
from genbench.metrics import bound as bounds
from genbench.metrics.frechet import FRECHET_DISTANCE
from genbench.metrics.kernel import KERNEL_DISTANCE
from genbench.metrics.prdc import COVERAGE as COVERED_BALLS
from genbench.metrics.prdc import DENSITY as BALLS_AROUND
from genbench.metrics.prdc import PRECISION as IN_REAL_BALLS
from genbench.metrics.prdc import RECALL as IN_FAKE_BALLS

K = 5
"""Neighbours for precision, recall, density and coverage: the value of Naeem et al. 2020."""

DRAWS = 50
"""Importance samples of the tighter bound: the most of the tables in Burda et al. 2016."""

FID = replace(
    FRECHET_DISTANCE, metric="quality.fid", meaning="Fréchet distance to the test examples, in features"
)
KID = replace(
    KERNEL_DISTANCE,
    metric="quality.kid",
    meaning="squared MMD to the test examples, cubic kernel, unbiased",
)
PRECISION = replace(IN_REAL_BALLS, metric="quality.precision", meaning="share of samples among real examples")
RECALL = replace(IN_FAKE_BALLS, metric="quality.recall", meaning="share of real examples among samples")
DENSITY = replace(
    BALLS_AROUND, metric="quality.density", meaning="real neighbourhoods around a sample, per k"
)
COVERAGE = replace(COVERED_BALLS, metric="quality.coverage", meaning="share of real examples near a sample")
ELBO = replace(
    bounds.ELBO, metric="quality.elbo", meaning="lower bound on ln p(x), mean of the test examples"
)
IWAE = replace(
    bounds.IMPORTANCE_WEIGHTED_BOUND,
    metric="quality.iw_bound",
    meaning=f"tighter bound on ln p(x), {DRAWS} importance samples, mean of some test examples",
)


@measures.register("quality")
@dataclass(frozen=True)
class Quality:
    """Distances and neighbourhoods of samples and test examples, both in the extractor's features."""

    columns: ClassVar[tuple[Column, ...]] = (FID, KID, PRECISION, RECALL, DENSITY, COVERAGE, ELBO, IWAE)
    per_cohort: ClassVar[bool] = False

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Eight readings; one that cannot be taken says why."""
        real, fake = evidence.reference.features.values, evidence.features.values
        yield from _readings(evidence, (FID,), lambda: (frechet_distance(real, fake),))
        yield from _readings(evidence, (KID,), lambda: (_kernel(evidence.reference, fake),))
        yield from _readings(
            evidence,
            (PRECISION, RECALL, DENSITY, COVERAGE),
            lambda: prdc(_real_balls(evidence.reference), fake, k=K),
            k=K,
        )
        given = evidence.bounds
        yield _bound(evidence.reference, ELBO, given.elbo if given else None)
        tighter = partial(given.importance, DRAWS) if given else None
        yield _bound(evidence.reference, IWAE, tighter, draws=DRAWS)

    def expected(self, reference: Reference, n: int) -> Iterator[Reading]:
        """What n draws of the test examples' own distribution score, as far as formulas reach."""
        real = reference.features.values
        fewest = min(len(real), n)
        distances = {FID: expected_frechet_distance(real, n), KID: 0.0} if fewest > 1 else {}
        yield from predicted(reference, (FID, KID), distances, protocol(reference, n))
        shares = {DENSITY: 1.0, COVERAGE: expected_coverage(len(real), n, k=K)} if fewest > K else {}
        among = (PRECISION, RECALL, DENSITY, COVERAGE)
        yield from predicted(reference, among, shares, protocol(reference, n, k=K))
        yield _bound(reference, ELBO, None)
        yield _bound(reference, IWAE, None, draws=DRAWS)


def _kernel(reference: Reference, fake: Tensor) -> float:
    return kernel_distance(reference.features.values, fake, within=_real_kernel(reference))


@lru_cache(maxsize=4)
def _real_kernel(reference: Reference) -> float:
    """The real side of the kernel distance, once a data set: it is most of the work."""
    return kernel_within(reference.features.values)


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
    n = len(evidence.samples)
    for column, value in zip(columns, values, strict=True):
        yield Reading(
            column,
            value,
            n=n,
            reason=reason,
            versions=versions(evidence.reference, column),
            protocol=protocol(evidence.reference, n, **settings),
        )


def _bound(
    reference: Reference, column: Column, compute: Callable[[], Bound] | None, **settings: int
) -> Reading:
    # No features behind it: of the protocol only the reference split applies.
    stamps = {"metric": column.version, "data": data_hash(reference.dataset)}
    split: dict[str, str | int | float | bool] = {"reference": "test", **settings}
    if compute is None:
        reason = "No likelihood bound: this row has no model with an encoder behind it."
        return Reading(column, None, reason=reason, versions=stamps, protocol=split)
    try:
        bound = compute()
    except ValueError as refused:  # weights that are not finite
        return Reading(column, None, reason=f"{refused}.", versions=stamps, protocol=split)
    split["n_real"] = bound.n
    if not math.isfinite(bound.mean):
        reason = f"The bound is {bound.mean}: the model has diverged or gives some example no likelihood."
        return Reading(column, None, n=bound.n, reason=reason, versions=stamps, protocol=split)
    error = 1.96 * bound.standard_error if math.isfinite(bound.standard_error) else None
    return Reading(column, bound.mean, error, bound.n, versions=stamps, protocol=split)
