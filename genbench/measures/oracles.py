"""Generators whose every property is known: what a measure must say of them is known too."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.core.record import ORACLES
from genbench.data.dataset import Dataset, Factors
from genbench.measures.generator import Generator
from genbench.measures.trace import Trace


def oracle(name: str, dataset: Dataset, latent: int, seed: int, device: torch.device) -> Generator:
    """A generator that renders the data's own factors, perfect or with one defect.

    Of the latent z ~ N(0, I), z_j moves factor j = 0 ... F - 1 through its range by the normal distribution
    function, z_F chooses among the classes that occur in training, by quantiles of equal probability, and
    further latents do nothing. The class is piecewise constant in z: its derivative is 0.

    Args:
        name: "oracle", this generator; "oracle-pair", (z_0, z_1) is turned by 45 degrees first;
            "oracle-rotated", the F latents of the factors are turned by a rotation drawn uniformly;
            "oracle-drop", factor ``seed % F`` stays in the middle of its range; "oracle-constant", every
            factor does, and the class is the first: one image.
        dataset: with known factors.
        latent: size of z, at least F + 1.
        seed: of the rotation and the dropped factor, and of the streams of latents.
        device: where it computes.

    Raises:
        ValueError: no such oracle, data without factors, too small a latent, or one factor where two are to
            be mixed.
    """
    if name not in ORACLES:
        raise ValueError(f"no oracle {name!r}: there are {', '.join(ORACLES)}")
    factors = _factors(dataset)
    count = len(factors.names)
    _require(latent, count + 1, f"{count} factors and the class")
    drawer = _drawer(dataset, device)
    if name == "oracle-constant":
        return _constant(drawer, latent, seed, device, count)
    turn = _turn(name, count, seed).to(device)
    dropped = seed % count if name == "oracle-drop" else None

    def decode(z: Tensor) -> Tensor:
        normal = z[:, :count] @ turn.to(z.dtype)
        if dropped is not None:
            kept = torch.arange(count, device=z.device) != dropped
            normal = normal * kept  # in the middle: the median of the latent
        return drawer(normal, z[:, count])

    return Generator(latent, "normal", seed, device, decode)


def duplicate(dataset: Dataset, latent: int, seed: int, device: torch.device) -> Generator:
    """An oracle in which two latents drive factor 0: z_0 and z_{F+1}, by (z_0 + z_{F+1}) / sqrt 2.

    Raises:
        ValueError: data without factors, or a latent smaller than F + 2.
    """
    count = len(_factors(dataset).names)
    _require(latent, count + 2, f"{count} factors, the class and the duplicate")
    drawer = _drawer(dataset, device)

    def decode(z: Tensor) -> Tensor:
        both = (z[:, :1] + z[:, count + 1 : count + 2]) / math.sqrt(2)
        return drawer(torch.cat([both, z[:, 1:count]], 1), z[:, count])

    return Generator(latent, "normal", seed, device, decode)


def linear_generator(A: Tensor, seed: int = 0) -> Generator:
    """G(z) = A z, points (N, D) of a matrix A (D, d), on its device."""
    return Generator(A.shape[1], "normal", seed, A.device, lambda z: z @ A.T.to(z.dtype))


def memorizing_generator(dataset: Dataset, latent: int, seed: int, device: torch.device) -> Generator:
    """Every sample is a training example: the one whose own latent, drawn from N(0, I), is nearest to z.

    Its derivative is 0 wherever it exists.
    """
    random = torch.Generator().manual_seed(derive_seed(seed, "memorizing generator"))
    places = torch.randn(len(dataset.train_examples), latent, generator=random).to(device)
    stored = torch.from_numpy(dataset.train_examples).to(device)

    def decode(z: Tensor) -> Tensor:
        # the nearest without |z|^2, which is the same for all
        nearness = z.detach() @ places.T.to(z.dtype) - places.to(z.dtype).square().sum(1) / 2
        chosen = stored[nearness.argmax(1)].to(z.dtype)
        return _though_constant(chosen / 255 if dataset.info.is_image else chosen, z)

    return Generator(latent, "normal", seed, device, decode)


def cycling_trace(
    dataset: Dataset, *, snapshots: int = 20, samples: int = 50, spacing: int = 100, seed: int = 0
) -> Trace:
    """A trace of a generator that makes one class at a time: the next at every snapshot, then round again.

    The factors of a sample stay. The parameters move by 1 between snapshots and end where the late half
    began; all gradients have norm 1.

    Raises:
        ValueError: data without factors.
    """
    factors = _factors(dataset)
    classes = _occurring(dataset)
    random = np.random.default_rng(derive_seed(seed, "cycling trace"))
    count = len(factors.names)
    values = factors.low + random.random((samples, count)) * (factors.high - factors.low)
    kept = torch.from_numpy(values).float()
    made = [
        factors.render(classes[snapshot % len(classes)].expand(samples), kept)
        for snapshot in range(snapshots)
    ]
    moved = torch.ones(snapshots, dtype=torch.float64)
    moved[0] = 0
    return Trace(
        steps=tuple(range(0, snapshots * spacing, spacing)),
        spacing=spacing,
        samples=(torch.stack(made) * 255).round().to(torch.uint8),
        moved=moved,
        displaced=0.0,
        middle=snapshots // 2,
        gradient_norms={"generator": torch.ones((snapshots - 1) * spacing)},
        player="generator",
    )


def _factors(dataset: Dataset) -> Factors:
    if dataset.factors is None:
        raise ValueError(f"the factors of {dataset.info.name} are not known, and an oracle renders them")
    return dataset.factors


def _require(latent: int, least: int, what: str) -> None:
    if latent < least:
        raise ValueError(f"a latent of size {latent} cannot hold {what}: {least} are needed")


def _occurring(dataset: Dataset) -> Tensor:
    return torch.from_numpy(np.unique(dataset.train_labels))


def _drawer(dataset: Dataset, device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """Normal numbers for the factors (N, F) and one for the class (N,) to images."""
    factors = _factors(dataset)
    classes = _occurring(dataset).to(device)
    low, high = (torch.from_numpy(end).to(device) for end in (factors.low, factors.high))

    def draw(normal: Tensor, chooser: Tensor) -> Tensor:
        share = torch.special.ndtr(normal)
        values = low.to(share.dtype) + share * (high - low).to(share.dtype)
        quantile = torch.special.ndtr(chooser.detach()) * len(classes)
        chosen = classes[quantile.long().clamp(0, len(classes) - 1)]
        images: Tensor = factors.render(chosen, values)
        return images

    return draw


def _turn(name: str, count: int, seed: int) -> Tensor:
    """An orthogonal matrix (F, F) float64 that latents are multiplied by from the right."""
    turn = torch.eye(count, dtype=torch.float64)
    if name == "oracle-pair":
        _require(count, 2, "two factors to be mixed")
        turn[:2, :2] = torch.tensor([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
    elif name == "oracle-rotated":
        random = torch.Generator().manual_seed(derive_seed(seed, "oracle", "rotation"))
        q, r = torch.linalg.qr(torch.randn(count, count, dtype=torch.float64, generator=random))
        turn = q * r.diagonal().sign()  # without the signs it is not uniform (Mezzadri 2007)
        turn[:, 0] *= torch.linalg.det(turn).sign()  # a rotation, no reflection
    return turn


def _constant(
    drawer: Callable[[Tensor, Tensor], Tensor], latent: int, seed: int, device: torch.device, count: int
) -> Generator:
    middle, first = torch.zeros(1, count, device=device), torch.full((1,), -math.inf, device=device)
    image = drawer(middle, first)
    return Generator(
        latent,
        "normal",
        seed,
        device,
        lambda z: _though_constant(image.to(z.dtype).expand(len(z), *image.shape[1:]), z),
    )


def _though_constant(made: Tensor, z: Tensor) -> Tensor:
    """``made``, with a derivative of 0 in z: automatic differentiation fails where z does not occur."""
    return made + 0 * z.sum(1).view(-1, *[1] * (made.ndim - 1))
