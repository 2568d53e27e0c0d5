"""Attribution: exact Shapley values, and what can be said of a map that explains a score.

A map a gives every pixel its part of f(x) - f(x'): by how much the score f of an image x is above that of a
baseline x'.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

_MOST_PLAYERS = 14
_AT_ONCE = 1024  # images


def exact_shapley(f: Callable[[Tensor], Tensor], x: Tensor, baseline: Tensor) -> Tensor:
    """Shapley values of the coordinates of x, by enumeration of all 2^d coalitions.

    φ_i = Σ over S without i of |S|! (d - |S| - 1)! / d! · (v(S ∪ {i}) - v(S)), where v(S) is f with the
    coordinates of S from x and the others from the baseline (Shapley 1953; Lundberg and Lee 2017, eq. 8).

    Range: any; Σ φ = f(x) - f(baseline). Bias: none. Known failure: v(S) asks f of mixtures of x and the
    baseline, which may lie far from all data; another baseline gives other values.

    Args:
        f: (M, d) to (M,).
        x: (d,), d ≤ 14, a floating type.
        baseline: (d,).

    Returns:
        (d,) float64.

    Raises:
        ValueError: shapes that do not fit, too many coordinates, or an f that does not return (M,).
    """
    if x.ndim != 1 or x.shape != baseline.shape or not 1 <= len(x) <= _MOST_PLAYERS:
        raise ValueError(
            f"x {tuple(x.shape)} and baseline {tuple(baseline.shape)} must both be (d,), d from 1 to "
            f"{_MOST_PLAYERS}; above that estimate the values by sampling (KernelSHAP)"
        )
    d = len(x)
    inside = (torch.arange(2**d, device=x.device)[:, None] >> torch.arange(d, device=x.device)) & 1
    v = f(torch.where(inside == 1, x, baseline))
    if v.shape != (2**d,):
        raise ValueError(f"f must return one number a row, ({2**d},); it returned {tuple(v.shape)}")
    v, size = v.detach().double(), inside.sum(1)
    weight = torch.tensor(
        [math.factorial(s) * math.factorial(d - s - 1) / math.factorial(d) for s in range(d)],
        dtype=torch.float64,
        device=x.device,
    )
    values = []
    for i in range(d):
        without = (inside[:, i] == 0).nonzero()[:, 0]
        values.append((weight[size[without]] * (v[without + (1 << i)] - v[without])).sum())
    return torch.stack(values)


def completeness_error(attribution: Tensor, difference: Tensor) -> Tensor:
    """|Σ a - (f(x) - f(x'))| / |f(x) - f(x')| for each image.

    The axiom that integrated gradients keep exactly in the limit of many steps (Sundararajan et al. 2017,
    prop. 1): a check of the integral, and of nothing else.

    Range: 0 upwards. Bias: none. Known failures: large where the score of x hardly differs from that of the
    baseline; 0 of any map that was scaled to add up.

    Args:
        attribution: (N, ...), a map for each image.
        difference: (N,), f(x) - f(x').

    Returns:
        (N,) float64; NaN where f(x) = f(x').

    Raises:
        ValueError: shapes that do not fit.
    """
    if difference.shape != attribution.shape[:1]:
        raise ValueError(
            f"difference {tuple(difference.shape)} must have one number for each of the "
            f"{len(attribution)} maps"
        )
    wanted = difference.double()
    error = (attribution.double().flatten(1).sum(1) - wanted).abs() / wanted.abs()
    return error.where(wanted != 0, torch.nan)


def random_halves(cells: int, masks: int, *, seed: int) -> Tensor:
    """(masks, cells) bool, in each row ⌊cells / 2⌋ true: a half of the superpixels, every half as likely."""
    random = torch.Generator().manual_seed(seed)
    order = torch.rand(masks, cells, generator=random).argsort(1)
    return order < cells // 2


def score_drops(
    f: Callable[[Tensor], Tensor], x: Tensor, baseline: Tensor, superpixels: Tensor, removed: Tensor
) -> Tensor:
    """f(x) - f(x_m) for each image and mask, where x_m has the removed superpixels from the baseline.

    Args:
        f: (M, C, H, W) to (M,).
        x: (N, C, H, W).
        baseline: (C, H, W).
        superpixels: (C, H, W) int64, to which cell each pixel belongs.
        removed: (masks, cells) bool.

    Returns:
        (N, masks) float64.
    """
    n = len(x)
    gone = removed.to(x.device)[:, superpixels.to(x.device)]  # (masks, C, H, W)
    scores = []
    with torch.no_grad():
        whole = f(x).double()
        step = max(1, _AT_ONCE // n)
        for some in torch.split(gone, step):
            mixed = torch.where(some[None], baseline, x[:, None])
            scores.append(f(mixed.flatten(0, 1)).double().view(n, len(some)))
    return whole[:, None] - torch.cat(scores, 1)


def attributed_drops(attribution: Tensor, superpixels: Tensor, removed: Tensor) -> Tensor:
    """m·a for each map and mask: what a map says that removing these superpixels takes from the score.

    Args:
        attribution: (N, C, H, W).
        superpixels: (C, H, W) int64.
        removed: (masks, cells) bool.

    Returns:
        (N, masks) float64.
    """
    device = attribution.device
    # a product and no index_add_, which on CUDA adds up in another order every time
    member = functional.one_hot(superpixels.flatten().to(device), removed.shape[1]).double()
    return attribution.double().flatten(1) @ member @ removed.to(device).double().T


def normalised_infidelity(attributed: Tensor, drops: Tensor) -> Tensor:
    """NI = E_m[(m·a - (f(x) - f(x_m)))²] / E_m[(f(x) - f(x_m))²] for each image.

    The infidelity of Yeh et al. 2019 (def. 2.1) with masks m that remove a random half of the superpixels,
    over that of a map of zeros. Not rescaled by the best factor: a map of the wrong scale is a wrong map.

    Direction: lower, of two maps of one score. Range: 0, exact, upwards; 1 is the map of zeros, so above 1 a
    map is worse than no explanation. Bias: none beyond that of a ratio of two means over masks. Known
    failures: it depends on the baseline and on the law of the masks; masked images lie off the data; a score
    that is nearly linear is explained by anything sensible, so that between scores it tells how linear they
    are and not how good.

    Args:
        attributed: (N, masks), m·a.
        drops: (N, masks), f(x) - f(x_m).

    Returns:
        (N,) float64; NaN where no mask changes the score.

    Raises:
        ValueError: shapes that differ, or no masks.
    """
    if attributed.shape != drops.shape or drops.ndim != 2 or not drops.shape[1]:
        raise ValueError(
            f"attributed {tuple(attributed.shape)} and drops {tuple(drops.shape)} must both be (N, masks), "
            "with at least one mask"
        )
    scale = drops.double().square().mean(1)
    error = (attributed.double() - drops.double()).square().mean(1)
    return (error / scale).where(scale > 0, torch.nan)


def relevance_mass(attribution: Tensor, inside: Tensor) -> Tensor:
    """Σ |a| inside a mask / Σ |a|, for each map (relevance mass accuracy of Arras et al. 2022, with |a|).

    Direction: higher, where the cause is known to lie inside. Range: 0 to 1. Bias: a map that knows nothing
    has the mask's share of the area, and more where it follows the brightness of x and the mask is bright:
    compare with the map of a model that learned nothing. Known failure: it punishes a map for what the model
    itself looks at outside.

    Args:
        attribution: (N, ...).
        inside: (...) bool, the shape of one map.

    Returns:
        (N,) float64; NaN of a map of zeros.

    Raises:
        ValueError: shapes that do not fit.
    """
    size = _sizes(attribution, inside)
    return size[:, inside.flatten()].sum(1) / size.sum(1)


def pointing_game(attribution: Tensor, inside: Tensor) -> Tensor:
    """Whether the pixel of largest |a| lies inside a mask, for each map (Zhang et al. 2016, section 4.1).

    Among pixels that are equally large, as all of a superpixel are, one is drawn at random, and the number
    is the chance that it lies inside: a map of zeros has the mask's share of the area.

    Direction: higher. Range: 0 to 1. Bias: none. Known failures: it sees one pixel; a mask that straddles two
    superpixels is hit by a map that is right in neither.

    Args:
        attribution: (N, ...).
        inside: (...) bool, the shape of one map.

    Returns:
        (N,) float64.

    Raises:
        ValueError: shapes that do not fit.
    """
    size = _sizes(attribution, inside)
    largest = (size == size.amax(1, keepdim=True)).double()
    return largest[:, inside.flatten()].sum(1) / largest.sum(1)


def _sizes(attribution: Tensor, inside: Tensor) -> Tensor:
    if attribution.shape[1:] != inside.shape or inside.dtype != torch.bool:
        raise ValueError(
            f"inside must be bool of the shape of one map, {tuple(attribution.shape[1:])}; it is "
            f"{inside.dtype} of shape {tuple(inside.shape)}"
        )
    return attribution.double().abs().flatten(1)
