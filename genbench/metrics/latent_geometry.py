"""The geometry of a generator: how many directions it uses, how evenly, and how straight its paths are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jvp

WORST = 12.0
"""log10 of the condition number at which it is cut off: beyond it singular values are rounding errors."""

STEP = 1e-2
"""Half the width, in t, of the central difference along a path: good for float32."""


def jacobian_spectrum(decode: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """(N, min(d, D)) float64, singular values of ∂G/∂z at each latent, the largest first.

    A column of all Jacobians at once by forward differentiation, d times, so that memory stays that of
    N images. Where a Jacobian is not finite its values are NaN.

    Args:
        decode: latents (N, d) to samples (N, ...), each by itself.
        z: (N, d).
    """
    columns = [jvp(decode, (z,), (unit.expand_as(z),))[1].flatten(1) for unit in torch.eye(z.shape[1]).to(z)]
    J = torch.stack(columns, -1).double()
    finite = J.flatten(1).isfinite().all(1)
    s = torch.linalg.svdvals(torch.where(finite[:, None, None], J, 0.0))
    return torch.where(finite[:, None], s, torch.nan)


def effective_dimension(s: Tensor) -> Tensor:
    """(N,) participation ratio (Σ s²)² / Σ s⁴ of singular values (N, K), 1 to K: directions that matter.

    K equal values give K. NaN where all are 0. Known failure: the scale of pixels decides what counts, so
    that moving a stroke outweighs bending it. Compare at equal d only.
    """
    squared = (s / s.amax(1, keepdim=True)).square()
    return squared.sum(1).square() / squared.square().sum(1)


def log_condition(s: Tensor) -> Tensor:
    """(N,) log10 of the condition number of J'J, 2 log10(s_max / s_min), at most ``WORST``; NaN where J = 0.

    By the singular values of J, not of J'J, whose small ones are lost to rounding. Known failure: collapse
    does not show in it, and one latent that is not used, which is harmless, makes it infinite.

    Source: Odena et al. 2018 (arXiv:1802.08768), section 3, in decimal logarithms.
    """
    top, bottom = s.amax(1), s.amin(1)
    log = 2 * (top.log10() - bottom.log10())
    return torch.where(top == 0, torch.nan, log.clamp_max(WORST))


def path_energy(phi: Callable[[Tensor], Tensor], z0: Tensor, z1: Tensor, t: Tensor) -> Tensor:
    """(2, N) energy ‖d/dt φ(G(z_t))‖² of the path z_t = z0 + t (z1 - z0) at t, and ‖φ(G(z1)) - φ(G(z0))‖².

    The ratio of their means is the path-energy ratio: by Cauchy-Schwarz 1 at least where t is uniform on
    (0, 1), and 1 exactly for every linear φ∘G. It has no unit, unlike the perceptual path length it replaces
    (Karras et al. 2019, arXiv:1812.04948), which is 0 for a generator that makes one image. Lower is
    smoother, not better: between classes a good generator has to jump. Bias: the central difference
    (``STEP`` to either side) smooths jumps, which lowers it.

    Args:
        phi: latents (N, d) to features (N, ...) of the samples, each by itself.
        z0: (N, d) where paths begin.
        z1: (N, d) where they end.
        t: (N,) from (0, 1).
    """

    def at(place: Tensor) -> Tensor:
        return phi(torch.lerp(z0, z1, place[:, None].to(z0))).flatten(1).double()

    speed = (at(t + STEP) - at(t - STEP)) / (2 * STEP)
    chord = at(torch.ones_like(t)) - at(torch.zeros_like(t))
    return torch.stack([speed.square().sum(1), chord.square().sum(1)])


def intrinsic_dimension(x: Tensor, k: int = 20) -> float:
    """Local intrinsic dimension of points (N, D), by the distances T_j to the k nearest others.

    1 / mean over points of (1 / (k - 1)) Σ_{j<k} ln(T_k / T_j): the inverses are averaged, not the estimates.
    Bias: low above a dimension of about 8 (N = 5,000: 2.0, 5.1, 9.3 and 15.4 of 2, 5, 10 and 20), since
    neighbours are not near. NaN where a point has copies: their distance is 0.

    Source: Levina & Bickel 2004 (NeurIPS 17), equation 8; averaged as MacKay & Ghahramani 2005 propose.

    Raises:
        ValueError: not more than k points, numbers that are not finite, or k below 2.
    """
    if k < 2 or x.ndim != 2 or len(x) <= k:
        raise ValueError(f"{k} nearest others need more than {k} points, and k of 2 at least; got {len(x)}")
    x = x.double()
    if not bool(x.isfinite().all()):
        raise ValueError("points are not all finite")
    T = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    T = T.topk(k, largest=False).values
    if not bool((T[:, 0] > 0).all()):
        return float("nan")
    inverse = (T[:, -1:] / T[:, :-1]).log().mean(1).mean()
    return float(1 / inverse) if inverse > 0 else float("nan")
