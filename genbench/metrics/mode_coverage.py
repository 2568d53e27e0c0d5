"""Modes of a mixture whose centres are known: how many are hit, how well, and how evenly."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from genbench.core.record import Better, Column
from genbench.metrics.class_coverage import expected_entropy
from genbench.metrics.inputs import class_counts, class_indices, feature_pair, positive

MODES_COVERED = Column(
    "mode_coverage.covered", "modes", Better.HIGHER, low=0.0, meaning="modes with a sample of high quality"
)
HIGH_QUALITY = Column(
    "mode_coverage.high_quality",
    "",
    Better.HIGHER,
    low=0.0,
    high=1.0,
    meaning="share of samples near a centre of a mode",
)
REVERSE_KL = Column(
    "mode_coverage.reverse_kl",
    "nats",
    Better.LOWER,
    low=0.0,
    meaning="of the samples' modes from all modes alike",
)

_TILE = 1 << 22  # distances held at once: 32 MiB of float64


class ModeCoverage(NamedTuple):
    """How samples spread over modes.

    Attributes:
        covered: modes with at least one sample of high quality.
        high_quality: share of samples near some centre, 0 to 1.
        reverse_kl: Kullback-Leibler divergence in nats of the histogram of samples of high quality over
            modes to the uniform one; infinite where there is no such sample.
        counts: (K,) int64, samples of high quality at each mode.
    """

    covered: int
    high_quality: float
    reverse_kl: float
    counts: Tensor


def mode_coverage(samples: Tensor, centers: Tensor, scale: float, *, radius: float = 3.0) -> ModeCoverage:
    """Give each sample to its nearest centre, and count those nearer than ``radius`` standard deviations.

    A sample has high quality where its distance to the nearest centre is < radius · scale: a ball, not a
    box. A mode is covered by one such sample. reverse KL = Σ p̂ ln(p̂ K) with p̂ the shares of the K modes
    among samples of high quality (Srivastava et al. 2017; Lin et al. 2018, section 4.1).

    Direction: ``covered`` and ``high_quality`` higher, ``reverse_kl`` lower. Range: 0 to K, 0 to 1, 0 to
    ln K, or infinite where no sample has high quality and hence no histogram. Bias: true samples do not
    have high quality 1, nor KL 0, and few of them miss modes: ``expected_mode_coverage``. Known failures:
    one sample covers a mode, so strays cover many; a share of high quality above the expected one is no
    better but too narrow; in d dimensions a true sample is √d standard deviations from its centre, so that
    a radius of 3 takes 99 % of them at d = 2 and none at d = 100.

    Args:
        samples: (N, D), any floating type.
        centers: (K, D) of the modes, any floating type, at least ``scale`` apart.
        scale: standard deviation of a mode along each axis (not its variance).
        radius: in standard deviations.

    Raises:
        ValueError: shapes that do not fit, no rows, numbers that are not finite, a scale or radius that is
            not above 0, or two centres that are one mode.
    """
    x, middles = feature_pair(samples, centers, at_least=1, names=("samples", "centers"))
    reach = positive(scale, "scale") * positive(radius, "radius")
    if len(middles) > 1:
        between = _distances(middles, middles).fill_diagonal_(torch.inf)
        first, second = divmod(int(between.argmin()), len(middles))
        if float(between.min()) < scale:
            raise ValueError(
                f"centers {first} and {second} are {float(between.min()):.3g} apart, less than one scale: "
                "one mode, which would be counted twice"
            )
    counts = torch.zeros(len(middles), dtype=torch.int64)
    for tile in torch.split(x, max(1, _TILE // len(middles))):
        nearest = _distances(tile, middles).min(1)
        near = nearest.indices[nearest.values < reach]
        counts += torch.bincount(near.cpu(), minlength=len(middles))
    return _of_counts(counts, len(x))


def mode_coverage_of_labels(labels: Tensor, num_modes: int) -> ModeCoverage:
    """The same where a classifier names the mode of each sample: stacked MNIST and its 1,000 triples.

    Every sample counts as of high quality; a mode is covered where it appears at least once, and reverse
    KL = KL(p̂ ‖ uniform) (Srivastava et al. 2017; Lin et al. 2018, section 4.2).

    Direction, range and bias: as of ``mode_coverage``, floor ``expected_mode_coverage_of_labels``. Known
    failure: a classifier that is right in 99 % of cases puts one of 100 samples elsewhere, which then
    covers a mode that no sample shows; ``class_coverage`` asks for a tenth of a class's share.

    Args:
        labels: (N,) indices of modes, any integer type.
        num_modes: K.

    Raises:
        ValueError: no labels, not integers, or indices outside 0 to ``num_modes`` - 1.
    """
    checked = class_indices(labels, "labels")
    return _of_counts(class_counts(checked, "labels", num_modes), len(checked))


class ExpectedModeCoverage(NamedTuple):
    """What ``ModeCoverage`` is on average for true samples; its numbers, all as floats."""

    covered: float
    high_quality: float
    reverse_kl: float


def expected_mode_coverage(
    modes: int, n: int, *, dimensions: int = 2, radius: float = 3.0
) -> ExpectedModeCoverage:
    """What ``mode_coverage`` gives for n true samples of equal Gaussian modes far apart: its floor.

    high quality q = P(χ² with ``dimensions`` degrees of freedom < radius²), 1 - e^-4.5 = 0.98889 in the
    plane; covered = K (1 - (1 - q/K)^n), exact; reverse KL = ln K - ``expected_entropy`` of nq
    labels, exact but for nq being taken as whole: about (K - 1) / 2nq once nq is well above K.

    Args:
        modes: K.
        n: how many samples, at least 1.
        dimensions: of the samples.
        radius: in standard deviations; ``math.inf`` where every sample counts.

    Raises:
        ValueError: no mode, sample or dimension, or a radius that is not above 0.
    """
    if min(modes, n, dimensions) < 1 or not radius > 0:
        raise ValueError(
            f"modes {modes}, n {n}, dimensions {dimensions} must be 1 or more and radius {radius} above 0"
        )
    half = torch.tensor([dimensions / 2, radius**2 / 2], dtype=torch.float64)
    share = float(torch.special.gammainc(half[0], half[1]))
    alike = torch.full((modes,), 1 / modes, dtype=torch.float64)
    return ExpectedModeCoverage(
        covered=-modes * math.expm1(n * math.log1p(-share / modes)) if share < modes else 1.0,
        high_quality=share,
        reverse_kl=max(0.0, math.log(modes) - expected_entropy(alike, max(1, round(n * share)))),
    )


def expected_mode_coverage_of_labels(shares: Tensor, n: int) -> ExpectedModeCoverage:
    """What ``mode_coverage_of_labels`` gives for n true samples of modes that have these shares: its floor.

    covered = Σ 1 - (1 - p)^n and reverse KL = ln K - ``expected_entropy``, both exact: what the shares are
    apart from uniform, and about (K - 1) / 2n for the sample. Stacked MNIST's digits are not all alike, which
    is 0.004 of the 0.024 nats that 26,000 real stacks have.

    Args:
        shares: (K,) true shares of the modes, any floating type; divided by their sum.
        n: how many samples, at least 1.

    Raises:
        ValueError: shares that are negative, not finite or all 0, or n below 1.
    """
    entropy = expected_entropy(shares, n)
    p = shares.double().cpu() / float(shares.double().sum())
    return ExpectedModeCoverage(
        covered=float((1 - (1 - p) ** n).sum()),
        high_quality=1.0,
        reverse_kl=max(0.0, math.log(len(p)) - entropy),
    )


def _of_counts(counts: Tensor, n: int) -> ModeCoverage:
    good = int(counts.sum())
    # Σ p̂ ln(p̂ K) = ln K - H(p̂); rounding may leave -1e-16
    entropy = float(torch.special.entr(counts.double() / good).sum()) if good else -math.inf
    return ModeCoverage(
        covered=int((counts > 0).sum()),
        high_quality=good / n,
        reverse_kl=max(0.0, math.log(len(counts)) - entropy),
        counts=counts,
    )


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
