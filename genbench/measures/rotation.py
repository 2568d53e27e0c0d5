"""Rotation: how much of a trained lane's own game, near where training ended, goes round in circles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.func import jacrev

from genbench.core.record import Better, Column
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reading, Reference
from genbench.measures.game import Game
from genbench.measures.stamp import data_hash
from genbench.metrics import games

MOST_PARAMETERS = 2000
"""The Jacobian has the square of it: 32 MB, and its eigenvalues take some seconds."""

GAP_STEPS = 100
"""Steps of Adam of each adversary of the duality gap."""

GAP_RATE = 1e-2
"""Its learning rate, the same for every model."""

INDEX = Column(
    "rotation.index", "", Better.NEITHER, meaning="0: pulled straight; 1: turned", low=0.0, high=1.0
)
MAX_REAL = Column(
    "rotation.max_real", "", Better.NEITHER, meaning="largest real part of an eigenvalue of dv/dw"
)
ASYMMETRY = Column(
    "rotation.asymmetry", "", Better.NEITHER, meaning="||J - J'|| / ||J + J'||; 0 for one objective", low=0.0
)
GRADIENT = Column("rotation.gradient", "", Better.NEITHER, meaning="norm of all players' gradients", low=0.0)
GAP = Column(
    "rotation.duality_gap",
    "",
    Better.NEITHER,
    meaning=f"what each player gains by {GAP_STEPS} steps alone, in its loss' unit",
)

_SINGLE = "a single objective: no game"
_FLAT = "the Jacobian is zero: nothing pulls and nothing turns"
_PINNED = "clipping holds every parameter at its bound"
_NOT_FINITE = "not finite at the trained parameters"


@measures.register("rotation")
@dataclass(frozen=True)
class Rotation:
    """The Jacobian of the game at a trained lane's parameters, and its duality gap.

    One fixed batch and fixed noise, in float64; without optimizers. All of it is local, and training
    does not end at an equilibrium: the norm of the gradient tells how far from one.
    """

    columns: ClassVar[tuple[Column, ...]] = (INDEX, MAX_REAL, ASYMMETRY, GRADIENT, GAP)
    per_cohort: ClassVar[bool] = False
    traced: ClassVar[bool] = False
    of_lanes: ClassVar[bool] = True
    anchors: ClassVar[tuple[str, ...]] = ()

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        """A reading a column; none of what nobody trained here."""
        if evidence.game is None:
            return
        game = evidence.game()
        yield from _local(game, evidence.reference)
        saddle = game.saddle
        if saddle is None:
            yield _reading(GAP, None, evidence.reference, _SINGLE)
            return
        gap = games.duality_gap(
            saddle.train,
            saddle.held_out,
            saddle.u,
            saddle.v,
            steps=GAP_STEPS,
            rate=GAP_RATE,
            bound_u=saddle.bound_u,
            bound_v=saddle.bound_v,
        )
        yield _reading(GAP, gap, evidence.reference, n=saddle.n, steps=GAP_STEPS)

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:  # noqa: ARG002 - has none
        """No control row: an oracle has no losses."""
        return iter(())


def _local(game: Game, reference: Reference) -> Iterator[Reading]:
    v = game.field(game.w)
    of_jacobian = (INDEX, MAX_REAL, ASYMMETRY)
    if len(game.w) > MOST_PARAMETERS:
        reason = (
            f"{len(game.w):,} parameters; the Jacobian is taken of {MOST_PARAMETERS:,} at most. "
            'Give the networks fewer units: { name = "tanh_mlp", hidden = [8, 8] }.'
        )
        yield from (_reading(column, None, reference, reason, game.n) for column in of_jacobian)
    else:
        jacobian = jacrev(game.field, chunk_size=256)(game.w).detach()
        free = games.free_directions(game.w, v, game.bound)
        yield from _of_jacobian(jacobian[free][:, free], reference, game.n)
    yield _reading(GRADIENT, float(v.norm()), reference, _NOT_FINITE, game.n)


def _of_jacobian(jacobian: Tensor, reference: Reference, n: int) -> Iterator[Reading]:
    if not jacobian.numel() or not bool(jacobian.isfinite().all()):
        reason = _NOT_FINITE if jacobian.numel() else _PINNED
        yield from (_reading(column, None, reference, reason, n) for column in (INDEX, MAX_REAL, ASYMMETRY))
        return
    found = games.eigenvalues(jacobian)
    yield _reading(INDEX, games.rotation_index(found), reference, _FLAT, n)
    yield _reading(MAX_REAL, float(found.real.max()), reference, n=n)
    yield _reading(ASYMMETRY, games.asymmetry(jacobian), reference, _FLAT, n)


def _reading(
    column: Column, value: float | None, reference: Reference, reason: str = "", n: int = 0, **more: int
) -> Reading:
    finite = value is not None and math.isfinite(value)
    return Reading(
        column,
        value if finite else None,
        n=n,
        reason="" if finite else reason or _NOT_FINITE,
        versions={"metric": column.version, "data": data_hash(reference.dataset)},
        protocol={"game_batch": n, **more},
    )
