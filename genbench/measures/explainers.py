"""Explainers: methods of attribution put to a test whose answer is known, an artefact planted in images."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from genbench.core.ids import derive_seed
from genbench.core.record import EXPLAINERS, Better, Column
from genbench.core.registry import measures
from genbench.data.dataset import Dataset
from genbench.measures.attribution import attribute, superpixels, without_captum
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.stamp import data_hash
from genbench.metrics.attribution import (
    attributed_drops,
    normalised_infidelity,
    pointing_game,
    random_halves,
    relevance_mass,
    score_drops,
)

MASS = Column(
    "explainers.mass",
    "",
    Better.HIGHER,
    low=0.0,
    high=1.0,
    meaning="share of the map's absolute value on the planted patch",
)
POINTING = Column(
    "explainers.pointing",
    "",
    Better.HIGHER,
    low=0.0,
    high=1.0,
    meaning="share of images whose largest attribution is on the planted patch",
)
INFIDELITY = Column(
    "explainers.infidelity",
    "",
    Better.LOWER,
    low=0.0,
    meaning="of what the map says removing half of the image does; 0: exact, 1: no better than no map",
)
MASS_UNTRAINED = Column(
    "explainers.mass_untrained",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="the mass where the critic was never trained: what shows for its brightness alone",
)
MILLISECONDS = Column(
    "explainers.ms", "ms", Better.LOWER, low=0.0, meaning="time to explain the score of one image"
)

_IMAGES = 20
_MASKS = 64
_STEPS, _BATCH, _RATE = 400, 64, 1e-3
_WIDTHS = (256, 128)
_SEEN = 0.95
"""Share of held-out images that the critic must tell apart, or there is nothing to find in its score."""

_NO_SHARE = "The size of a gradient is no part of the score, so it says nothing of what removing pixels does."


@measures.register("explainers")
@dataclass(frozen=True)
class Explainers:
    """Whether a method of attribution finds what a critic was trained to look at.

    A small critic (fully connected, 256 and 128 units) learns to tell training images from training images
    with a white patch, one superpixel large and always in the same place. Its logit of planted test images
    is then explained, from black: the patch is the only cause there is. One critic for all methods.

    What it shows is how methods compare on this one score; not that a map of another score is right. The
    patch is as large as a superpixel and lies on one: methods that see superpixels are favoured over those
    that see pixels, and by a patch across two they would be wronged. The patch is bright, and maps that
    multiply by the pixel light up where it is whatever the critic knows: ``mass_untrained``.

    Of trained models there is no row: this is a test of explainers, on critics of its own.
    """

    columns: ClassVar[tuple[Column, ...]] = (MASS, POINTING, INFIDELITY, MASS_UNTRAINED, MILLISECONDS)
    per_cohort: ClassVar[bool] = False
    traced: ClassVar[bool] = False
    anchors: ClassVar[tuple[str, ...]] = EXPLAINERS
    of_lanes: ClassVar[bool] = False

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:  # noqa: ARG002 - of no model
        """Nothing: what is tested are methods, and no trained model has a part in it."""
        yield from ()

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:
        """Five readings of the method ``name`` with the critic of this seed; of points none."""
        dataset = reference.dataset
        if not dataset.info.is_image:
            return
        if reason := without_captum():
            yield from self._dashes(dataset, reason)
            return
        case = _case(dataset, reference.device, seed)
        if not case.seen >= _SEEN:
            yield from self._dashes(
                dataset,
                f"The critic tells only {case.seen:.1%} of held-out images apart by the patch, below "
                f"{_SEEN:.0%}: what it looks at is not known.",
            )
            return
        black = torch.zeros_like(case.planted[0])
        # before the clock starts: the first call imports and compiles
        null = attribute(name, case.untrained, case.planted, black, seed=seed)
        _wait(reference.device)
        begin = time.perf_counter()
        a = attribute(name, case.trained, case.planted, black, seed=seed)
        _wait(reference.device)
        milliseconds = (time.perf_counter() - begin) * 1000 / len(case.planted)
        faithful: Tensor | None = None
        if name != "saliency":
            faithful = normalised_infidelity(attributed_drops(a, case.cells, case.removed), case.drops)
        area = float(case.patch.double().mean())
        yield _mean(dataset, MASS, relevance_mass(a, case.patch), area)
        yield _mean(dataset, POINTING, pointing_game(a, case.patch), area)
        yield _mean(dataset, INFIDELITY, faithful, area, _NO_SHARE)
        yield _mean(dataset, MASS_UNTRAINED, relevance_mass(null, case.patch), area)
        yield Reading(
            MILLISECONDS,
            milliseconds,
            n=len(case.planted),
            versions=_versions(dataset, MILLISECONDS),
            protocol={"device": reference.device.type},
        )

    def _dashes(self, dataset: Dataset, reason: str) -> Iterator[Reading]:
        for column in self.columns:
            yield Reading(column, None, reason=reason, versions=_versions(dataset, column))


def _mean(dataset: Dataset, column: Column, values: Tensor | None, area: float, missing: str = "") -> Reading:
    """The mean over images, with the half-width of its 95 % interval."""
    finite = torch.empty(0) if values is None else values[values.isfinite()]
    n = len(finite)
    return Reading(
        column,
        float(finite.mean()) if n else None,
        float(1.96 * finite.std() / n**0.5) if n > 1 else None,
        n,
        "" if n else missing or "The map is zero, or not finite, for every image.",
        _versions(dataset, column),
        {"area": round(area, 6), "baseline": "black", "reference": "test"},
    )


def _versions(dataset: Dataset, column: Column) -> dict[str, str]:
    return {"metric": column.version, "data": data_hash(dataset)}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@dataclass(frozen=True, eq=False)
class _Critic:
    """A fully connected critic: weights and biases of each layer."""

    layers: tuple[tuple[Tensor, Tensor], ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N,)."""
        h = x.flatten(1)
        for i, (weight, bias) in enumerate(self.layers):
            h = functional.linear(functional.leaky_relu(h, 0.2) if i else h, weight, bias)
        return h[:, 0]


@dataclass(frozen=True, eq=False)
class _Case:
    """A planted artefact and a critic of it.

    Attributes:
        trained, untrained: the critic after and before training.
        seen: share of held-out images, half of them planted, that the trained one tells apart.
        planted: test images with the patch, (N, C, H, W) in [0, 1].
        patch: (C, H, W) bool, where it is.
        cells: (C, H, W) superpixels.
        removed: (masks, cells) bool, the halves removed for the infidelity.
        drops: (N, masks), what removing them takes from the score.
    """

    trained: _Critic
    untrained: _Critic
    seen: float
    planted: Tensor
    patch: Tensor
    cells: Tensor
    removed: Tensor
    drops: Tensor


@lru_cache(maxsize=4)
def _case(dataset: Dataset, device: torch.device, seed: int) -> _Case:
    """Train the critic of one seed, once for all methods."""
    shape = dataset.info.shape
    cells = superpixels(shape)
    across = int(cells[0, 0].max()) + 1  # cells in a row
    down = (int(cells.max()) + 1) // across
    # above and right of the middle, a cell from the border: now and then under a stroke
    patch = (cells == min(1, down - 1) * across + max(0, across - 2)).to(device)

    def plant(x: Tensor) -> Tensor:
        return x.masked_fill(patch, 1.0)

    random = torch.Generator().manual_seed(derive_seed(seed, "explainers", "critic"))
    untrained = _initial(int(cells.numel()), random, device)
    train = torch.from_numpy(dataset.train_examples)
    layers = tuple((w.clone().requires_grad_(), b.clone().requires_grad_()) for w, b in untrained.layers)
    critic = _Critic(layers)
    optimizer = torch.optim.Adam([tensor for layer in layers for tensor in layer], _RATE)
    with torch.enable_grad():
        for _ in range(_STEPS):
            rows = torch.randint(len(train), (2, _BATCH), generator=random)
            plain, other = (train[r].to(device).float() / 255 for r in rows)
            logits = critic(torch.cat([plant(plain), other]))
            label = (torch.arange(2 * _BATCH, device=device) < _BATCH).float()
            loss = functional.binary_cross_entropy_with_logits(logits, label)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    trained = _Critic(tuple((w.detach(), b.detach()) for w, b in layers))
    order = torch.randperm(len(dataset.test_examples), generator=random)
    test = torch.from_numpy(dataset.test_examples)[order[:500]].to(device).float() / 255
    with torch.no_grad():
        right = torch.cat([trained(plant(test)) > 0, trained(test) < 0])
    planted = plant(test[:_IMAGES])
    removed = random_halves(int(cells.max()) + 1, _MASKS, seed=derive_seed(seed, "explainers", "masks"))
    return _Case(
        trained=trained,
        untrained=untrained,
        seen=float(right.double().mean()),
        planted=planted,
        patch=patch,
        cells=cells,
        removed=removed,
        drops=score_drops(trained, planted, torch.zeros_like(planted[0]), cells, removed),
    )


def _initial(inputs: int, random: torch.Generator, device: torch.device) -> _Critic:
    """Weights and biases uniform within 1 / √inputs of their layer."""
    sizes = (inputs, *_WIDTHS, 1)
    layers = []
    for i, o in pairwise(sizes):
        reach = i**-0.5
        w, b = (torch.empty(*s).uniform_(-reach, reach, generator=random) for s in ((o, i), (o,)))
        layers.append((w.to(device), b.to(device)))
    return _Critic(tuple(layers))
