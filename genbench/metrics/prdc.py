"""Precision, recall, density, coverage: fidelity and variety apart, by nearest neighbours."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from genbench.metrics.inputs import feature_pair

_TILE_NUMBERS = 1 << 22  # distances held at once: 32 MiB of float64, whatever N and M are


class PRDC(NamedTuple):
    """Shares of points in each other's neighbourhoods.

    Attributes:
        precision: share of fake points inside some real ball, 0 to 1.
        recall: share of real points inside some fake ball, 0 to 1.
        density: real balls that hold a fake point, per k; may exceed 1.
        coverage: share of real balls that hold a fake point, 0 to 1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: Tensor, fake: Tensor, *, k: int = 5) -> PRDC:
    """Compare two sets of features by balls that reach to each point's k-th neighbour in its own set.

    precision = share of fake y in any real ball; recall = share of real x in any fake ball (Kynkäänniemi
    et al. 2019, eq. 1-2); density = Σ over fake y of the real balls around it / (k M); coverage = share
    of real balls that hold a fake point (Naeem et al. 2020, eq. 3-4). A point is not its own neighbour.

    Ties. Balls are closed, so that copies and constants count as covered; the strict ``<`` of the
    papers' code gives constants 0. For density a closed ball would count k + 1 points where the
    definition wants k, so points exactly on its surface share the weight that makes the real set itself
    weigh k in every ball. Without ties this is the published number; identical sets have density 1.

    Direction: higher, all four. Expected for equal distributions: density 1, coverage near 1 - 2^-k for
    N = M, precision and recall below 1 and lower in high dimension (64 Gaussian dimensions, 1,000
    points, k = 5: 0.73), so compare only equal sizes, k and features. Known failures: one outlier has a
    large ball, which inflates precision and recall; precision ignores variety (one image repeated can
    have 1), coverage ignores fidelity of the other images; memorized images score like real ones.

    Args:
        real: (N, D), N > k, any floating type.
        fake: (M, D), M > k, any floating type.
        k: which neighbour.

    Raises:
        ValueError: shapes that do not fit, k < 1, no more than k rows, or numbers that are not finite.
    """
    if k < 1:
        raise ValueError(f"k is {k}; the nearest neighbour is k = 1")
    x, y = feature_pair(real, fake, at_least=k + 1)
    real_radius, surface_weight = _balls(x, k)
    fake_radius, _ = _balls(y, k)

    fake_inside = torch.zeros(len(y), dtype=torch.bool, device=y.device)
    real_inside = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    holds_fake = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    weight = 0.0
    start = 0
    for tile in torch.split(x, _rows(len(y))):
        rows = slice(start, start + len(tile))
        start += len(tile)
        distance = _distances(tile, y)  # (rows, M)
        radius = real_radius[rows, None]
        within = distance <= radius
        surface = (distance == radius).sum(1)
        weight += float((within.sum(1) - surface + surface * surface_weight[rows]).sum())
        holds_fake[rows] = within.any(1)
        fake_inside |= within.any(0)
        real_inside[rows] = (distance <= fake_radius).any(1)
    return PRDC(
        precision=float(fake_inside.double().mean()),
        recall=float(real_inside.double().mean()),
        density=weight / (k * len(y)),
        coverage=float(holds_fake.double().mean()),
    )


def _balls(points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Distance (N,) to the k-th other point, and the weight (N,) of a point exactly that far away."""
    radii, weights = [], []
    for tile in torch.split(points, _rows(len(points))):
        distance = _distances(tile, points)
        # the point itself is at distance 0, so the (k + 1)-th smallest is the k-th of the others
        radius = distance.kthvalue(k + 1, dim=1).values[:, None]
        inside = (distance < radius).sum(1)
        surface = (distance == radius).sum(1)
        radii.append(radius[:, 0])
        weights.append((k - inside).double() / surface)
    return torch.cat(radii), torch.cat(weights)


def _rows(columns: int) -> int:
    return max(1, _TILE_NUMBERS // columns)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    # Differences first, never |a|² + |b|² - 2 a·b: equal rows are then exactly 0 apart, and a pair has the
    # same distance to the last bit wherever it is computed. The closed balls depend on both.
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
