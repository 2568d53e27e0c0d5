"""Trained lanes and whole models as games, for measures of dynamics."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.data.dataset import Dataset
from genbench.measures.game import DiracGame, Game, NoGameError, Saddle
from genbench.models.protocol import GenerativeModel, Player
from genbench.train.dirac import dirac_of
from genbench.train.game import coordinates, generator_and_judge, value_of, vector_field
from genbench.train.state import Tree, skeletons
from genbench.train.streams import draw

BATCH = 256
"""Examples that the game is looked at on, at most: enough that another batch moves eigenvalues little."""


def dirac_game(model: GenerativeModel, dataset: Dataset) -> DiracGame:
    """A model's losses and optimizers on the Dirac-GAN.

    Raises:
        NoGameError: the model is no game of a generator and a judge.
    """
    dirac = dirac_of(model, dataset.info)
    if isinstance(dirac, str):
        raise NoGameError(dirac)
    return DiracGame(*dirac.slopes, dirac.field, dirac.play, turn=dirac.turn, linear=dirac.linear)


def lane_game(model: GenerativeModel, dataset: Dataset, params: Tree, buffers: Tree, seed: int) -> Game:
    """A trained lane's own game, on examples of the training split; its gap, on the test split.

    Args:
        model: which model.
        dataset: what it was trained on.
        params: of the lane, by network and name.
        buffers: likewise.
        seed: of the trial; names the streams of examples and noise.
    """
    params, buffers = _double(params), _double(buffers)
    modules, players = skeletons(model, dataset.info), model.players
    at = coordinates(players, params)
    w = at.join(params)
    examples = _examples(torch.from_numpy(dataset.train_examples), BATCH, seed, "train").to(w.device)
    field = vector_field(
        modules, players, at, buffers, examples, _noise(players, len(examples), seed, "train", w)
    )
    bound = torch.cat([w.new_full((n,), b) for n, b in zip(at.players, at.bounds, strict=True)])
    return Game(w, field, bound, _saddle(model, dataset, params, buffers, seed), len(examples))


def _saddle(
    model: GenerativeModel, dataset: Dataset, params: Tree, buffers: Tree, seed: int
) -> Saddle | None:
    """Adversaries learn from one half of the test examples and are valued on the other."""
    pair = generator_and_judge(model, dataset.info)
    if isinstance(pair, str):
        return None
    generator, judge = pair
    of_u, of_v = coordinates((generator,), params), coordinates((judge,), params)
    drawn = _examples(torch.from_numpy(dataset.test_examples), 2 * BATCH, seed, "held out")
    halves = torch.split(drawn.to(of_u.join(params).device), len(drawn) // 2)
    u, v = of_u.join(params), of_v.join(params)
    train, held_out = (
        value_of(
            skeletons(model, dataset.info), judge, buffers, x, _noise((judge,), len(x), seed, purpose, u)
        )
        for x, purpose in zip(halves[:2], ("adversaries", "value"), strict=True)
    )

    def both(u: Tensor, v: Tensor) -> Tree:
        return {**params, **of_u.split(u), **of_v.split(v)}

    return Saddle(
        u,
        v,
        lambda u, v: train(both(u, v)),
        lambda u, v: held_out(both(u, v)),
        bound_u=of_u.bounds[0],
        bound_v=of_v.bounds[0],
        n=len(halves[0]),
    )


def _examples(examples: Tensor, count: int, seed: int, purpose: str) -> Tensor:
    generator = torch.Generator().manual_seed(derive_seed(seed, "game", "examples", purpose))
    return examples[torch.randperm(len(examples), generator=generator)[:count]]


def _noise(
    players: tuple[Player, ...], count: int, seed: int, purpose: str, like: Tensor
) -> Mapping[str, Tensor]:
    return {
        name: draw(
            noise, count, seed, "game", "noise", purpose, name,
            device=torch.device("cpu"), dtype=like.dtype,
        ).to(like.device)
        for player in players
        for name, noise in player.noise.items()
    }  # fmt: skip


def _double(tree: Tree) -> Tree:
    return {net: {name: t.detach().double() for name, t in tensors.items()} for net, tensors in tree.items()}
