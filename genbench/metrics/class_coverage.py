"""Which classes a set of images shows, and how evenly."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import class_counts, class_indices

CLASSES_COVERED = Column(
    "class_coverage.covered",
    "classes",
    Better.HIGHER,
    low=0.0,
    meaning="classes with at least a tenth of their share in the reference",
)
CLASS_ENTROPY = Column(
    "class_coverage.entropy", "nats", Better.HIGHER, low=0.0, meaning="of the labels; ln(classes): all alike"
)
CLASS_KL = Column(
    "class_coverage.kl", "nats", Better.LOWER, low=0.0, meaning="of the labels from the reference"
)
CLASS_TOTAL_VARIATION = Column(
    "class_coverage.total_variation",
    "",
    Better.LOWER,
    low=0.0,
    high=1.0,
    meaning="half the summed difference of class shares",
)

_PARTS = 10  # a class is covered at one part in ten of its share in the reference


class ClassCoverage(NamedTuple):
    """How the labels spread over the classes.

    Attributes:
        covered: classes with at least a tenth of their share in the reference.
        entropy: of the labels, in nats: 0 for one class, ln(classes) for all alike.
        kl: Kullback-Leibler divergence to the reference, in nats; infinite where a class occurs that the
            reference does not have.
        total_variation: half the summed difference of shares, 0 to 1.
    """

    covered: int
    entropy: float
    kl: float
    total_variation: float


def class_coverage(
    labels: Tensor, *, num_classes: int | None = None, reference: Tensor | None = None
) -> ClassCoverage:
    """Compare the classes of generated images with those of real ones.

    With shares p of ``labels`` and q of ``reference`` (uniform without one): entropy = -Σ p ln p,
    KL(p ‖ q) = Σ p ln(p / q), total variation = ½ Σ |p - q|.

    Direction: ``covered`` and ``entropy`` higher, ``kl`` and ``total_variation`` lower. Bias: with n true
    samples of K classes, KL to the true shares is about (K - 1) / 2n above 0 and the entropy as much too
    low; ``expected_class_coverage`` has what true samples give. Known failure: the labels are a
    classifier's; images that belong to no class get one all the same, so noise may cover many classes or
    one, and says nothing of quality.

    Why a tenth of the reference's share and not one image: among 10,000 images of a single class a
    classifier that is right in 99 % of cases puts about 100 elsewhere, and so finds every class.

    Source: the mode count and reverse KL of Metz et al. 2017 (Unrolled GAN) and Lin et al. 2018
    (PacGAN), but for that threshold.

    Args:
        labels: (N,) class indices of generated images, any integer type.
        num_classes: how many classes there are; by default one more than the highest index seen.
        reference: (M,) class indices of real images, from the same classifier.

    Raises:
        ValueError: no labels, not integers, or indices outside 0 to ``num_classes`` - 1.
    """
    given = class_indices(labels, "labels")
    against = None if reference is None else class_indices(reference, "reference")
    highest = max(int(group.max()) for group in (given, against) if group is not None)
    classes = highest + 1 if num_classes is None else num_classes
    counts = class_counts(given, "labels", classes)
    expected = torch.ones_like(counts) if against is None else class_counts(against, "reference", classes)
    p, q = counts.double() / counts.sum(), expected.double() / expected.sum()
    seen = p > 0
    # in whole numbers: exactly a tenth is enough, and 0.1 * 0.1 is more than 0.01 in floating point
    enough = _PARTS * counts * expected.sum() >= expected * counts.sum()
    return ClassCoverage(
        covered=int((enough & (expected > 0)).sum()),
        entropy=float(-(p[seen] * p[seen].log()).sum()) + 0.0,  # + 0.0: never "-0.0"
        kl=max(0.0, float((p[seen] * (p[seen] / q[seen]).log()).sum())),  # rounding may leave -1e-17
        total_variation=float((p - q).abs().sum() / 2),
    )


class ExpectedClassCoverage(NamedTuple):
    """What ``ClassCoverage`` is on average for true samples; its fields, all as floats."""

    covered: float
    entropy: float
    kl: float
    total_variation: float


def expected_class_coverage(shares: Tensor, n: int, m: float = math.inf) -> ExpectedClassCoverage:
    """What ``class_coverage`` gives where labels and reference have the same true shares: its floor.

    With K classes of share p > 0 and w = 1/n + 1/m: kl = (K - 1) / 2 · w and entropy = -Σ p ln p -
    (K - 1) / 2n, both to second order (Miller 1955); total variation = ½ Σ √(2 p (1 - p) w / π), the mean
    of a normal difference; covered = Σ P(Binomial(n, p) ≥ n p / 10), times the chance 1 - (1 - p)^m that
    the reference has the class. Valid where every class is expected several times in both.

    Args:
        shares: (K,) true shares of the classes, any floating type; divided by their sum.
        n: how many labels.
        m: how many labels of reference; ``math.inf`` where the shares themselves are the reference.

    Raises:
        ValueError: shares that are negative, not finite or all 0, or sizes below 1.
    """
    from scipy.stats import binom

    total = float(shares.double().sum())
    if shares.ndim != 1 or not 0 < total < math.inf or bool((shares < 0).any()):
        raise ValueError(f"shares must be (K,), none negative, not all 0; got {shares.tolist()}")
    if min(n, m) < 1:
        raise ValueError(f"n is {n} and m is {m}; both are at least 1")
    p = shares.double().cpu() / total
    p = p[p > 0]
    freedom, weight = (len(p) - 1) / 2, 1 / n + 1 / m
    enough = torch.ceil(n * p / _PARTS - 1e-9)  # 30 must not become 31 by rounding
    found = torch.from_numpy(binom.sf((enough - 1).numpy(), n, p.numpy()))
    present = 1 - (1 - p) ** m
    return ExpectedClassCoverage(
        covered=float((found * present).sum()),
        entropy=float(torch.special.entr(p).sum()) - freedom / n,
        kl=freedom * weight,
        total_variation=float((2 * p * (1 - p) * weight / math.pi).sqrt().sum()) / 2,
    )
