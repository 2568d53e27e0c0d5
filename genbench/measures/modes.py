"""Modes: which classes the samples show, and how evenly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from genbench.core.record import Column
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.stamp import predicted, protocol, versions
from genbench.metrics import class_coverage, expected_class_coverage
from genbench.metrics.class_coverage import CLASS_ENTROPY, CLASS_KL, CLASSES_COVERED

COVERED = replace(
    CLASSES_COVERED,
    metric="modes.covered",
    meaning="classes with at least a tenth of their share in the test images",
)
ENTROPY = replace(CLASS_ENTROPY, metric="modes.entropy", meaning="0: one class; ln(classes): all alike")
KL = replace(CLASS_KL, metric="modes.kl", meaning="of the samples' classes from the test images'")


@measures.register("modes")
@dataclass(frozen=True)
class Modes:
    """Class histogram of the samples against that of the test images, both by the dataset's extractor.

    The test images are labelled by the extractor too, not by their true labels: its errors then stand on
    both sides and cancel.
    """

    columns: ClassVar[tuple[Column, ...]] = (COVERED, ENTROPY, KL)
    per_cohort: ClassVar[bool] = False

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Three readings; one that cannot be taken says why."""
        n = len(evidence.samples)
        stamp = protocol(evidence.reference, n)
        if n == 0:
            for column in self.columns:
                reason = "There are no samples to classify."
                yield Reading(
                    column, None, reason=reason, versions=versions(evidence.reference, column), protocol=stamp
                )
            return
        fake, real = evidence.features.probabilities, evidence.reference.features.probabilities
        seen = class_coverage(fake.argmax(1), num_classes=fake.shape[1], reference=real.argmax(1))
        for column, value in ((COVERED, float(seen.covered)), (ENTROPY, seen.entropy), (KL, seen.kl)):
            finite = math.isfinite(value)
            reason = "" if finite else "Infinite: the samples show a class that no test image has."
            yield Reading(
                column,
                value if finite else None,
                n=n,
                reason=reason,
                versions=versions(evidence.reference, column),
                protocol=stamp,
            )

    def expected(self, reference: Reference, n: int) -> Iterator[Reading]:
        """What n images of the test images' own classes score, to second order."""
        labels = reference.features.probabilities.argmax(1)
        shares = torch.bincount(labels, minlength=reference.features.probabilities.shape[1])
        perfect = expected_class_coverage(shares.double(), n, len(labels))
        values = {COVERED: perfect.covered, ENTROPY: perfect.entropy, KL: perfect.kl}
        yield from predicted(reference, self.columns, values, protocol(reference, n))
