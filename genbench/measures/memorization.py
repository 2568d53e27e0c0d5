"""Memorization: whether the samples are copies of training examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from genbench.core.record import Column
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.stamp import Protocol, predicted, versions
from genbench.metrics.memorization import AUTHENTICITY as AUTHENTIC
from genbench.metrics.memorization import (
    MEMORIZATION_DISTANCE,
    authenticity,
    expected_authenticity,
    memorization_distance,
)

AUTHENTICITY = replace(
    AUTHENTIC,
    metric="memorization.authenticity",
    meaning="share of samples farther from the training set than its own members are from each other",
)
DISTANCE = replace(
    MEMORIZATION_DISTANCE,
    metric="memorization.distance",
    meaning="mean cosine distance of a sample to the nearest training example",
)


_ANGLES = "The angles of points say nothing of whether they are copies."


@measures.register("memorization")
@dataclass(frozen=True)
class Memorization:
    """Samples against the training split, in the extractor's features.

    What a perfect model has is known for points only: compare with ``real``, in whose place test examples
    stand here, and with ``memorized``. The distance is one of angles, which say nothing of points.
    """

    columns: ClassVar[tuple[Column, ...]] = (AUTHENTICITY, DISTANCE)
    per_cohort: ClassVar[bool] = False

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Two readings; one that cannot be taken says why."""
        reference, held_out = evidence.reference, evidence.held_out
        fake = evidence.features.values if held_out is None else reference.features.values[held_out]
        stamp = _stamp(reference)
        for column, metric in ((AUTHENTICITY, authenticity), (DISTANCE, memorization_distance)):
            value, reason = None, _ANGLES
            if reference.dataset.info.is_image or column is not DISTANCE:
                try:
                    value, reason = metric(reference.memory, fake), ""
                except ValueError as error:
                    reason = f"{error}."
            yield Reading(
                column,
                value,
                n=len(fake),
                reason=reason,
                versions=versions(reference, column),
                protocol=stamp,
            )

    def expected(self, reference: Reference, n: int) -> Iterator[Reading]:  # noqa: ARG002 - of any number
        """The authenticity of points by a locally uniform density; of features the dimension is not known."""
        info = reference.dataset.info
        values = {} if info.is_image else {AUTHENTICITY: expected_authenticity(info.size)}
        yield from predicted(reference, self.columns, values, _stamp(reference))


def _stamp(reference: Reference) -> Protocol:
    # means over the samples: how many there are moves neither
    return {
        "n_train": len(reference.memory),
        "reference": "train",
        "extractor": reference.extractor.id,
    }
