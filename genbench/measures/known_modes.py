"""Known modes: how many of the true modes the samples hit, how well, and how evenly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from genbench.core.record import Column
from genbench.core.registry import measures
from genbench.data.dataset import ClassModes, GaussianModes
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.mode_shares import share_readings
from genbench.measures.stamp import Protocol, missing, predicted, versions
from genbench.metrics import (
    expected_mode_coverage,
    expected_mode_coverage_of_labels,
    mode_coverage,
    mode_coverage_of_labels,
)
from genbench.metrics.mode_coverage import HIGH_QUALITY as NEAR_A_MODE
from genbench.metrics.mode_coverage import MODES_COVERED
from genbench.metrics.mode_coverage import REVERSE_KL as UNEVENNESS

RADIUS = 3
"""Standard deviations around a mode within which a sample has high quality, as in VEEGAN and PacGAN."""

COVERED = replace(
    MODES_COVERED, metric="known_modes.covered", meaning="true modes with at least one sample of high quality"
)
HIGH_QUALITY = replace(
    NEAR_A_MODE,
    metric="known_modes.high_quality",
    meaning=f"share of samples within {RADIUS} standard deviations of a true mode",
)
REVERSE_KL = replace(
    UNEVENNESS,
    metric="known_modes.reverse_kl",
    meaning="of the modes of samples of high quality from all modes alike",
)

_CLASSIFIED = "Modes of images are told apart by a classifier, which knows no distance to a mode."
_UNKNOWN = "The true modes of this data are not known."
_NO_HISTOGRAM = "No sample has high quality, so that there is no histogram over modes."


@measures.register("known_modes")
@dataclass(frozen=True)
class KnownModes:
    """Samples counted at the true modes: the centres of a mixture, or the classes of stacked digits.

    Where a classifier names the modes every sample counts, and one sample covers a mode; ``modes`` asks for
    more.
    """

    columns: ClassVar[tuple[Column, ...]] = (COVERED, HIGH_QUALITY, REVERSE_KL)
    per_cohort: ClassVar[bool] = False

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Three readings, then the histogram; one that cannot be taken says why."""
        reference, n, modes = evidence.reference, len(evidence.samples), evidence.reference.dataset.modes
        stamp = _stamp(reference, n)
        if not n or modes is None:
            reason = _UNKNOWN if n else "There are no samples to count."
            yield from missing(reference, self.columns, reason, stamp)
            return
        if isinstance(modes, GaussianModes):
            centers = torch.from_numpy(modes.centers)
            seen = mode_coverage(evidence.features.values, centers, modes.scale, radius=RADIUS)
        else:
            labels = evidence.features.probabilities.argmax(1)
            seen = mode_coverage_of_labels(labels, len(modes.shares))

        def reading(
            column: Column, value: float | None, reason: str = "", error: float | None = None
        ) -> Reading:
            stamps = versions(reference, column)
            return Reading(column, value, error, n, reason, stamps, stamp)

        yield reading(COVERED, float(seen.covered))
        if isinstance(modes, ClassModes):
            yield reading(HIGH_QUALITY, None, _CLASSIFIED)
        else:
            share = seen.high_quality
            yield reading(HIGH_QUALITY, share, error=1.96 * math.sqrt(share * (1 - share) / n))
        finite = math.isfinite(seen.reverse_kl)
        yield reading(REVERSE_KL, seen.reverse_kl if finite else None, "" if finite else _NO_HISTOGRAM)
        yield from share_readings(reference, seen.counts.double() / n, n, stamp)

    def expected(self, reference: Reference, n: int) -> Iterator[Reading]:
        """What n draws of the true distribution score: in closed form."""
        modes = reference.dataset.modes
        if modes is None:
            yield from missing(reference, self.columns, _UNKNOWN, _stamp(reference, n))
            return
        if isinstance(modes, GaussianModes):
            count, dimensions = modes.centers.shape
            perfect = expected_mode_coverage(count, n, dimensions=dimensions, radius=RADIUS)
            shares = torch.full((count,), perfect.high_quality / count, dtype=torch.float64)
        else:
            shares = torch.from_numpy(modes.shares)
            perfect = expected_mode_coverage_of_labels(shares, n)
        values = {COVERED: perfect.covered, REVERSE_KL: perfect.reverse_kl}
        if isinstance(modes, GaussianModes):
            values[HIGH_QUALITY] = perfect.high_quality
        yield from predicted(reference, self.columns, values, _stamp(reference, n))
        yield from share_readings(reference, shares, 0, _stamp(reference, n))


def _stamp(reference: Reference, n: int) -> Protocol:
    by = {"radius": RADIUS} if isinstance(reference.dataset.modes, GaussianModes) else {}
    return {"n_fake": n, "reference": "true modes", "extractor": reference.extractor.id, **by}
