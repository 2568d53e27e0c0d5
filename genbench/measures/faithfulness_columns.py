"""How faithfully maps of attribution describe a model's own score of images: a part of interpretability."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from statistics import median

import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.core.record import Better, Column
from genbench.data.dataset import Dataset
from genbench.measures.attribution import COMPLETE, attribute, superpixels, without_captum
from genbench.measures.evidence import Evidence, Reading
from genbench.measures.generator import Generator
from genbench.measures.stamp import data_hash
from genbench.metrics.attribution import (
    attributed_drops,
    completeness_error,
    normalised_infidelity,
    random_halves,
    score_drops,
)

INFIDELITY = Column(
    "interpretability.infidelity",
    "",
    Better.NEITHER,
    low=0.0,
    meaning="of integrated gradients of the model's score, from black; 0: exact, 1: no better than no map",
)
INFIDELITY_MEAN = Column(
    "interpretability.infidelity_mean",
    "",
    Better.NEITHER,
    low=0.0,
    meaning="the same from the mean image of the training set in place of black",
)
INFIDELITY_SHUFFLED = Column(
    "interpretability.infidelity_shuffled",
    "",
    Better.NEITHER,
    low=0.0,
    meaning="the infidelity of the same maps with their pixels shuffled: right in sum, of places wrong",
)
COMPLETENESS = Column(
    "interpretability.completeness_error",
    "",
    Better.LOWER,
    low=0.0,
    meaning="by how much the maps fail to add up to what the score is above that of black, median",
)

COLUMNS = (COMPLETENESS, INFIDELITY, INFIDELITY_SHUFFLED, INFIDELITY_MEAN)

_IMAGES = 40
_MASKS = 64


def readings(evidence: Evidence) -> Iterator[Reading]:
    """Integrated gradients of the model's score on 40 test images, the same ones and masks for every model.

    Four readings, medians over images; one that cannot be taken says why. An infidelity ranks scores by how
    simple they are, not models by quality: a critic held near linear by clipping is explained best. Of a
    discriminator and of a bound it is a number of different functions.
    """
    dataset, generator = evidence.reference.dataset, evidence.generator
    if reason := _cannot(dataset, generator):
        yield from _dashes(dataset, COLUMNS, reason)
        return
    assert generator is not None
    x = _images(dataset).to(generator.device)
    black, mean = torch.zeros_like(x[0]), _mean_image(dataset).to(generator.device)
    first, error = _explained(generator, x, black)
    if not _finite(error):
        reason = "The score of test images is not finite, or is that of black: there is nothing to share out."
        yield from _dashes(dataset, COLUMNS, reason)
        return
    yield _median(dataset, COMPLETENESS, error, "black", generator)
    random = torch.Generator().manual_seed(derive_seed(0, "faithfulness", "shuffled"))
    order = torch.randperm(x[0].numel(), generator=random).to(x.device)
    shuffled = first.flatten(1)[:, order].view_as(first)
    yield from _infidelities(
        dataset, generator, x, black, "black", error, {INFIDELITY: first, INFIDELITY_SHUFFLED: shuffled}
    )
    second, error = _explained(generator, x, mean)
    yield from _infidelities(dataset, generator, x, mean, "mean image", error, {INFIDELITY_MEAN: second})


def _cannot(dataset: Dataset, generator: Generator | None) -> str:
    if not dataset.info.is_image:
        return "Maps of attribution are of images; these are points."
    if generator is None:
        return "Of this model only samples are known, and no score."
    if generator.score is None:
        return "It gives examples no score, so there is nothing to explain."
    return without_captum()


def _explained(generator: Generator, x: Tensor, baseline: Tensor) -> tuple[Tensor, Tensor]:
    """Maps (N, C, H, W) by integrated gradients, and their completeness errors (N,)."""
    score = generator.score
    assert score is not None
    maps = attribute("integrated-gradients", score, x, baseline, seed=0)
    with torch.no_grad():
        difference = score(x) - score(baseline[None])
    return maps, completeness_error(maps, difference)


def _infidelities(
    dataset: Dataset,
    generator: Generator,
    x: Tensor,
    baseline: Tensor,
    named: str,
    error: Tensor,
    maps: dict[Column, Tensor],
) -> Iterator[Reading]:
    """A reading for each of these maps from one baseline, or why there is none."""
    finite = _finite(error)
    if not finite or median(finite) > COMPLETE:
        reason = (
            f"The maps fail to add up by {median(finite):.2%} (median of images), above {COMPLETE:.0%}: the "
            "score is too rough for the steps of the integral."
            if finite
            else f"The score of test images is not finite, or is that of the baseline ({named})."
        )
        yield from _dashes(dataset, tuple(maps), reason)
        return
    assert generator.score is not None
    cells = superpixels(tuple(x.shape[1:]))
    removed = random_halves(int(cells.max()) + 1, _MASKS, seed=derive_seed(0, "faithfulness", "masks"))
    drops = score_drops(generator.score, x, baseline, cells, removed)
    for column, a in maps.items():
        values = normalised_infidelity(attributed_drops(a, cells, removed), drops)
        yield _median(dataset, column, values, named, generator)


def _finite(values: Tensor) -> list[float]:
    """Those that are finite, in order."""
    return sorted(value for value in values.tolist() if math.isfinite(value))


def _median(dataset: Dataset, column: Column, values: Tensor, baseline: str, generator: Generator) -> Reading:
    """The median over images, with half the width of its 95 % interval by ranks."""
    finite = _finite(values)
    n = len(finite)
    reason = "" if n else "No mask changes the score of any image."
    value = error = None
    if n:
        low = max(0, math.floor(n / 2 - 0.98 * math.sqrt(n)))
        value, error = median(finite), (finite[n - 1 - low] - finite[low]) / 2
    return Reading(
        column,
        value,
        error,
        n,
        reason,
        _versions(dataset, column),
        {"reference": "test", "score": generator.scored_by, "baseline": baseline, "masks": _MASKS},
    )


def _dashes(dataset: Dataset, columns: tuple[Column, ...], reason: str) -> Iterator[Reading]:
    for column in columns:
        yield Reading(column, None, reason=reason, versions=_versions(dataset, column))


def _versions(dataset: Dataset, column: Column) -> dict[str, str]:
    return {"metric": column.version, "data": data_hash(dataset)}


@lru_cache(maxsize=4)
def _images(dataset: Dataset) -> Tensor:
    """(N, C, H, W) in [0, 1]: the test images that are explained."""
    random = torch.Generator().manual_seed(derive_seed(0, "faithfulness", "images"))
    order = torch.randperm(len(dataset.test_examples), generator=random)[:_IMAGES]
    return torch.from_numpy(dataset.test_examples)[order].float() / 255


@lru_cache(maxsize=4)
def _mean_image(dataset: Dataset) -> Tensor:
    """(C, H, W) in [0, 1]."""
    return torch.from_numpy(dataset.train_examples.mean(0) / 255).float()
