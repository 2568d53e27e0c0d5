"""What is known of images: classes and factors, read off samples by the tools all models share, or true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from genbench.measures.evidence import Reference
from genbench.report.explanation.content import Numbers
from genbench.runner.explaining.looking import as_numbers, as_stored


@dataclass(frozen=True, eq=False)
class Labels:
    """Of N images.

    Attributes:
        classes: (N,); ``None`` where there are none.
        factors: (N,) of each factor, by name.
        graded: what a unit may go with, (N,) each: probabilities of classes, and factors.
        source: what read them.
    """

    classes: NDArray[np.int64] | None
    factors: Mapping[str, Numbers]
    graded: Mapping[str, Numbers]
    source: str


def read_labels(reference: Reference, images: torch.Tensor) -> Labels:
    """Labels of generated images (N, C, H, W) in [0, 1], as the shared tools read them.

    Raises:
        DataError: the data has no labels, so that there is no extractor.
    """
    data, extractor, stored = reference.dataset, reference.extractor, as_stored(images)
    probabilities = as_numbers(extractor(stored).probabilities)
    factors: dict[str, Numbers] = {}
    if data.factors is not None:
        values = as_numbers(reference.factor_reader.read(stored).values)
        factors = dict(zip(data.factors.names, values.T, strict=True))
    likely = {f"class {name}": p for name, p in zip(data.info.classes, probabilities.T, strict=True)}
    return Labels(
        classes=probabilities.argmax(1),
        factors=factors,
        graded={**likely, **factors},
        source=f"{extractor.id} and {reference.factor_reader.id}" if factors else extractor.id,
    )


def true_labels(reference: Reference, rows: NDArray[np.int64]) -> Labels:
    """The labels of some test images."""
    data = reference.dataset
    factors = data.factors
    return Labels(
        classes=data.test_labels[rows] if data.info.classes else None,
        factors={}
        if factors is None
        else {name: factors.test[rows, i].astype(np.float64) for i, name in enumerate(factors.names)},
        graded={},
        source="the data",
    )
