"""The Dirac-GAN: what a model's losses and optimizers do in the smallest game there is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.func import jacrev

from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reading
from genbench.measures.game import DiracGame, NoGameError
from genbench.metrics.games import (
    alternating_rate,
    dirac_eigenvalues,
    eigenvalues,
    measured_rate,
    simultaneous_rate,
)

ROUNDS = 2000
"""Rounds played: the radius is the median over the last fifth of them."""

STARTS = 8
"""Starting points at distance sqrt 2, evenly around the equilibrium."""

_NEAR = 1e-9  # a start so near that all the rounds of a fit stay where the field is linear
_LINEAR = 1e-3


def _column(name: str, meaning: str, low: float | None = None) -> Column:
    return Column(f"dirac.{name}", "", Better.NEITHER, meaning=meaning, low=low)


PREDICTED_REAL = _column(
    "predicted_real", "real part of the eigenvalue that the slopes of the losses predict"
)
PREDICTED_IMAGINARY = _column("predicted_imaginary", "its imaginary part", 0.0)
MEASURED_REAL = _column("measured_real", "real part of the eigenvalue of the field at the equilibrium")
MEASURED_IMAGINARY = _column("measured_imaginary", "its imaginary part", 0.0)
_RATE = "ln of a small radius' growth in 1,000 rounds"
RATE_PREDICTED = (
    _column("rate_simultaneous_predicted", f"{_RATE}, simultaneous, by formula"),
    _column("rate_alternating_predicted", f"{_RATE}, in turn, by formula"),
)
RATE = (
    _column("rate_simultaneous", f"{_RATE}, simultaneous, played"),
    _column("rate_alternating", f"{_RATE}, in turn, played"),
)
RADIUS = (
    _column(
        "radius_simultaneous", f"radius after {ROUNDS:,} rounds over that at the start, simultaneous", 0.0
    ),
    _column("radius_alternating", f"radius after {ROUNDS:,} rounds over that at the start, in turn", 0.0),
)

_NOT_SGD = "no formula: only plain SGD has one here"
_NO_RATE = "no rate: this optimizer's steps do not shrink with the gradient; see the radius"
_NO_FIT = "the radius leaves the range where the field is linear within a few rounds"
_OVERFLOW = "the radius is not finite any more"


@measures.register("dirac")
@dataclass(frozen=True)
class DiracGAN:
    """A cohort's losses, optimizers, number of updates and clipping on the Dirac-GAN.

    Nothing trained is used and nothing is random, so that there is one reading for all seeds.
    """

    columns: ClassVar[tuple[Column, ...]] = (
        PREDICTED_REAL,
        PREDICTED_IMAGINARY,
        MEASURED_REAL,
        MEASURED_IMAGINARY,
        *RATE_PREDICTED,
        *RATE,
        *RADIUS,
    )
    per_cohort: ClassVar[bool] = True

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """A reading a column."""
        if evidence.dirac is None:
            return
        try:
            game = evidence.dirac()
        except NoGameError as why:
            yield from (_reading(column, None, str(why)) for column in self.columns)
            return
        predicted = dirac_eigenvalues(game.generator_slope, game.judge_slope)
        yield _reading(PREDICTED_REAL, predicted.real)
        yield _reading(PREDICTED_IMAGINARY, predicted.imag)
        measured = _leading(jacrev(game.field)(torch.zeros(2, dtype=torch.float64)))
        yield _reading(MEASURED_REAL, measured.real)
        yield _reading(MEASURED_IMAGINARY, abs(measured.imag))
        for column, rate in zip(RATE_PREDICTED, (simultaneous_rate, alternating_rate), strict=True):
            yield _reading(column, None if game.turn is None else 1000 * rate(game.turn), _NOT_SGD)
        yield from _played(game)


def _played(game: DiracGame) -> Iterator[Reading]:
    angles = 2 * math.pi * torch.arange(STARTS, dtype=torch.float64) / STARTS
    around = math.sqrt(2) * torch.stack((angles.cos(), angles.sin()), 1)
    near = torch.tensor([[_NEAR, 0.0]], dtype=torch.float64)
    paths = game.play(torch.cat((near, around)), ROUNDS)
    for column, path in zip(RATE, paths, strict=True):
        rate = 1000 * measured_rate(path[:, 0], _LINEAR) if game.linear else math.nan
        yield _reading(column, rate, _NO_FIT if game.linear else _NO_RATE)
    for column, path in zip(RADIUS, paths, strict=True):
        last = path[-ROUNDS // 5 :, 1:] / path[0, 1:]
        yield _reading(column, float(last.median()), _OVERFLOW, n=STARTS)


def _leading(jacobian: Tensor) -> complex:
    """Of both eigenvalues the one nearer to instability: the largest real, then imaginary part."""
    return max((complex(x) for x in eigenvalues(jacobian).tolist()), key=lambda x: (x.real, x.imag))


def _reading(column: Column, value: float | None, reason: str = "", n: int = 1) -> Reading:
    finite = value is not None and math.isfinite(value)
    return Reading(
        column,
        value if finite else None,
        n=n,
        reason="" if finite else reason or _OVERFLOW,
        versions={"metric": column.version},
        protocol={"rounds": ROUNDS, "starts": STARTS},
    )
