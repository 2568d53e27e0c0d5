"""Judging: how well scores tell real examples from generated ones, whatever the scores' scale."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

CONFIDENT = 7.0
"""Magnitude of a logit that claims to be right in more than 999 of 1,000 cases."""


def auc(real: Tensor, fake: Tensor) -> float:
    """Probability that a real example has the higher score than a fake one, a tie counting one half.

    By ranks: (R - N (N + 1) / 2) / (N M), R the sum of the mid-ranks of the N real ones among all (Mann and
    Whitney 1947; Hanley and McNeil 1982). No increasing change of the scores changes it, so that logits and
    critic values are alike; accuracy at 0 has no meaning for critic values.

    Direction: neither; 1/2: not told apart, or one score for all. Range: 0 to 1. Bias: none, for scores that
    were not fitted to these examples. Known failure: it says nothing of how far the scores are apart.

    Args:
        real: (N,) scores.
        fake: (M,) scores.

    Raises:
        ValueError: no score on a side, or a score that is not finite.
    """
    _check(real, fake)
    scores = torch.cat([real, fake]).double()
    _, place, count = torch.unique(scores, return_inverse=True, return_counts=True)
    ends = count.cumsum(0).double()
    ranks = (ends - (count - 1) / 2)[place]
    n, m = len(real), len(fake)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def divergence_bound(real: Tensor, fake: Tensor) -> float:
    """A lower bound on the Jensen-Shannon divergence, in nats, by logits of a critic: ln 2 - BCE / 2.

    BCE = mean softplus(-D(x)) + mean softplus(D(G(z))); for the best critic it is an equality (Goodfellow
    et al. 2014, theorem 1).

    Direction: lower. Range: ln 2 at most; 0 for a critic that says nothing; below 0 for one that is
    confidently wrong. Bias: downward by what the critic has not learned, so that a weak critic flatters;
    upward on examples that it was trained on. Known failure: distributions that do not overlap have ln 2,
    however near they are.

    Args:
        real: (N,) logits of held-out real examples.
        fake: (M,) logits of held-out generated ones.

    Raises:
        ValueError: no logit on a side, or a logit that is not finite.
    """
    _check(real, fake)
    # ln 2 is taken from each term, so that a critic that says nothing has 0 and no rounding
    above = [(math.log(2) - functional.softplus(x.double())).mean() for x in (-real, fake)]
    return float(sum(above)) / 2


def overfit_gap(train: Tensor, test: Tensor, fake: Tensor) -> float:
    """How much better a discriminator knows the real examples it was trained on: AUC_train - AUC_test.

    Both against the same fakes. Karras et al. 2020 (ADA, eq. 1) compare mean outputs to the same end, which
    needs one scale for all models.

    Direction: neither. Range: -1 to 1; 0 for none. Bias: none. Known failure: where the fakes are told apart
    from all real examples both are 1, and the gap 0, whatever was memorized.

    Args:
        train: (N,) scores of training examples.
        test: (M,) scores of test examples.
        fake: (K,) scores of generated ones.

    Raises:
        ValueError: as ``auc``.
    """
    return auc(train, fake) - auc(test, fake)


def confident_share(logits: Tensor) -> float:
    """Share of logits beyond ±7: a discriminator so sure passes hardly any gradient on.

    Direction: neither. Range: 0 to 1. Bias: none. Known failure: the values of a critic that is no
    classifier (Wasserstein, least squares) have a scale of their own, and 7 means nothing there.

    Args:
        logits: (N,).

    Raises:
        ValueError: none, or one that is not finite.
    """
    _check(logits)
    return float((logits.abs() > CONFIDENT).double().mean())


def _check(*sides: Tensor) -> None:
    if not all(map(len, sides)):
        raise ValueError("there are no scores on one side")
    if not all(bool(side.isfinite().all()) for side in sides):
        raise ValueError("some score is not finite")
