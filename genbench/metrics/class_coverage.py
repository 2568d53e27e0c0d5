"""Which classes a set of images shows, and how evenly."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

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
    low. Known failure: the labels are a classifier's; images that belong to no class get one all the
    same, so noise may cover many classes or one, and says nothing of quality.

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
    groups = {"labels": labels} if reference is None else {"labels": labels, "reference": reference}
    for name, group in groups.items():
        if group.ndim != 1 or len(group) == 0 or group.is_floating_point() or group.is_complex():
            raise ValueError(
                f"{name} must be (N,) class indices, at least one; got {group.dtype} of shape "
                f"{tuple(group.shape)}"
            )
    highest = max(int(group.max()) for group in groups.values())
    classes = highest + 1 if num_classes is None else num_classes
    for name, group in groups.items():
        if int(group.min()) < 0 or int(group.max()) >= classes:
            raise ValueError(
                f"{name} run from {int(group.min())} to {int(group.max())}; with {classes} classes they are "
                f"0 to {classes - 1}"
            )
    counts = _counts(labels, classes)
    expected = torch.ones_like(counts) if reference is None else _counts(reference, classes)
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


def _counts(labels: Tensor, classes: int) -> Tensor:
    return torch.bincount(labels.long().cpu(), minlength=classes)
