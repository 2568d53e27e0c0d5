"""Precision, recall, density, coverage: fidelity and variety apart, by nearest neighbours."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import feature_pair
from genbench.metrics.neighbours import Nearest, nearest_others, pairs_within

PRECISION = Column(
    "prdc.precision", "", Better.HIGHER, low=0.0, high=1.0, meaning="share of fake points in some real ball"
)
RECALL = Column(
    "prdc.recall", "", Better.HIGHER, low=0.0, high=1.0, meaning="share of real points in some fake ball"
)
DENSITY = Column(
    "prdc.density", "", Better.HIGHER, low=0.0, meaning="real balls around a fake point, per k; 1 is expected"
)
COVERAGE = Column(
    "prdc.coverage", "", Better.HIGHER, low=0.0, high=1.0, meaning="share of real balls with a fake point"
)


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


class Neighbourhoods(NamedTuple):
    """The numbers of ``prdc``, and the ``authenticity`` of the fake points with ``real`` for training set."""

    precision: float
    recall: float
    density: float
    coverage: float
    authenticity: float


class Balls(NamedTuple):
    """What the real side alone decides, to be computed once for many fake sets.

    Attributes:
        points: (N, D) float64.
        radii: (N,) float64, distance of each point to the k-th of the others.
        surface_weight: (N,) float64, see ``prdc`` on ties.
        k: which neighbour.
        nearest: (N,) float64, distance of each point to the first of the others.
    """

    points: Tensor
    radii: Tensor
    surface_weight: Tensor
    k: int
    nearest: Tensor


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
    others = nearest_others(points, k)
    # makes every ball's own points weigh k
    return Balls(points, others.radius, (k - others.inside) / others.surface, k, others.nearest)


def prdc(real: Tensor | Balls, fake: Tensor, *, k: int = 5) -> PRDC:
    """Compare two sets of features by balls that reach to each point's k-th neighbour in its own set.

    precision = share of fake y in any real ball; recall = share of real x in any fake ball (Kynkäänniemi
    et al. 2019, eq. 1-2); density = Σ over fake y of the real balls around it / (k M); coverage = share
    of real balls that hold a fake point (Naeem et al. 2020, eq. 3-4). A point is not its own neighbour.

    Ties. Balls are closed, so that copies and constants count as covered; the strict ``<`` of the
    papers' code gives constants 0. For density a closed ball would count k + 1 points where the
    definition wants k, so points exactly on its surface share the weight that makes the real set itself
    weigh k in every ball. Without ties this is the published number; identical sets have density 1.

    Direction: higher, all four. Range: 0 to 1, density 0 up. Expected for equal distributions: density 1,
    coverage ``expected_coverage``, precision and recall below 1 and lower in high dimension (64 Gaussian
    dimensions, 1,000 points, k = 5: 0.73), so compare only equal sizes, k and features. Known failures:
    one outlier has a large ball, which inflates precision and recall; precision ignores variety (one image
    repeated can have 1), coverage ignores fidelity of the other images; memorized images score like real
    ones.

    Args:
        real: (N, D), N > k, any floating type; or the ``balls`` of such a set, with the same k.
        fake: (M, D), M > k, any floating type.
        k: which neighbour.

    Raises:
        ValueError: shapes that do not fit, k < 1, no more than k rows, or numbers that are not finite.
    """
    return PRDC(*neighbourhoods(real, fake, k=k)[:4])


def neighbourhoods(real: Tensor | Balls, fake: Tensor, *, k: int = 5) -> Neighbourhoods:
    """``prdc`` and ``authenticity`` together, for the price of one: distances are computed once.

    The numbers are those of the two functions to the last bit; see there.

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
    order = around.radii.argsort()
    x, radii, weight, own = (each[order] for each in (x, around.radii, around.surface_weight, around.nearest))
    back = nearest_others(y, k).radius
    inside, surface = torch.zeros_like(order), torch.zeros_like(order)
    recalled = torch.zeros_like(order, dtype=torch.bool)
    precise = torch.zeros_like(back, dtype=torch.bool)
    nearest = Nearest(y)
    for near in pairs_within(x, y, nearest.distance, radii=(radii, back)):
        held = near.distance <= radii[near.point]
        within = near.distance < radii[near.point]
        inside += torch.bincount(near.point[within], minlength=len(x))
        surface += torch.bincount(near.point[held & ~within], minlength=len(x))
        precise[near.query[held]] = True
        recalled[near.point[near.distance <= back[near.query]]] = True
        closest = nearest.see(near)
        nearest.settle(closest, own[closest.point])
    return Neighbourhoods(
        precision=float(precise.double().mean()),
        recall=float(recalled.double().mean()),
        # fsum: right to the last bit, in whatever order the points come
        density=math.fsum((inside + surface * weight).tolist()) / (k * len(y)),
        coverage=float((inside + surface > 0).double().mean()),
        authenticity=float((nearest.distance > nearest.reach).double().mean()),
    )


def expected_coverage(n_real: int, n_fake: int, *, k: int = 5) -> float:
    """Coverage of a fake set that has the distribution of the real one: the value of a perfect model.

    1 - Π for i = 1..k of (N - i) / (M + N - i) (Naeem et al. 2020, lemma 2): of a real point's N - 1 + M
    companions the k nearest are any with equal chance, and the ball is empty where all are real. Exact in
    any dimension and for any continuous distribution. Towards 1 - 2^-k for large N = M.

    Args:
        n_real: N > k.
        n_fake: M.
        k: which neighbour.

    Raises:
        ValueError: k < 1, no more than k real points, or no fake point.
    """
    if not 1 <= k < n_real or n_fake < 1:
        raise ValueError(f"k {k}, n_real {n_real}, n_fake {n_fake}: 1 ≤ k < n_real and n_fake ≥ 1 are needed")
    return 1 - math.prod((n_real - i) / (n_fake + n_real - i) for i in range(1, k + 1))
