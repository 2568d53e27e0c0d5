"""Whether a training that came to its end has failed all the same, and how."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from genbench.measures.collapse_gate import COVERAGE, ENTROPY, class_entropy, coverage
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Reference
from genbench.measures.generator import Generator
from genbench.measures.stability_course import course_of
from genbench.metrics.frechet import frechet_distance

ACTIVE = 0.01
"""Variance of a latent's posterior mean over test examples, above which it is used (Burda et al. 2016)."""

_MOST = 2000  # test examples that are encoded
_CHUNK = 500


def failures(evidence: Evidence) -> str:
    """Which failures a trained lane shows, each with its code before a colon; empty where it shows none.

    ``nonfinite``: a sample, a snapshot or a gradient norm. ``collapsed``: class entropy below one half of
    what is possible (of points: at the known modes), or factor coverage below a tenth.
    ``no_better_than_mean``: a Fréchet distance that a Gaussian of the training images' mean and covariance,
    pixel by pixel, attains; not looked at in points, whose Fréchet distance sees nothing but these two.
    ``posterior_collapse``: an encoder that uses no latent.

    The thresholds are policy, not theory; they stand in the protocol.
    """
    if not _finite(evidence):
        return "nonfinite: not all samples, snapshots and gradients are finite"
    found = []
    if collapsed := _collapsed(evidence):
        found.append(f"collapsed: {collapsed}")
    if evidence.reference.dataset.info.is_image and _no_better(evidence):
        found.append("no_better_than_mean: a Gaussian fitted to the pixels is as near to the test images")
    if evidence.generator is not None and _inactive(evidence.generator, evidence.reference):
        found.append(f"posterior_collapse: no latent's mean varies by more than {ACTIVE} over test examples")
    return "; ".join(found)


def _finite(evidence: Evidence) -> bool:
    parts = [evidence.features.values]
    if evidence.trace is not None:
        parts += [*evidence.trace.gradient_norms.values()]
        parts += [evidence.trace.samples] if evidence.trace.samples.is_floating_point() else []
    return all(bool(part.isfinite().all()) for part in parts)


def _collapsed(evidence: Evidence) -> str:
    entropy, covered, course = class_entropy(evidence), coverage(evidence), course_of(evidence)
    if entropy is None and course is not None:
        entropy = course.entropy[-1]
    if entropy is not None and entropy < ENTROPY:
        return f"class entropy below {ENTROPY} of what is possible"
    if covered and sum(covered) / len(covered) < COVERAGE:
        return f"factor coverage below {COVERAGE}"
    return ""


def _no_better(evidence: Evidence) -> bool:
    reference, fake = evidence.reference, evidence.features.values
    if len(fake) < 2:
        return False
    return frechet_distance(reference.features.values, fake) >= _of_gaussian(reference, len(fake))


@lru_cache(maxsize=2)
def _of_gaussian(reference: Reference, n: int) -> float:
    """The Fréchet distance of n draws of the Gaussian that is fitted to the training images."""
    drawn = control_samples("gaussian", reference.dataset, n, 0).samples
    return frechet_distance(reference.features.values, reference.extractor(drawn).values)


def _inactive(generator: Generator, reference: Reference) -> bool:
    if generator.encode is None:
        return False
    examples = torch.from_numpy(reference.dataset.test_examples[:_MOST])
    with torch.no_grad():
        means = [generator.encode(part).cpu() for part in decoded(examples, generator)]
    variance = torch.cat(means).double().var(0)
    return not math.isfinite(float(variance.max())) or float(variance.max()) <= ACTIVE


def decoded(examples: Tensor, generator: Generator) -> list[Tensor]:
    """Stored examples as ``decode`` gives them, in parts, where the generator computes."""
    stored = examples.dtype == torch.uint8
    parts = (examples[start : start + _CHUNK] for start in range(0, len(examples), _CHUNK))
    return [(part.float() / 255 if stored else part).to(generator.device) for part in parts]
