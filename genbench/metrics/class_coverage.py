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

_EXPECTED = 5  # times that a class must be expected in a reference for the reference to be sure to have it
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


def expected_entropy(shares: Tensor, n: int) -> float:
    """Mean entropy in nats of the histogram of n labels with these true shares: exact.

    Σ over classes and counts c of P(Binomial(n, p) = c) · -(c/n) ln(c/n). Where every class is common that is
    (K - 1) / 2n below -Σ p ln p (Miller 1955).

    Args:
        shares: (K,) true shares of the classes, any floating type; divided by their sum.
        n: how many labels, at least 1.

    Raises:
        ValueError: shares that are negative, not finite or all 0, or n below 1.
    """
    from scipy.stats import binom

    if n < 1:
        raise ValueError(f"n is {n}; it is at least 1")
    alike, times = _shares(shares).unique(return_counts=True)  # type: ignore[no-untyped-call]
    total = 0.0
    for p, classes in zip(alike.tolist(), times.tolist(), strict=True):
        reach = 40 + 12 * math.sqrt(n * p)  # beyond it lies less than rounding
        low, high = max(1, math.floor(n * p - reach)), min(n, math.ceil(n * p + reach))
        count = torch.arange(low, high + 1, dtype=torch.float64)
        chance = torch.from_numpy(binom.pmf(count.numpy(), n, p))
        total += classes * float((chance * torch.special.entr(count / n)).sum())
    return total


def _shares(shares: Tensor) -> Tensor:
    total = float(shares.double().sum())
    if shares.ndim != 1 or not 0 < total < math.inf or bool((shares < 0).any()):
        raise ValueError(f"shares must be (K,), none negative, not all 0; got {shares.tolist()}")
    p = shares.double().cpu() / total
    return p[p > 0]


class ExpectedClassCoverage(NamedTuple):
    """What ``ClassCoverage`` is on average for true samples; its fields, all as floats."""

    covered: float
    entropy: float
    kl: float
    total_variation: float


def expected_class_coverage(shares: Tensor, n: int, m: float = math.inf) -> ExpectedClassCoverage:
    """What ``class_coverage`` gives where labels and reference have the same true shares: its floor.

    With K classes of share p > 0: entropy = ``expected_entropy``, exact; kl = -Σ p ln p - entropy +
    (K - 1) / 2m, the reference's part to second order, about (K - 1) / 2 · (1/n + 1/m) where all classes are
    common; infinite where some class is expected fewer than five times in the reference, which may then
    lack one that the labels show; total variation = ½ Σ √(2 p (1 - p) (1/n + 1/m) / π), the mean of a
    normal difference, valid where every class is expected several times; covered = Σ P(Binomial(n, p) ≥
    n p / 10), times the chance 1 - (1 - p)^m that the reference has the class.

    Args:
        shares: (K,) true shares of the classes, any floating type; divided by their sum.
        n: how many labels.
        m: how many labels of reference; ``math.inf`` where the shares themselves are the reference.

    Raises:
        ValueError: shares that are negative, not finite or all 0, or sizes below 1.
    """
    from scipy.stats import binom

    if min(n, m) < 1:
        raise ValueError(f"n is {n} and m is {m}; both are at least 1")
    p = _shares(shares)
    entropy, weight = expected_entropy(p, n), 1 / n + 1 / m
    sure = m * float(p.min()) >= _EXPECTED
    enough = torch.ceil(n * p / _PARTS - 1e-9)  # 30 must not become 31 by rounding
    found = torch.from_numpy(binom.sf((enough - 1).numpy(), n, p.numpy()))
    present = 1 - (1 - p) ** m
    return ExpectedClassCoverage(
        covered=float((found * present).sum()),
        entropy=entropy,
        kl=float(torch.special.entr(p).sum()) - entropy + (len(p) - 1) / (2 * m) if sure else math.inf,
        total_variation=float((2 * p * (1 - p) * weight / math.pi).sqrt().sum()) / 2,
    )
