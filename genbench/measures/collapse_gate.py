"""The gate: a generator that makes one image, or one class, has no latent space worth describing."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from genbench.measures.evidence import Evidence, Reference
from genbench.metrics import class_coverage

COVERAGE = 0.1
"""Factor coverage (mean over factors) below which a model is called collapsed."""

ENTROPY = 0.5
"""Entropy of the samples' classes, in parts of what is possible, below which a model is called collapsed."""


def collapse(evidence: Evidence) -> str:
    """Why a description of the latent space would flatter a collapsed model; empty where it is not collapsed.

    Both thresholds are policy, not theory. Data without factors is judged by its classes alone, data without
    either not at all.
    """
    if not len(evidence.samples):
        return "There are no samples to tell whether the model has collapsed."
    shares, entropy = coverage(evidence), class_entropy(evidence)
    if shares and not (mean := sum(shares) / len(shares)) >= COVERAGE:
        return f"collapsed: factor coverage {mean:.3f}, below {COVERAGE}"
    if entropy is not None and not entropy >= ENTROPY:
        return f"collapsed: class entropy {entropy:.3f} of what is possible, below {ENTROPY}"
    return ""


@lru_cache(maxsize=2)
def coverage(evidence: Evidence) -> tuple[float, ...]:
    """How much of each factor's variance the samples show: min(1, Var y(G(z)) / Var y(x)), 0 to 1.

    The factor reader y reads samples and test images alike, so that its own error stands on both sides. That
    error inflates the coverage of a factor that never moves. None for data without factors.
    """
    reference = evidence.reference
    if reference.dataset.factors is None or not len(evidence.samples):
        return ()
    return covered(reference, evidence.samples[:])


def covered(reference: Reference, images: Tensor) -> tuple[float, ...]:
    """As ``coverage``, of any images; 0 for a factor that does not vary in the data or is not finite."""
    real, fake = real_variance(reference), _variance(reference, images)
    return tuple(
        min(1.0, f / r) if r > 0 and math.isfinite(f) else 0.0
        for f, r in zip(fake.tolist(), real.tolist(), strict=True)
    )


@lru_cache(maxsize=2)
def class_entropy(evidence: Evidence) -> float | None:
    """Entropy of the samples' classes by the extractor, in parts of ln(classes in the data): 0 to 1.

    ``None`` for points, without samples, and for data that has fewer than two classes, whatever their names.
    """
    dataset = evidence.reference.dataset
    classes = len(np.unique(dataset.train_labels))
    if not dataset.info.is_image or classes < 2 or not len(evidence.samples):
        return None
    labels = evidence.features.probabilities.argmax(1)
    return min(1.0, class_coverage(labels).entropy / math.log(classes))


@lru_cache(maxsize=2)
def real_variance(reference: Reference) -> Tensor:
    """(F,) float64, of the factors read off the test images: the reader's error is on both sides."""
    return _variance(reference, torch.from_numpy(reference.dataset.test_examples))


def _variance(reference: Reference, images: Tensor) -> Tensor:
    """(F,) float64 of what the factor reader says of images."""
    variance: Tensor = reference.factor_reader.read(images).values.cpu().double().var(0)
    return variance
