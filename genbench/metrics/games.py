"""Games of two players: the Jacobian of their vector field, rates of the Dirac-GAN, the duality gap.

A game's vector field v(w) is minus each player's gradient of its own loss in its own parameters, and
J = dv/dw. Where all players share one loss, J is symmetric and nothing rotates.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable

import torch
from torch import Tensor

SYMMETRIC = 1e-10
"""An asymmetry below this is rounding of float64; the eigenvalues are then those of a symmetric matrix."""

_LOWEST = 1e-100  # a radius below is near the end of what float64 can hold


def asymmetry(jacobian: Tensor) -> float:
    """||J - J'|| / ||J + J'||, Frobenius norms: 0 of a gradient field, infinite of a pure rotation.

    J (P, P). NaN where J is zero. Balduzzi et al. 2018 (arXiv:1802.05642) split J into these two parts. The
    ratio depends on how parameters are scaled, and says nothing of the eigenvalues between its two ends.
    """
    turning, pulling = jacobian - jacobian.T, jacobian + jacobian.T
    return float(torch.linalg.matrix_norm(turning) / torch.linalg.matrix_norm(pulling))


def eigenvalues(jacobian: Tensor) -> Tensor:
    """Eigenvalues of J (P, P), (P,) complex; exactly real where J is symmetric up to rounding.

    A general solver splits a double eigenvalue of a matrix that rounding left unsymmetric into a complex
    pair whose distance is the root of the rounding error.
    """
    if asymmetry(jacobian) <= SYMMETRIC:
        real: Tensor = torch.linalg.eigvalsh((jacobian + jacobian.T) / 2)
        return real.to(torch.complex128)
    found: Tensor = torch.linalg.eigvals(jacobian)
    return found


def rotation_index(eigenvalues: Tensor) -> float:
    """sum |Im lambda| / sum |lambda| in [0, 1]: 0 where nothing rotates, 1 where everything does.

    NaN where all are zero. After Berard et al. 2020 (arXiv:1906.04848), who plot the eigenvalues. Large
    eigenvalues outweigh small ones, and it does not say whether the rotation dies out: the real parts do.
    """
    return float(eigenvalues.imag.abs().sum() / eigenvalues.abs().sum())


def free_directions(w: Tensor, v: Tensor, bound: Tensor) -> Tensor:
    """Which parameters can follow the field: all but those that clipping holds at their bound, (P,) bool.

    Args:
        w: parameters (P,).
        v: the field there (P,).
        bound: of each parameter's magnitude (P,); infinite where nothing is clipped.
    """
    return ~((w.abs() >= bound) & (w * v > 0))


def dirac_eigenvalues(generator_slope: float, judge_slope: float, damping: float = 0.0) -> complex:
    """The eigenvalue with the larger imaginary (else real) part of the Dirac-GAN's field at its equilibrium.

    lambda = -gamma/2 +- sqrt(gamma^2/4 + g d), where g and d are the slopes of the generator's and the
    judge's loss in the judge's output on samples, at output 0. One of them is negative, so without damping
    lambda = +-i sqrt(-g d): 0.5i for both GANs, 1i for the Wasserstein GAN. Mescheder et al. 2018
    (arXiv:1801.04406), lemma 2.3 and theorem 4.1, where g = -f'(0), d = f'(0). A pure imaginary pair says
    that no exponential rate leads in or out; terms of higher order still may.

    Args:
        generator_slope: g.
        judge_slope: d.
        damping: gamma of a penalty gamma/2 |grad D|^2 (R1).
    """
    return -damping / 2 + cmath.sqrt(damping**2 / 4 + generator_slope * judge_slope)


def simultaneous_rate(turn: float) -> float:
    """ln sqrt(1 + h^2 a^2): how fast simultaneous gradient steps drive the radius out, a round.

    Args:
        turn: h^2 a^2: the product of both players' step sizes, updates a round and slopes (a^2 = -g d).
    """
    return math.log1p(turn) / 2


def alternating_rate(turn: float) -> float:
    """As ``simultaneous_rate`` where players move in turn: 0 up to ``turn`` = 4, then above.

    The round's matrix has determinant 1 and trace 2 - h^2 a^2. At ``turn`` = 4 itself the radius grows
    linearly, which is no rate.
    """
    return 0.0 if turn <= 4 else math.acosh(turn / 2 - 1)


def measured_rate(radius: Tensor, linear: float) -> float:
    """The slope of ln radius a round: below 0 the radius shrinks.

    The mean of its increments under a Hann window: the radius of an elliptic orbit swings twice a turn, and
    a window that fades at both ends takes that out where the stretch is no multiple of half a turn; of a
    straight line it is the slope exactly. With less than two swings in the stretch it does not help. Only
    rounds before the radius first leaves (1e-100, ``linear``) count, and of these the later half: the
    earlier one holds what dies out.

    Args:
        radius: (T,) at each round, positive.
        linear: below this the field is as good as linear.

    Returns:
        NaN where fewer than seven rounds count.
    """
    outside = ((radius >= linear) | (radius <= _LOWEST) | ~radius.isfinite()).nonzero()
    last = int(outside[0]) if len(outside) else len(radius)
    increments = radius[last // 2 : last].double().log().diff()
    if len(increments) < 3:
        return math.nan
    window = torch.hann_window(
        len(increments) + 2, periodic=False, dtype=torch.float64, device=increments.device
    )[1:-1]
    return float((window * increments).sum() / window.sum())


def duality_gap(
    train: Callable[[Tensor, Tensor], Tensor],
    held_out: Callable[[Tensor, Tensor], Tensor],
    u: Tensor,
    v: Tensor,
    *,
    steps: int,
    rate: float,
    bound_u: float = math.inf,
    bound_v: float = math.inf,
) -> float:
    """max over v' of M(u, v') - min over u' of M(u', v), each by some steps of Adam from u and v.

    Grnarova et al. 2019 (arXiv:1811.05512), definition 3. At a Nash equilibrium it is 0. Too few steps
    underestimate it, and so does a start at a saddle point that is no equilibrium; trained and valued on
    different examples it may come out below 0. It has the unit of M, so that values of different losses do
    not compare.

    Args:
        train: M(u, v) that the two adversaries are trained with, a scalar.
        held_out: M(u, v) that they are valued with.
        u: parameters of the player that minimizes.
        v: parameters of the one that maximizes.
        steps: of Adam (betas 0.9 and 0.999).
        rate: its learning rate.
        bound_u: of the magnitude of each of ``u`` (weight clipping).
        bound_v: likewise of ``v``.
    """
    worst_v = _descend(lambda x: -train(u, x), v, steps, rate, bound_v)
    worst_u = _descend(lambda x: train(x, v), u, steps, rate, bound_u)
    return float(held_out(u, worst_v) - held_out(worst_u, v))


def _descend(loss: Callable[[Tensor], Tensor], x: Tensor, steps: int, rate: float, bound: float) -> Tensor:
    x = x.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([x], lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(x).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            x.clamp_(-bound, bound)
    return x.detach()
