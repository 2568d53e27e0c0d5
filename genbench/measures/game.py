"""Training as a game: what measures of dynamics need of a model's losses and optimizers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from genbench.core.errors import GenbenchError


class NoGameError(GenbenchError):
    """A model is no game of two players; the message says why."""


@dataclass(frozen=True, eq=False)
class DiracGame:
    """A model's losses and optimizers on the Dirac-GAN (Mescheder et al. 2018, arXiv:1801.04406, section 2).

    The generator is one number theta, the judge D(x) = psi x, all data are 0.

    Attributes:
        generator_slope: of the generator's loss in the judge's output on samples, at output 0.
        judge_slope: of the judge's loss, likewise.
        field: (theta, psi) float64 (2,) to minus both gradients (2,), without optimizers and clipping.
        play: starting points (N, 2) float64 and a number of rounds to the radius after each of them, the
            start included, (rounds + 1, N), of simultaneous and of alternating updates. A round is one step
            of training; optimizers, number of updates and clipping are the model's.
        turn: h^2 a^2 of a round where both optimizers are plain SGD: the product of learning rates, updates
            a round and -(slopes); else ``None``.
        linear: whether the optimizers' steps are linear in the gradient (SGD, with momentum or not), so that
            there is a rate near the equilibrium.
    """

    generator_slope: float
    judge_slope: float
    field: Callable[[Tensor], Tensor]
    play: Callable[[Tensor, int], tuple[Tensor, Tensor]]
    turn: float | None
    linear: bool


@dataclass(frozen=True, eq=False)
class Game:
    """A trained lane's own game on a fixed batch with fixed noise, in float64.

    Attributes:
        w: (P,) trained parameters of all players, a player after the other.
        field: w (P,) to minus each player's gradient in its own parameters (P,), differentiable.
        bound: (P,) largest magnitude that clipping leaves each parameter; infinite without.
        saddle: the players as one that minimizes and one that maximizes; ``None`` for anything but a
            generator and a judge.
        n: examples in the batch.
    """

    w: Tensor
    field: Callable[[Tensor], Tensor]
    bound: Tensor
    saddle: Saddle | None
    n: int


@dataclass(frozen=True, eq=False)
class Saddle:
    """The zero-sum game min over u, max over v of M(u, v), which is minus the judge's loss.

    It is this game also where the generator trains with another loss, as the non-saturating one does.

    Attributes:
        u: the generator's parameters.
        v: the judge's.
        train: M(u, v), a scalar, on examples and noise to train adversaries with.
        held_out: M(u, v) on others.
        bound_u: largest magnitude that clipping leaves each of ``u``.
        bound_v: likewise of ``v``.
        n: examples on each side.
    """

    u: Tensor
    v: Tensor
    train: Callable[[Tensor, Tensor], Tensor]
    held_out: Callable[[Tensor, Tensor], Tensor]
    bound_u: float
    bound_v: float
    n: int
