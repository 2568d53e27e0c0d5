"""Precision, recall, density, coverage: fidelity and variety apart, by nearest neighbours."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from genbench.metrics.inputs import feature_pair

_TILE = 1 << 22
"""Distances held at once, whatever N and M are: 32 MiB of float64."""


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


class Balls(NamedTuple):
    """What the real side alone decides, to be computed once for many fake sets.

    Attributes:
        points: (N, D) float64.
        radii: (N,) float64, distance of each point to the k-th of the others.
        surface_weight: (N,) float64, see ``prdc`` on ties.
        k: which neighbour.
    """

    points: Tensor
    radii: Tensor
    surface_weight: Tensor
    k: int


def balls(real: Tensor, *, k: int = 5) -> Balls:
    """The balls that ``prdc`` puts around real points, for use in its place of ``real``.

    Args:
        real: (N, D), N > k, any floating type.
        k: which neighbour.

    Raises:
        ValueError: no matrix, k < 1, no more than k rows, or numbers that are not finite.
    """
    if k < 1:
        raise ValueError(f"k is {k}; the nearest neighbour is k = 1")
    points, _ = feature_pair(real, real, at_least=k + 1)
    radii = _radii(points, k)
    own = _occupy(points, radii, points)
    # makes every ball's own points weigh k
    return Balls(points, radii, (k - own.inside) / own.surface, k)


def prdc(real: Tensor | Balls, fake: Tensor, *, k: int = 5) -> PRDC:
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
        real: (N, D), N > k, any floating type; or the ``balls`` of such a set, with the same k.
        fake: (M, D), M > k, any floating type.
        k: which neighbour.

    Raises:
        ValueError: shapes that do not fit, k < 1, no more than k rows, or numbers that are not finite.
    """
    around = real if isinstance(real, Balls) else balls(real, k=k)
    if around.k != k:
        raise ValueError(f"the balls reach to neighbour {around.k}, and k is {k}")
    x, y = feature_pair(around.points, fake, at_least=k + 1)
    cross = _occupy(x, around.radii, y)
    back = _occupy(y, _radii(y, k), x)
    return PRDC(
        precision=float(cross.touched.double().mean()),
        recall=float(back.touched.double().mean()),
        density=float((cross.inside + cross.surface * around.surface_weight).sum()) / (k * len(y)),
        coverage=float((cross.inside + cross.surface > 0).double().mean()),
    )


class _Occupancy(NamedTuple):
    inside: Tensor  # (N,) float64: points strictly inside each ball
    surface: Tensor  # (N,) float64: points exactly on it
    touched: Tensor  # (M,) bool: points inside or on some ball


# Two distances decide everything, and a tie must come out as a tie. Differences of coordinates give equal
# rows a distance of exactly 0 and a pair the same bits wherever it is computed, but cost ten times a
# matrix product. So |a|² + |b|² - 2 a·b screens, and what it leaves open within rounding is computed exactly.


def _radii(points: Tensor, k: int) -> Tensor:
    """Exact distance (N,) of each point to the k-th of the others."""
    radii = []
    slack = _slack(points, points)
    for tile in torch.split(points, _rows(len(points))):
        square = _square_less(tile, torch.zeros_like(tile[:, 0]), points)
        # the point itself is one of them, at distance 0: the k-th other is the (k + 1)-th
        limit = square.topk(k + 1, dim=1, largest=False).values[:, -1:]
        candidates = square <= limit + 2 * slack
        distance = torch.full_like(square, torch.inf)
        distance[candidates] = _exact(tile, points, candidates)
        radii.append(distance.topk(k + 1, dim=1, largest=False).values[:, -1])
    return torch.cat(radii)


def _occupy(centres: Tensor, radii: Tensor, points: Tensor) -> _Occupancy:
    """Which ``points`` (M, D) lie in the closed balls around ``centres`` (N, D)."""
    inside, surface = [], []
    touched = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    slack = _slack(centres, points)
    rows = _rows(len(points))
    for tile, radius in zip(torch.split(centres, rows), torch.split(radii, rows), strict=True):
        excess = _square_less(tile, radius, points)
        within = excess <= 0
        count = within.sum(1)
        ties = torch.zeros_like(count)
        unsure = excess.abs_() <= slack
        if unsure.any():
            exact = _exact(tile, points, unsure)
            limit = radius[unsure.nonzero()[:, 0]]
            within[unsure] = exact <= limit
            unsure[unsure.clone()] = exact == limit
            count, ties = within.sum(1), unsure.sum(1)
        touched |= within.any(0)
        inside.append((count - ties).double())
        surface.append(ties.double())
    return _Occupancy(torch.cat(inside), torch.cat(surface), touched)


def _square_less(a: Tensor, radius: Tensor, b: Tensor) -> Tensor:
    """Squared distances (rows of a, rows of b) less each row's squared radius, but for rounding."""
    left = torch.cat([-2 * a, (a.square().sum(1) - radius.square())[:, None], torch.ones_like(a[:, :1])], 1)
    right = torch.cat([b, torch.ones_like(b[:, :1]), b.square().sum(1)[:, None]], 1)
    return left @ right.T


def _slack(a: Tensor, b: Tensor) -> float:
    """Bound of the error of ``_square_less``: that of sums of D + 2 terms, with a margin of four."""
    largest = max(float(a.square().sum(1).max()), float(b.square().sum(1).max()))
    return 16 * (a.shape[1] + 8) * torch.finfo(a.dtype).eps * largest


def _exact(a: Tensor, b: Tensor, chosen: Tensor) -> Tensor:
    """Distances of the chosen pairs (rows of a, rows of b), in row-major order."""
    mode = "donot_use_mm_for_euclid_dist"
    pairs = chosen.nonzero()
    if len(pairs) * a.shape[1] > _TILE:  # as many that to gather them costs more than to do all
        return torch.cdist(a, b, compute_mode=mode)[chosen]
    return torch.cdist(a[pairs[:, 0], None], b[pairs[:, 1], None], compute_mode=mode).flatten()


def _rows(columns: int) -> int:
    return max(1, _TILE // columns)
