"""Representation: what was learned of classes without labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.generator import Generator
from genbench.measures.posthoc_encoder import SIGMA, STEPS, encoder_of
from genbench.measures.stamp import data_hash
from genbench.metrics.probes import Labels, Split, Values, cluster_nmi, logistic_accuracy


def _part(name: str, meaning: str, better: Better = Better.HIGHER) -> Column:
    return Column(f"representation.{name}", "", better, low=0.0, high=1.0, meaning=meaning)


PROBE = _part("probe", "held-out accuracy of classes, linear in the last hidden layer that sees examples")
NMI = _part("nmi", "agreement of k-means' clusters of that layer with the classes; 0: none, 1: the same")
PROBE_CODE = _part("probe_code", "as probe, from the latent that the post-hoc encoder infers")
NMI_CODE = _part("nmi_code", "as nmi, from the latent that the post-hoc encoder infers")
MAJORITY = _part("majority", "accuracy of always naming the most common class", Better.NEITHER)

_HALF = 2000
_DIMENSIONS = 64
_PART = 500
_ROUNDING = 1e-6
"""Share of the largest standard deviation below which another one is rounding, in float32."""

_NO_LAYERS = (
    "The network that sees examples has no hidden layer that is known: nonlinearities are found where they "
    "are modules, such as nn.ReLU, and not functions."
)

_SILENT = 1e-12  # a standard deviation that is rounding


@measures.register("representation")
@dataclass(frozen=True)
class Representation:
    """Classes of real test images, found in what a model makes of them: by a linear probe and by k-means.

    Two representations: the last hidden layer of the network that sees examples (a discriminator, critic or
    encoder: networks with different tasks; the row ``untrained`` is that of the suite's first model), and
    the mean of the post-hoc encoder, one tool for all, whose layers know something of classes even where the
    generator does not. Either is standardised and reduced to its first 64 principal components, both fitted
    to one half of the images (2,000 at most), and scored on the other half; the probe chooses between columns
    as they are and columns of equal variance. The row ``pca`` is the same of pixels that are not
    standardised, ``pixels`` that without a reduction.
    """

    columns: ClassVar[tuple[Column, ...]] = (PROBE, NMI, PROBE_CODE, NMI_CODE, MAJORITY)
    per_cohort: ClassVar[bool] = False
    traced: ClassVar[bool] = False
    of_lanes: ClassVar[bool] = True
    anchors: ClassVar[tuple[str, ...]] = ("pixels", "pca", "untrained")

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """Five readings; those that cannot be taken say why."""
        dataset, generator = evidence.reference.dataset, evidence.generator
        reason = _cannot(dataset)
        if not reason and generator is None:
            reason = "Of this model only samples are known, and no networks."
        if reason or generator is None:
            for column in self.columns:
                yield _reading(dataset, column, None, 0, reason)
        else:
            yield from _of_generator(dataset, generator)

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:
        """The readings of pixels, of their principal components or of the untrained model."""
        dataset = reference.dataset
        if _cannot(dataset):
            return
        if name == "untrained":
            if seed < len(reference.untrained):
                yield from _of_generator(dataset, reference.untrained[seed])
            return
        pixels = _images(dataset).flatten(1).double().numpy()
        if name == "pca":
            pixels = _components(pixels)
        yield from _of_features(dataset, pixels, (PROBE, NMI), seed)
        for column in (PROBE_CODE, NMI_CODE):
            yield _reading(dataset, column, None, 0, "There is no generator whose latent could be inferred.")
        yield _majority(dataset)


def _of_generator(dataset: Dataset, generator: Generator) -> Iterator[Reading]:
    x = _images(dataset)
    seen = None if generator.networks is None else generator.networks.seen
    if seen is None:
        for column in (PROBE, NMI):
            yield _reading(dataset, column, None, 0, "None of its networks sees examples.")
    else:
        with torch.no_grad():
            layers = [list(seen(part.to(generator.device)).values()) for part in torch.split(x, _PART)]
        if layers[0]:
            last = torch.cat([layer[-1].cpu() for layer in layers])
            yield from _of_features(dataset, _reduced(last), (PROBE, NMI), generator.seed)
        else:
            for column in (PROBE, NMI):
                yield _reading(dataset, column, None, 0, _NO_LAYERS)
    code = encoder_of(generator).mean(x).cpu()
    yield from _of_features(dataset, _reduced(code), (PROBE_CODE, NMI_CODE), generator.seed)
    yield _majority(dataset)


def _of_features(
    dataset: Dataset, features: Values, columns: tuple[Column, Column], seed: int
) -> Iterator[Reading]:
    """Accuracy of the probe and NMI of the clusters, on the scoring half."""
    if not np.isfinite(features).all():
        for column in columns:
            yield _reading(dataset, column, None, 0, "The features of test images are not finite.")
        return
    labels, half = _labels(dataset), len(features) // 2
    probe, nmi = columns
    scaled = _better_scaling(features[:half], labels[:half])(features)
    fit, held_out = Split(scaled[:half], labels[:half]), Split(scaled[half:], labels[half:])
    yield _reading(dataset, probe, logistic_accuracy(fit, held_out).accuracy, len(labels) - half)
    agreement = cluster_nmi(
        features[half:],
        labels[half:],
        clusters=len(np.unique(labels)),
        seed=derive_seed(seed, "representation"),
    )
    yield _reading(dataset, nmi, agreement, len(labels) - half)


def _majority(dataset: Dataset) -> Reading:
    labels = _labels(dataset)
    counts = np.unique(labels[len(labels) // 2 :], return_counts=True)[1]
    return _reading(dataset, MAJORITY, float(counts.max() / counts.sum()), int(counts.sum()))


def _reduced(features: Tensor) -> Values:
    """Principal components of standardised features; as they are where one is not finite."""
    values = features.double().numpy()
    if not np.isfinite(values).all():
        return values
    fit = values[: len(values) // 2]
    spread = fit.std(0)
    return _components((values - fit.mean(0)) / np.where(spread > _SILENT, spread, 1.0))


def _components(values: Values) -> Values:
    """The first 64 principal components of the fitting half, of all, scaled to a mean variance of 1 there."""
    from sklearn.decomposition import PCA

    half = len(values) // 2
    pca = PCA(min(_DIMENSIONS, half, values.shape[1]), random_state=0).fit(values[:half])
    components: Values = pca.transform(values)
    scale = float(components[:half].var(0).mean()) ** 0.5
    return components / scale if scale > _SILENT else components


def _as_they_are(values: Values) -> Values:
    return values


def _even(values: Values) -> Values:
    """Every column with a variance of 1 on the fitting half, those of rounding alone left out."""
    spread = values[: len(values) // 2].std(0)
    told = spread > _ROUNDING * spread.max()
    even: Values = values[:, told] / spread[told]
    return even if told.any() else values


def _better_scaling(features: Values, labels: Labels) -> Callable[[Values], Values]:
    """Which of the two scalings the probe does better with, on a quarter of the fitting half.

    The probe is regularised, so what it reads depends on scale. Of a critic with clipped weights nearly all
    variance is in one direction and the classes are in others, which only even columns show; of raw pixels
    even columns make those loud that are hardly ever lit.
    """
    part = len(labels) * 3 // 4

    def accuracy(scaling: Callable[[Values], Values]) -> float:
        values = scaling(features)
        fit, validation = Split(values[:part], labels[:part]), Split(values[part:], labels[part:])
        return logistic_accuracy(fit, validation).accuracy

    return max((_as_they_are, _even), key=accuracy)


@lru_cache(maxsize=2)
def _rows(dataset: Dataset) -> Tensor:
    """Which test images, the same for every model: the first half to fit, the second to score."""
    random = torch.Generator().manual_seed(derive_seed(0, "representation", "images"))
    return torch.randperm(len(dataset.test_examples), generator=random)[: 2 * _HALF]


def _images(dataset: Dataset) -> Tensor:
    """(N, C, H, W) in [0, 1]."""
    return torch.from_numpy(dataset.test_examples)[_rows(dataset)].float() / 255


def _labels(dataset: Dataset) -> Labels:
    labels: Labels = dataset.test_labels[_rows(dataset).numpy()]
    return labels


def _cannot(dataset: Dataset) -> str:
    if not dataset.info.is_image:
        return "Points have no classes to find."
    if len(dataset.test_labels) != len(dataset.test_examples) or len(dataset.test_examples) < 4:
        return "The test images have no labels, or are too few."
    if len(np.unique(_labels(dataset))) < 2:
        return "All test images are of one class."
    return ""


def _reading(dataset: Dataset, column: Column, value: float | None, n: int, reason: str = "") -> Reading:
    return Reading(
        column,
        value,
        # of a share of n images
        1.96 * math.sqrt(value * (1 - value) / n)
        if value is not None and column in (PROBE, PROBE_CODE)
        else None,
        n,
        reason,
        {"metric": column.version, "data": data_hash(dataset)},
        {"reference": "test", "components": _DIMENSIONS, "encoder_steps": STEPS, "sigma": SIGMA},
    )
