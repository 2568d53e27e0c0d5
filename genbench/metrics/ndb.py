"""Number of statistically different bins: a histogram of generated samples against one of real ones."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import feature_pair

NDB_DIFFERENT = Column(
    "ndb.different",
    "bins",
    Better.LOWER,
    low=0.0,
    meaning="bins whose share of samples is not that of real ones",
)
NDB_JENSEN_SHANNON = Column(
    "ndb.jensen_shannon",
    "nats",
    Better.LOWER,
    low=0.0,
    high=math.log(2),
    meaning="divergence of both histograms over the bins",
)

Correction = Literal["none", "bonferroni"]


class NDB(NamedTuple):
    """How two histograms over the same bins differ.

    Attributes:
        different: bins whose shares differ significantly.
        jensen_shannon: divergence of the two histograms, in nats: 0 to ln 2.
    """

    different: int
    jensen_shannon: float


def ndb(
    train: Tensor,
    fake: Tensor,
    *,
    bins: int = 100,
    alpha: float = 0.05,
    correction: Correction = "none",
    seed: int,
) -> NDB:
    """Cut the space into bins by k-means of the training set, and test each bin's share.

    With shares p₁ of N training rows and p₂ of M fake ones in a bin and p of both together: different
    where z = (p₁ - p₂) / √(p (1 - p) (1/N + 1/M)) has a two-sided normal p-value < alpha (Richardson and
    Weiss 2018, section 3). JS = H((P + Q) / 2) - (H(P) + H(Q)) / 2, with H in nats. k-means is
    scikit-learn's: Lloyd from one k-means++ start (n_init = 1), on one thread, so that it has the same
    bits everywhere on a machine.

    Direction: both lower. Range: 0 to ``bins``; 0 to ln 2. Bias: upward, by chance alone
    ``expected_ndb``: alpha · bins uncorrected, as published, which is 5 of 100 bins that differ by nothing.
    With ``"bonferroni"`` each bin is tested at alpha / bins, and any bin at all differs with a chance of
    about alpha at most. Known failures: it counts bins, not by how much they differ, and with more samples
    more of them do; within a bin all is alike; bins in pixel space follow brightness; copies of the
    training set are perfect.

    Args:
        train: (N, D), N ≥ bins and as many rows that differ, any floating type.
        fake: (M, D), any floating type; M may differ from N.
        bins: how many.
        alpha: level of the test of one bin, or of all of them with a correction.
        correction: ``"none"``, or ``"bonferroni"`` for as many tests as bins.
        seed: of k-means.

    Raises:
        ValueError: shapes that do not fit, fewer different rows than bins, numbers that are not finite, or
            settings out of range.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    level = _level(bins, alpha, correction)
    x, y = feature_pair(train, fake, at_least=1, names=("train", "fake"))
    different = len(torch.unique(x, dim=0))
    if different < bins:
        raise ValueError(f"train has {different} different rows, too few for {bins} bins; take fewer bins")
    with threadpool_limits(limits=1):  # threads add up a centre in the order in which they end
        means = KMeans(bins, n_init=1, random_state=seed).fit(x.cpu().numpy())
        both = [torch.from_numpy(labels).long() for labels in (means.labels_, means.predict(y.cpu().numpy()))]
    first, second = (torch.bincount(labels, minlength=bins).double() for labels in both)
    p, q = first / len(x), second / len(y)
    pooled = (first + second) / (len(x) + len(y))
    error = (pooled * (1 - pooled) * (1 / len(x) + 1 / len(y))).sqrt()
    z = (p - q).abs() / error  # NaN for one bin that holds everything: not different below
    middle = torch.special.entr((p + q) / 2) - (torch.special.entr(p) + torch.special.entr(q)) / 2
    return NDB(
        different=int((torch.special.erfc(z / math.sqrt(2)) < level).sum()),
        jensen_shannon=min(math.log(2), max(0.0, float(middle.sum()))),
    )


class ExpectedNDB(NamedTuple):
    """What ``NDB`` is on average where both sets have one distribution; its fields, all as floats."""

    different: float
    jensen_shannon: float


def expected_ndb(
    bins: int, alpha: float, n_train: int, n_fake: int, correction: Correction = "none"
) -> ExpectedNDB:
    """What ``ndb`` gives for equal distributions: its floor.

    different = alpha · bins, or alpha with ``"bonferroni"``; JS = (bins - 1) / 8 · (1/N + 1/M), to second
    order. Valid where a bin expects some ten samples of each set. Both are what histograms over fixed bins
    have, and a little more than bins fitted to the training set give, since those follow its own chance:
    with N = M about as stated, with M = 5 N half of ``different`` and three quarters of JS.

    Args:
        bins: how many.
        alpha: level of the tests.
        n_train: N.
        n_fake: M.
        correction: as of ``ndb``.

    Raises:
        ValueError: settings out of range.
    """
    if min(n_train, n_fake) < 1:
        raise ValueError(f"n_train is {n_train} and n_fake {n_fake}; both are at least 1")
    level = _level(bins, alpha, correction)
    return ExpectedNDB(level * bins, (bins - 1) / 8 * (1 / n_train + 1 / n_fake))


def _level(bins: int, alpha: float, correction: Correction) -> float:
    """At which one bin is tested."""
    if bins < 1 or not 0 < alpha < 1:
        raise ValueError(f"bins is {bins} and alpha {alpha}; they must be at least 1, and between 0 and 1")
    if correction not in ("none", "bonferroni"):
        raise ValueError(f'correction is {correction!r}; there are "none" and "bonferroni"')
    return alpha if correction == "none" else alpha / bins
