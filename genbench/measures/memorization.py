"""Memorization: whether the samples are copies of training examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

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


@measures.register("memorization")
@dataclass(frozen=True)
class Memorization:
    """Samples against the training split, in the extractor's features.

    What a perfect model has is known for points only: compare with ``real``, whose examples are left out of
    the training set here, and with ``memorized``.
    """

    columns: ClassVar[tuple[Column, ...]] = (AUTHENTICITY, DISTANCE)
    per_cohort: ClassVar[bool] = False

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Two readings; one that cannot be taken says why."""
        reference = evidence.reference
        memory, n = _training_set(evidence), len(evidence.samples)
        stamp = _stamp(reference, n)
        for column, metric in ((AUTHENTICITY, authenticity), (DISTANCE, memorization_distance)):
            value, reason = None, ""
            try:
                value = metric(memory, evidence.features.values)
            except ValueError as error:
                reason = f"{error}."
            yield Reading(
                column, value, n=n, reason=reason, versions=versions(reference, column), protocol=stamp
            )

    def expected(self, reference: Reference, n: int) -> Iterator[Reading]:
        """The authenticity of points by a locally uniform density; of features the dimension is not known."""
        info = reference.dataset.info
        values = {} if info.is_image else {AUTHENTICITY: expected_authenticity(info.size)}
        yield from predicted(reference, self.columns, values, _stamp(reference, n))


def _stamp(reference: Reference, n: int) -> Protocol:
    return {
        "n_train": len(reference.memory),
        "n_fake": n,
        "reference": "train",
        "extractor": reference.extractor.id,
    }


def _training_set(evidence: Evidence) -> Tensor:
    """Features of the training split, without those examples that stand for fresh data here."""
    memory = evidence.reference.memory
    if evidence.left_out is None:
        return memory
    kept = torch.ones(len(memory), dtype=torch.bool)
    kept[evidence.left_out] = False
    return memory[kept]
