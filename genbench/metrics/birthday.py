"""Birthday test: the size of a distribution's support, from how often two samples are alike."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import matrix

BIRTHDAY_DUPLICATES = Column(
    "birthday_support.duplicates", "pairs", Better.LOWER, low=0.0, meaning="pairs of samples that are alike"
)
BIRTHDAY_SUPPORT = Column(
    "birthday_support.support",
    "",
    Better.HIGHER,
    low=1.0,
    meaning="effective number of different samples there are; infinite if no two are alike",
)
BIRTHDAY_AT_LEAST = Column(
    "birthday_support.at_least",
    "",
    Better.HIGHER,
    low=0.0,
    meaning="lower end of the one-sided 95 % interval of the support",
)
BIRTHDAY_BATCH = Column(
    "birthday_support.batch",
    "samples",
    Better.HIGHER,
    low=1.0,
    meaning="samples among which two are alike with a chance of one half",
)

_TILE = 1024  # rows of a tile: 1024 x 1024 float64 are 8 MiB


class BirthdaySupport(NamedTuple):
    """How many different samples a generator seems to have.

    Attributes:
        duplicates: pairs of samples that are alike.
        support: 1 / share of pairs that are alike; infinite where none is.
        at_least: lower end of the one-sided 95 % interval of ``support``, always finite.
        batch: samples among which two are alike with a chance of one half; infinite as ``support``.
    """

    duplicates: int
    support: float
    at_least: float
    batch: float


def birthday_support(samples: Tensor, *, threshold: float) -> BirthdaySupport:
    """Count pairs of samples at most ``threshold`` apart among all N (N - 1) / 2.

    support = 1 / (share of pairs that are alike), for the uniform distribution on S points S, for any
    other 1 / Σ p²; batch s solves 1 - exp(-s (s - 1) / 2·support) = ½, so that support ≈ s² / (2 ln 2), the
    estimate of Arora and Zhang 2017 (section 2). They draw batches until half of them show a duplicate and
    let a person judge; here all pairs of one set are taken: the share of pairs is an unbiased estimate of
    Σ p² (a U-statistic), uses each sample N - 1 times, and needs no trials and no seed. The interval takes
    the number of pairs as Poisson, which holds while they are rare: none found is at least pairs / 3.

    Direction: ``duplicates`` lower, the others higher. Range: 0 up; 1 or more, infinite with no
    duplicates. Bias: none of 1 / support; support itself is upward by a factor of about 1 + 1 / duplicates.
    Known failures: it is a lower bound on the number of points, ruled by the most frequent ones (half of
    all samples on one point is a support of 4, whatever the rest); the answer is that of the threshold,
    for in a continuous distribution nothing is equal and everything is near at some distance. The floor is
    what as many real images have at the same threshold.

    Args:
        samples: (N, D), N ≥ 2, any floating type.
        threshold: the greatest distance at which two samples are alike, in units of the features; 0 for
            exact copies.

    Raises:
        ValueError: no matrix, fewer than two rows, numbers that are not finite, or a threshold below 0.
    """
    from scipy.stats import chi2

    x = matrix(samples, "samples", at_least=2)
    if not 0 <= threshold < math.inf:
        raise ValueError(f"threshold is {threshold}; a distance is 0 or more and finite")
    tiles = torch.split(x, _TILE)
    near = 0
    for place, tile in enumerate(tiles):
        for other in tiles[place:]:
            # differences and not products: copies are exactly 0 apart
            found = torch.cdist(tile, other, compute_mode="donot_use_mm_for_euclid_dist") <= threshold
            # a tile with itself has each pair twice, and each row with itself
            near += (int(found.sum()) - len(tile)) // 2 if other is tile else int(found.sum())
    pairs = len(x) * (len(x) - 1) // 2
    support = pairs / near if near else math.inf
    return BirthdaySupport(
        duplicates=near,
        support=support,
        at_least=pairs / (float(chi2.ppf(0.95, 2 * (near + 1))) / 2),
        batch=0.5 + math.sqrt(0.25 + 2 * math.log(2) * support),
    )
