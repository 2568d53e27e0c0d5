"""Memorization: generated points that are nearer to the training set than it is to itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import feature_pair
from genbench.metrics.neighbours import Nearest, Pairs, nearest_others, pairs_within

AUTHENTICITY = Column(
    "authenticity",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="share of generated points farther from the training point next to them than its nearest other",
)
MEMORIZATION_DISTANCE = Column(
    "memorization_distance",
    "",
    Better.NEITHER,
    low=0.0,
    high=1.0,
    meaning="mean cosine distance of a generated point to the nearest training point; 0 is a copy",
)

_WAITING = 1 << 20  # pairs kept before their training points are looked at: 24 MiB


def authenticity(train: Tensor, fake: Tensor) -> float:
    """Share of generated points that are no closer copy of a training point than its own neighbours are.

    With t(g) the training point nearest to g: the share of g with ‖g - t(g)‖ > ‖t(g) - t'‖, t' being the
    training point nearest to t(g) other than itself (Alaa et al. 2022, section 3.3, whose code looks up
    t(g) by the wrong index; AuthPct of Jiralerspong et al. 2023, as a share).

    Ties. The comparison is strict: g as far from t(g) as t' is, is not authentic. Where several training
    points are equally near to g it has to be farther from them than each is from its nearest other. An
    exact copy of a training point is never authentic.

    Direction: neither. Much below ``expected_authenticity`` is memorization; above it lies what is far
    from all training points, good or bad. Range: 0 to 1. Bias: fresh samples of the true distribution are
    authentic neither always nor half of the time, see ``expected_authenticity``, and a held-out set gives
    the number to compare with. Known failures: noise far from all data has 1; of a training image that is
    itself there twice, every near copy is authentic, for its nearest other is at distance 0; features that
    ignore what makes two images differ call them copies.

    Args:
        train: (N, D), N ≥ 2, any floating type: what the model was trained on.
        fake: (M, D), any floating type.

    Raises:
        ValueError: shapes that do not fit, too few rows, or numbers that are not finite.
    """
    x, y = feature_pair(train, fake, at_least=1, names=("train", "fake"))
    if len(x) < 2:
        raise ValueError("train has 1 rows; this metric needs at least 2")
    own = torch.full_like(x[:, 0], torch.nan)  # of the points that were looked at
    nearest = Nearest(y)

    def settle(waiting: list[Pairs]) -> None:
        closest = nearest.still_nearest(Pairs(*map(torch.cat, zip(*waiting, strict=True))))
        seen = torch.unique(closest.point)
        new = seen[own[seen].isnan()]
        if len(new):
            own[new] = nearest_others(x, 1, at=new).nearest
        nearest.settle(closest, own[closest.point])

    waiting: list[Pairs] = []
    for near in pairs_within(x, y, nearest.distance):
        waiting.append(nearest.see(near))
        if sum(len(pairs.point) for pairs in waiting) > _WAITING:  # only where nearly all are equally near
            settle(waiting)
            waiting = []
    if waiting:
        settle(waiting)
    return float((nearest.distance > nearest.reach).double().mean())


def expected_authenticity(dimension: int) -> float:
    """Authenticity of fresh samples of the true distribution: what nothing memorized looks like.

    1 - 1 / (2 - I(3/4; (d + 1)/2, 1/2)), I the regularized incomplete beta function: the chance that a
    fresh point and the training point next to it are not each other's nearest neighbours. They are where
    the union of the balls around both, of radius r at distance r, is otherwise empty, and that is 2 - I
    times one ball (Clark and Evans 1955). 1/3, 0.378, 0.407 for d = 1, 2, 3, and towards 1/2.

    Exact for large N and a density that is uniform near each point; ``dimension`` is that of the data,
    not of the features it lies in. In high dimension it is too low, for there a few hubs are next to many
    points: Gaussian data has 0.62 at d = 10 and 0.82 at d = 64 (simulated, N = M = 1,000). There measure a
    held-out set in its place.

    Args:
        dimension: at least 1.

    Raises:
        ValueError: a dimension below 1.
    """
    from scipy.special import betainc

    if dimension < 1:
        raise ValueError(f"dimension is {dimension}; it is at least 1")
    return 1 - 1 / (2 - float(betainc((dimension + 1) / 2, 0.5, 0.75)))


def memorization_distance(train: Tensor, fake: Tensor) -> float:
    """Mean over the generated points of the smallest cosine distance to a training point.

    mean over g of the least 1 - |g·t| / (‖g‖ ‖t‖) over training points t: the factor by which the MIFID
    punishes copies (Kaggle's Generative Dog Images, 2019; Bai et al. 2021). MIFID = FID / distance where
    this distance is below a threshold, there 0.1 of Inception's features, and the plain FID above; the
    threshold belongs to the features, and below it the MIFID is FID / max(distance, 1e-15).

    Why not ``torchmetrics.image.MemorizationInformedFrechetInceptionDistance``: it averages over the
    training points. A generator that replays ten training images is then far from all the others, and
    its copies go unseen; here it has 0.

    Direction: neither: 0 is a set of copies, and far from the training set is no virtue. Range: 0 to 1.
    Bias: downward with N, for the nearest of more is nearer. What true samples are expected to have
    depends on the data: compare with a held-out set, at equal N. Known failures: it sees directions only,
    so a dimmed copy is a copy; the mean hides a small share of copies, which ``authenticity`` does not.

    Computed as half the squared distance of unit vectors, of t or -t: a copy has 0, not rounding.

    Args:
        train: (N, D), any floating type: what the model was trained on.
        fake: (M, D), any floating type.

    Raises:
        ValueError: shapes that do not fit, no rows, rows of zeros, which have no direction, or numbers
            that are not finite.
    """
    x, y = feature_pair(train, fake, at_least=1, names=("train", "fake"))
    x, y = _directions(x, "train"), _directions(y, "fake")
    nearest = Nearest(y)
    for side in (x, -x):
        for near in pairs_within(side, y, nearest.distance):
            nearest.see(near)
    # fsum: right to the last bit, in whatever order the points come
    return math.fsum((nearest.distance.square() / 2).tolist()) / len(y)


def _directions(points: Tensor, name: str) -> Tensor:
    largest = points.abs().amax(1, keepdim=True)
    zero = (largest[:, 0] == 0).nonzero()[:, 0].tolist()
    if zero:
        more = f" and {len(zero) - 5} more" if len(zero) > 5 else ""
        raise ValueError(
            f"{name} is all zeros in {len(zero)} of {len(points)} rows: "
            f"{', '.join(map(str, zero[:5]))}{more}. "
            "They have no direction, and no angle to other rows; leave them out"
        )
    points = points / largest  # so that no square is lost to underflow
    return points / points.square().sum(1, keepdim=True).sqrt()
