"""What of an example's latent and factors can be inferred without an encoder: a part of interpretability."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.core.record import Better, Column
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.generator import Generator
from genbench.measures.inversion import invert
from genbench.measures.posthoc_encoder import SIGMA, STEPS, PosthocEncoder, encoder_of
from genbench.measures.stamp import finite_or_dash
from genbench.metrics.information import gilbo
from genbench.metrics.probes import Split, forest_r2, ridge_r2

INVERSION = Column(
    "interpretability.inversion",
    "",
    Better.LOWER,
    low=0.0,
    meaning="squared distance of test examples to the nearest thing it can make; 1: as far as to the mean",
)
INVERSION_FEATURES = Column(
    "interpretability.inversion_features",
    "",
    Better.LOWER,
    low=0.0,
    meaning="the same distance in the extractor's features, where a blurred image is far from a sharp one",
)
LATENT_NORM = Column(
    "interpretability.latent_norm",
    "",
    Better.NEITHER,
    low=0.0,
    meaning="mean squared length of the latents found, in parts of the prior's; far from 1: outside it",
)
INFO_R2 = Column(
    "interpretability.info_r2",
    "",
    Better.HIGHER,
    high=1.0,
    meaning="held-out R² of the true factors of test images from their inferred latents, linear",
)
INFO_FOREST = Column(
    "interpretability.info_forest",
    "",
    Better.HIGHER,
    high=1.0,
    meaning="the same by a random forest, which also finds what is not linear",
)
ENCODER_R2 = Column(
    "interpretability.encoder_r2",
    "",
    Better.NEITHER,
    high=1.0,
    meaning="R² of latents inferred from the model's own samples: what of z shows in G(z)",
)
NATIVE_R2 = Column(
    "interpretability.native_r2",
    "",
    Better.HIGHER,
    high=1.0,
    meaning="as info_r2, from the model's own encoder",
)
GILBO = Column(
    "interpretability.gilbo",
    "nats",
    Better.NEITHER,
    meaning="lower bound on the information between latent and sample under noise of 0.1",
)

COLUMNS = (
    INVERSION,
    INVERSION_FEATURES,
    LATENT_NORM,
    INFO_R2,
    INFO_FOREST,
    ENCODER_R2,
    NATIVE_R2,
    GILBO,
)

_IMAGES = 200
_RESTARTS = 1
_ITERATIONS = 200
_PROBED = 1000  # for fitting, and as many for scoring
_PAIRS = 2000

_NO_GENERATOR = "Of this model only samples are known, and no generator."
_NO_CEILING = "An oracle's class jumps with its latent and idle latents show nowhere: it is no ceiling."
_NOT_FINITE = "What it makes is not finite."
_NO_FACTORS = "The true factors of this data are not known."


def readings(evidence: Evidence) -> Iterator[Reading]:
    """Eight readings of the generator; one that cannot be taken says why.

    What an encoder of a generator that knows nothing tells of factors is not 0: the row ``untrained`` shows
    it. Distances between pixels favour models trained by likelihood. Of an oracle only what its code tells
    of factors is a ceiling: its class jumps with the latent, which no gradient finds, and its idle latents
    show in no image.
    """
    reference, generator = evidence.reference, evidence.generator
    if generator is None:
        for column in COLUMNS:
            yield _reading(reference, column, None, reason=_NO_GENERATOR)
        return
    encoder = encoder_of(generator)
    yield from _information(reference, generator, encoder)
    if generator.networks is None:
        for column in (INVERSION, INVERSION_FEATURES, LATENT_NORM, ENCODER_R2, GILBO):
            yield _reading(reference, column, None, reason=_NO_CEILING)
        return
    yield from _inversion(reference, generator, encoder)
    yield from _latents(reference, generator, encoder)


def _inversion(reference: Reference, generator: Generator, encoder: PosthocEncoder) -> Iterator[Reading]:
    dataset = reference.dataset
    x = _examples(dataset).to(generator.device)
    found = invert(generator, x, encoder=encoder, restarts=_RESTARTS, steps=_ITERATIONS, seed=generator.seed)
    trivial = (x.cpu() - _mean_example(dataset)).flatten(1).double().pow(2).sum(1).mean()
    e = found.error.cpu().double() / trivial
    yield _mean(reference, INVERSION, e, _NOT_FINITE, iterations=_ITERATIONS, restarts=_RESTARTS)
    if dataset.info.is_image and bool(e.isfinite().all()):
        with torch.no_grad():
            nearest = generator.decode(found.z)
        phi_x, phi_g = (reference.extractor(_grey(images)).values.double() for images in (x, nearest))
        apart = (phi_g - phi_x).pow(2).sum(1)
        e = apart / reference.features.values.double().var(0, correction=0).sum()
        yield _mean(reference, INVERSION_FEATURES, e, _NOT_FINITE, extractor=reference.extractor.id)
    else:
        reason = _NOT_FINITE if dataset.info.is_image else "The features of points are the points themselves."
        yield _reading(reference, INVERSION_FEATURES, None, reason=reason)
    variance = 1.0 if generator.distribution == "normal" else 1 / 3
    norm = found.z.cpu().double().pow(2).mean(1) / variance
    norm = torch.where(found.error.cpu().isfinite(), norm, torch.nan)
    yield _mean(reference, LATENT_NORM, norm, _NOT_FINITE)


def _information(reference: Reference, generator: Generator, encoder: PosthocEncoder) -> Iterator[Reading]:
    dataset, rows = reference.dataset, _rows(reference.dataset)
    if dataset.factors is None:
        for column in (INFO_R2, INFO_FOREST, NATIVE_R2):
            yield _reading(reference, column, None, reason=_NO_FACTORS)
        return
    x = torch.from_numpy(dataset.test_examples)[rows].float() / 255
    y = dataset.factors.test[rows].astype(np.float64)

    def probed(code: Tensor, column: Column) -> Reading:
        c = code.cpu().double().numpy()
        if not np.isfinite(c).all():
            return _reading(reference, column, None, reason="The inferred latents are not finite.")
        half = len(c) // 2
        fit, held_out = Split(c[:half], y[:half]), Split(c[half:], y[half:])
        if column is INFO_FOREST:
            r2 = forest_r2(fit, held_out, seed=derive_seed(generator.seed, "information"))
        else:
            r2 = ridge_r2(fit, held_out)
        if np.isnan(r2).all():
            return _reading(reference, column, None, reason="No factor varies among the test examples.")
        return _reading(reference, column, float(np.nanmean(r2)), n=len(held_out.codes))

    code = encoder.mean(x)
    yield probed(code, INFO_R2)
    yield probed(code, INFO_FOREST)
    if generator.encode is None:
        yield _reading(reference, NATIVE_R2, None, reason="The model has no encoder of its own.")
        return
    with torch.no_grad():
        yield probed(generator.encode(x.to(generator.device)), NATIVE_R2)


def _latents(reference: Reference, generator: Generator, encoder: PosthocEncoder) -> Iterator[Reading]:
    z = generator.draw(_PAIRS, "inference", "pairs")
    with torch.no_grad():
        x = encoder.noisy(generator.decode(z), generator.seed, "pairs")
    known = encoder.mean(x).double()
    residual = (z - known).pow(2).sum() / (z - z.mean(0)).pow(2).sum()
    yield _reading(reference, ENCODER_R2, float(1 - residual), n=_PAIRS, reason=_NOT_FINITE, sigma=SIGMA)
    if generator.distribution == "normal":
        log_p = -(z.double().pow(2) + math.log(2 * math.pi)).sum(1) / 2
    else:
        log_p = torch.full((_PAIRS,), -generator.latent * math.log(2), dtype=torch.float64, device=z.device)
    bound = gilbo(encoder.log_density(z, x), log_p)
    yield _reading(
        reference,
        GILBO,
        bound.value,
        error=1.96 * bound.standard_error,
        n=_PAIRS,
        reason=_NOT_FINITE,
        sigma=SIGMA,
    )


def _mean(
    reference: Reference, column: Column, values: Tensor, reason: str, **protocol: str | int | float
) -> Reading:
    """The mean over examples, with the half-width of its 95 % interval."""
    n = len(values)
    error = float(1.96 * values.std() / math.sqrt(n)) if n > 1 else None
    return _reading(reference, column, float(values.mean()), error=error, n=n, reason=reason, **protocol)


def _reading(
    reference: Reference,
    column: Column,
    value: float | None,
    *,
    error: float | None = None,
    n: int = 0,
    reason: str = "",
    **protocol: str | int | float,
) -> Reading:
    """One reading, under the protocol of inference."""
    return finite_or_dash(
        reference.dataset,
        column,
        value,
        error=error,
        n=n,
        reason=reason,
        ruler=reference.extractor if column is INVERSION_FEATURES and value is not None else None,
        stamp={"reference": "test", "encoder_steps": STEPS, **protocol},
    )


@lru_cache(maxsize=4)
def _rows(dataset: Dataset) -> Tensor:
    """Test examples in the order in which they are used, the same for every model."""
    random = torch.Generator().manual_seed(derive_seed(0, "inference", "examples"))
    return torch.randperm(len(dataset.test_examples), generator=random)[: 2 * _PROBED]


@lru_cache(maxsize=4)
def _examples(dataset: Dataset) -> Tensor:
    """(N, ...) the test examples that are inverted, images in [0, 1]."""
    chosen = torch.from_numpy(dataset.test_examples)[_rows(dataset)[:_IMAGES]]
    return chosen.float() / 255 if dataset.info.is_image else chosen


@lru_cache(maxsize=4)
def _mean_example(dataset: Dataset) -> Tensor:
    """(...) the mean of the training examples, images in [0, 1]."""
    mean = dataset.train_examples.mean(0, dtype=np.float64) / (255 if dataset.info.is_image else 1)
    return torch.from_numpy(mean).float()


def _grey(images: Tensor) -> Tensor:
    """Images in [0, 1] as uint8 on the CPU."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8).cpu()
