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
from genbench.measures.mode_shares import share_readings
from genbench.measures.stamp import missing, predicted, protocol, versions
from genbench.metrics import class_coverage, expected_class_coverage
from genbench.metrics.class_coverage import CLASS_ENTROPY, CLASS_KL, CLASSES_COVERED

COVERED = replace(
    CLASSES_COVERED,
    metric="modes.covered",
    meaning="classes with at least a tenth of their share in the test images",
)
ENTROPY = replace(CLASS_ENTROPY, metric="modes.entropy", meaning="0: one class; ln(classes): all alike")
KL = replace(CLASS_KL, metric="modes.kl", meaning="of the samples' classes from the test images'")


_NOT_CLASSIFIED = "Points are not classified; the measure known_modes counts their modes."


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
        """Three readings, then the histogram; one that cannot be taken says why."""
        reference, n = evidence.reference, len(evidence.samples)
        stamp = protocol(reference, n)
        fake, real = evidence.features.probabilities, reference.features.probabilities
        if not n or not real.shape[1]:
            reason = _NOT_CLASSIFIED if n else "There are no samples to classify."
            yield from missing(reference, self.columns, reason, stamp)
            return
        seen = class_coverage(fake.argmax(1), num_classes=fake.shape[1], reference=real.argmax(1))
        for column, value in ((COVERED, float(seen.covered)), (ENTROPY, seen.entropy), (KL, seen.kl)):
            finite = math.isfinite(value)
            reason = "" if finite else "Infinite: the samples show a class that no test image has."
            yield Reading(
                column,
                value if finite else None,
                n=n,
                reason=reason,
                versions=versions(reference, column),
                protocol=stamp,
            )
        yield from share_readings(reference, _shares(fake), n, stamp)

    def expected(self, reference: Reference, n: int) -> Iterator[Reading]:
        """What n images of the test images' own classes score."""
        stamp, classes = protocol(reference, n), reference.features.probabilities.shape[1]
        if not classes:
            yield from missing(reference, self.columns, _NOT_CLASSIFIED, stamp)
            return
        labels = reference.features.probabilities.argmax(1)
        shares = torch.bincount(labels, minlength=classes)
        perfect = expected_class_coverage(shares.double(), n, len(labels))
        # the entropy of the test images' own histogram is as much too low as that of any sample
        entropy = perfect.entropy + (int((shares > 0).sum()) - 1) / (2 * len(labels))
        values = {COVERED: perfect.covered, ENTROPY: min(entropy, math.log(classes))}
        if math.isfinite(perfect.kl):
            values[KL] = perfect.kl
        yield from predicted(reference, self.columns, values, stamp)
        yield from share_readings(reference, _shares(reference.features.probabilities), 0, stamp)


def _shares(probabilities: torch.Tensor) -> torch.Tensor:
    """(K,) share of images whose likeliest class it is."""
    labels = probabilities.argmax(1)
    return torch.bincount(labels, minlength=probabilities.shape[1]).double() / len(labels)
