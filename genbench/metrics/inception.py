"""Inception score: how sure a classifier is of each sample, and how varied it finds them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.inputs import matrix

INCEPTION_SCORE = Column(
    "inception_score", "", Better.HIGHER, low=1.0, meaning="classes shown, as far as the classifier is sure"
)

_ROUNDING = 0.01  # what the rows of a bfloat16 softmax may be off one by


def inception_score(probs: Tensor) -> float:
    """exp of the mean over samples of KL(p(y|x) ‖ p(y)), with p(y) the mean of the rows.

    Salimans et al. 2016, section 4, with any classifier in place of Inception. Equal to exp(H(p(y)) - mean
    of H(p(y|x))), H being the entropy in nats.

    Direction: higher. Range: 1 (all rows alike) to K (sure of each sample, all classes alike). Bias:
    downward by a factor of about exp(-(K - 1) / 2N) for sure rows, p(y) being estimated from the same
    samples; all N are taken at once where others average ten tenths, each with ten times that bias.
    Floor: that of real images under the same classifier, which is no constant. Known failures: it never
    sees real images; one perfect image a class has the best score; images that the classifier was not made
    for are given to some class with confidence.

    Args:
        probs: (N, K) probabilities of the classes, rows that sum to 1 (to 0.01, and are then divided by
            their sum); any floating type.

    Raises:
        ValueError: no matrix, rows that are no probabilities, or numbers that are not finite.
    """
    p = matrix(probs, "probs")
    sums = p.sum(1)
    broken = ((p < 0).any(1) | ((sums - 1).abs() > _ROUNDING)).nonzero().flatten().tolist()
    if broken:
        raise ValueError(
            f"probs are no probabilities in {len(broken)} of {len(p)} rows; row {broken[0]} has the sum "
            f"{float(sums[broken[0]]):.4g} and the least entry {float(p[broken[0]].min()):.4g}. "
            "Take the softmax of logits"
        )
    p = p / sums[:, None]
    gain = torch.special.entr(p.mean(0)).sum() - torch.special.entr(p).sum(1).mean()
    return math.exp(max(0.0, float(gain)))  # rounding may leave -1e-16
