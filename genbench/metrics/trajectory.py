"""Trajectories: how a generator moves while it is trained, from snapshots at equal spacing."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from genbench.metrics.inputs import matrix

_CHUNK = 64  # rows of one snapshot that are in float64 at a time: a snapshot may be of large images


def pair_distance(examples: Tensor) -> float:
    """E‖x - x'‖² of two different examples: the unit of ``drift``.

    2 N / (N - 1) · mean‖x - x̄‖², which is the mean over all ordered pairs i ≠ j, without forming them.

    Range: 0 (equal examples) up. Bias: none. Known failure: one far outlier decides it.

    Args:
        examples: (N, D), N ≥ 2.

    Raises:
        ValueError: no matrix, fewer than two rows, or numbers that are not finite.
    """
    x = matrix(examples, "examples", at_least=2)
    return float(2 * (x - x.mean(0)).square().sum() / (len(x) - 1))


def drift(snapshots: Tensor, unit: float) -> Tensor:
    """How far outputs move from one snapshot to the next: E_z‖G_{t+1}(z) - G_t(z)‖² / E‖x - x'‖².

    The latents are the same in all snapshots. Own definition, in the spirit of watching whether a game
    settles (Mescheder et al. 2018, section 2); needs neither losses nor labels.

    Direction: lower. Range: 0 (nothing moves) up; 1: as different as two unrelated real examples; a turn of
    N(0, I) by the angle ω has 1 - cos ω. Bias: none of N latents; it grows with the spacing, so compare only
    equal ones. Known failures: proportional to the learning rate, so that a rate that has decayed, or a
    generator that has frozen, looks stable; averaged weights hide it.

    Args:
        snapshots: (T, N, ...) what the generator made of the same N latents.
        unit: ``pair_distance`` of real examples in the same scale.

    Returns:
        (T - 1,) float64; not finite where a snapshot is not.

    Raises:
        ValueError: real examples that are all alike, ``unit`` 0.
    """
    if not unit > 0:
        raise ValueError("the real examples are all alike: they give no unit of distance")
    moved = [_squared(a, b) / unit for a, b in zip(snapshots[1:], snapshots[:-1], strict=True)]
    return torch.tensor(moved, dtype=torch.float64)


def _squared(one: Tensor, other: Tensor) -> float:
    """E‖a - b‖² over rows."""
    total = 0.0
    for start in range(0, len(one), _CHUNK):
        a, b = one[start : start + _CHUNK], other[start : start + _CHUNK]
        total += float((a.double() - b.double()).square().sum())
    return total / len(one)


def churn(shares: Tensor) -> Tensor:
    """Total variation between the class histograms of neighbouring snapshots: ½ Σ_k |h_{t+1} - h_t|.

    Direction: lower. Range: 0 (the same histogram) to 1 (no class in common). Bias: upward. Independent
    draws of N samples over K equal classes have about √((K - 1) / (π N)): .076 for N = 500 and K = 10. The
    fixed latents of a trace avoid most of that. Known failure: samples that swap their classes among each
    other leave it at 0; ``drift`` sees them.

    Args:
        shares: (T, K) rows that sum to 1.

    Returns:
        (T - 1,) float64.
    """
    distance: Tensor = shares.double().diff(dim=0).abs().sum(1) / 2
    return distance


def normalised_entropy(shares: Tensor) -> Tensor:
    """Entropy of each histogram as a share of the largest: -Σ_k h_k ln h_k / ln K.

    Direction: higher where all classes are alike in the data. Range: 0 (one class) to 1 (all alike). Bias:
    downward by about (K - 1) / (2 N ln K) (Miller 1955). Known failure: it does not know which classes the
    data has how often.

    Args:
        shares: (T, K) rows that sum to 1, K ≥ 2.

    Returns:
        (T,) float64.

    Raises:
        ValueError: fewer than two classes.
    """
    if shares.shape[1] < 2:
        raise ValueError("one class has no entropy to share")
    h = shares.double()
    entropy: Tensor = torch.special.entr(h).sum(1) / math.log(h.shape[1])
    return entropy


def drawdown(chosen_by: Tensor, told_by: Tensor) -> float:
    """How much of the best quality on the way is lost at the end: (q_T - q_best) / (q_0 - q_best).

    The best snapshot is chosen by one half of the data and latents, and all three numbers are told by the
    other: the best of T numbers is better than its own expectation, and more so the larger T is.

    Direction: lower. Range: 0 (it ends at its best) up; 1: no better than before training; below 0 by
    chance. Bias: a chosen best that is not the true one makes it smaller; compare equal T only. Known
    failure: nothing is lost where nothing was learned, see Raises.

    Args:
        chosen_by: (T,) a distance, lower is better, on the one half.
        told_by: (T,) on the other.

    Raises:
        ValueError: no snapshot is better than the first one on both halves, or numbers are not finite.
    """
    if not (chosen_by.isfinite().all() and told_by.isfinite().all()):
        raise ValueError("the quality of some snapshot is not finite")
    best = int(chosen_by.argmin())
    gained = float(told_by[0] - told_by[best])
    if gained <= 0:
        raise ValueError("no snapshot is better than the one before training")
    return float(told_by[-1] - told_by[best]) / gained


class Collapses(NamedTuple):
    """How often variety was lost, and how long.

    Attributes:
        events: times that it fell below half of its running maximum.
        late_share: share of the late half's snapshots at which it lay there.
    """

    events: int
    late_share: float


def collapses(varieties: Tensor, middle: int) -> Collapses:
    """Count collapses: a snapshot is collapsed where some variety is below half of its running maximum.

    Direction: lower. Range: 0 up, and 0 to 1. Bias: a chance peak on the way raises the bar for all that
    follows. Known failures: what never had variety never loses it, so look at the variety itself too; a
    collapse between two snapshots is not seen.

    Args:
        varieties: (S, T) measures of variety at each snapshot, 0 for none: class entropy, factor coverage.
        middle: index of the first snapshot of the late half.
    """
    bar = varieties.cummax(dim=1).values / 2
    collapsed = (varieties < bar).any(0)
    before = torch.cat([collapsed.new_zeros(1), collapsed[:-1]])
    return Collapses(int((collapsed & ~before).sum()), float(collapsed[middle:].double().mean()))


def straightness(displaced: float, moved: Tensor) -> float:
    """How straight parameters went: ‖w_T - w_t‖ / Σ‖Δw‖ over the snapshots from t to T.

    Direction: neither. Range: 0 (a closed orbit) to 1 (a straight line); half a circle has 2/π, a random
    walk of n equal steps in many dimensions 1/√n. Bias: upward with the spacing, between whose ends any
    detour is unseen; compare equal spacings and equal T. Known failures: parameters whose scale does
    nothing (before batch normalization) count as others do; a descent along a bent valley is not straight.

    Args:
        displaced: distance of the last parameters from the first.
        moved: (n,) distances between neighbouring snapshots.

    Raises:
        ValueError: nothing moved, or a distance is not finite.
    """
    path = float(moved.double().sum())
    if not (math.isfinite(path) and math.isfinite(displaced)):
        raise ValueError("the parameters are not finite at some snapshot")
    if path <= 0:
        raise ValueError("the parameters have not moved")
    return min(1.0, displaced / path)  # distances are float32: a straight line may be 1e-7 beyond


def spike_ratio(norms: Tensor) -> float:
    """How far gradients spike: the 99 % quantile of their norms over the median.

    Direction: neither. Range: 1 up. Bias: the quantile is interpolated, and below 100 steps it is nearly the
    largest. Known failures: a norm that declines steadily has a ratio too; what clips gradients hides spikes.

    Args:
        norms: (steps,) of one player.

    Raises:
        ValueError: no step, a norm that is not finite, or a median of 0.
    """
    found = norms.double()
    if not len(found):
        raise ValueError("no gradient norm was kept")
    if not found.isfinite().all():
        raise ValueError("some gradient norm is not finite")
    median = float(found.quantile(0.5))
    if median <= 0:
        raise ValueError("half of the gradients or more are 0")
    return float(found.quantile(0.99)) / median
