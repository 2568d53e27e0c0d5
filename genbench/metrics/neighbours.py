"""Which points of two sets are near each other: the one distance pass behind the neighbour metrics.

Distances decide everything here, and a tie must come out as a tie. Differences of coordinates give equal
rows a distance of exactly 0 and a pair the same bits wherever it is computed, but cost thirty times a matrix
product. So a product in float32 gives every pair a lower bound of its squared distance, rigorous for any
order of summation, and only pairs that the bound cannot rule out are computed exactly, in float64: about ten
a point. No result depends on the bound, the tiles or the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

_TILE = (2048, 1024)
"""Points and queries compared at once, whatever N and M are: 8 MiB of float32, which stay in cache."""

_BY_DIFFERENCES = "donot_use_mm_for_euclid_dist"

_FEW, _MANY = 1 / 64, 1 / 4
"""Shares of a tile's pairs: what float32 and float64 may leave open."""

_SHORT = 8
"""Dimensions up to which float32 is not tried."""

_GROUP = 16
"""Points whose least bound is looked at first: one pass over the tile, and all that follows is on 1/16."""


class Pairs(NamedTuple):
    """Pairs that are near each other, with their exact distance."""

    point: Tensor
    query: Tensor
    distance: Tensor


class Others(NamedTuple):
    """Each query's neighbours among the points other than itself; a field is a Tensor (M,).

    Attributes:
        radius: distance to the k-th of them.
        nearest: distance to the first.
        inside: how many are nearer than the k-th.
        surface: how many are as near as the k-th, itself included.
    """

    radius: Tensor
    nearest: Tensor
    inside: Tensor
    surface: Tensor


class Nearest:
    """Running distance from each query to its nearest point, and how far that point's own nearest is.

    Attributes:
        distance: (M,) to the nearest point seen.
        reach: (M,) from that point to the nearest other one; of several equally near, the largest.
    """

    def __init__(self, queries: Tensor) -> None:
        self.distance = torch.full_like(queries[:, 0], torch.inf)
        self.reach = torch.zeros_like(self.distance)
        self._reach_of = self.distance.clone()  # the distance that ``reach`` belongs to

    def see(self, pairs: Pairs) -> Pairs:
        """Take note of distances, and return the pairs at the least one of their query."""
        self.distance.scatter_reduce_(0, pairs.query, pairs.distance, "amin")
        return self.still_nearest(pairs)

    def still_nearest(self, pairs: Pairs) -> Pairs:
        """The pairs that no point seen is nearer than."""
        keep = pairs.distance == self.distance[pairs.query]
        return Pairs(*(each[keep] for each in pairs))

    def settle(self, nearest: Pairs, own: Tensor) -> None:
        """Take note of ``own``, the distance of each of the ``nearest`` points to the nearest other."""
        self.reach[self._reach_of != self.distance] = 0
        self._reach_of.copy_(self.distance)
        self.reach.scatter_reduce_(0, nearest.query, own, "amax")


def nearest_others(points: Tensor, k: int, *, at: Tensor | None = None) -> Others:
    """The k nearest others of each point, or of those ``at`` some indices only.

    Args:
        points: (N, D) float64, N > k.
        k: how many.
        at: (M,) indices of the points to look from.
    """
    at = torch.arange(len(points), device=points.device) if at is None else at
    queries = points[at]
    limit = torch.full_like(queries[:, 0], torch.inf)  # the k-th distance so far
    least = limit[:, None].repeat(1, k)
    beyond = torch.zeros_like(limit)  # at the k-th distance, but not among the k in ``least``
    for pairs in pairs_within(points, queries, limit, k=k, itself=at):
        if not len(pairs.query):
            continue
        # the pairs come in order of their queries: a row of ``table`` for each that occurs
        query, count = torch.unique_consecutive(pairs.query, return_counts=True)
        row = torch.repeat_interleave(count)
        place = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
        table = least.new_full((len(query), k + int(count.max())), torch.inf)
        table[:, :k] = least[query]
        table[row, k + place] = pairs.distance
        kept = table.topk(k, dim=1, largest=False).values
        last = kept[:, -1:]
        as_before = torch.where(last[:, 0] == limit[query], beyond[query], 0)
        beyond[query] = (table == last).sum(1) - (kept == last).sum(1) + as_before
        least[query] = kept
        limit[query] = last[:, 0]
    inside = (least < limit[:, None]).sum(1) + (limit > 0)  # the point itself is at 0
    surface = (least == limit[:, None]).sum(1) + beyond + (limit == 0)
    return Others(limit, least[:, 0].clone(), inside.double(), surface)


def pairs_within(
    points: Tensor,
    queries: Tensor,
    limit: Tensor,
    *,
    radii: tuple[Tensor, Tensor] | None = None,
    itself: Tensor | None = None,
    k: int = 1,
) -> Iterator[Pairs]:
    """All pairs no farther apart than the query's limit, or the radius of either: tile by tile.

    A limit may be lowered while the tiles come, and one of infinity stands for the distance to the k-th
    nearest in the tile. The pairs of a tile come in order of their queries; some may be farther.

    Args:
        points: (N, D) float64.
        queries: (M, D) float64.
        limit: (M,) float64.
        radii: (N,) and (M,) float64; fastest where the points' ascend. None by default.
        itself: (M,) index of the point that is the query, which is no pair.
        k: which neighbour a limit of infinity stands for.
    """
    frame = _frame(points, queries)
    kinds = _kinds(points.shape[1])
    many, few = _TILE
    lefts = [_left(each, frame, kinds[0]) for each in torch.split(points, many)]
    space = points.new_empty(len(lefts[0]) * min(few, len(queries)), dtype=kinds[0])
    for column in range(0, len(queries), few):
        columns = slice(column, column + few)
        right = _right(queries[columns], frame, kinds[0])
        for number, left in enumerate(lefts):
            rows = slice(number * many, number * many + many)
            own = _own(rows, itself[columns]) if itself is not None else None
            around = (radii[0][rows], radii[1][columns]) if radii is not None else None
            tile = _Tile(points[rows], queries[columns], limit[columns], around, own, k)
            found = _screened(tile, left, right, frame, space)
            if found is None and kinds[0] != torch.float64:
                again = _left(tile.points, frame, torch.float64), _right(tile.queries, frame, torch.float64)
                found = _screened(tile, *again, frame)
            pairs = _whole(tile) if found is None else _exact(tile, *found)
            yield Pairs(pairs.point + rows.start, pairs.query + column, pairs.distance)


class _Tile(NamedTuple):
    points: Tensor  # (n, D)
    queries: Tensor  # (m, D)
    limit: Tensor  # (m,)
    radii: tuple[Tensor, Tensor] | None  # (n,) and (m,)
    own: tuple[Tensor, Tensor] | None  # indices of the points that are queries, and of those queries
    k: int


class _Frame(NamedTuple):
    """Coordinates in which float32 neither overflows nor loses what far-off data have in common."""

    centre: Tensor
    scale: float  # a power of two: exact


def _frame(points: Tensor, queries: Tensor) -> _Frame:
    centre = points.mean(0)
    parts = (*torch.split(points, _TILE[0]), *torch.split(queries, _TILE[0]))
    largest = max(float((part - centre).abs().max()) for part in parts)
    return _Frame(centre, 2.0 ** min(1000, -math.frexp(largest)[1]))


def _kinds(dimension: int) -> tuple[torch.dtype, ...]:
    """float32 first, where its products are what they say and enough digits are left.

    Not in few dimensions: the points of a cluster crowd there, nearer to each other than float32 can tell
    beside the size of the whole, and to find that out costs more than float64 products so short.
    """
    try:
        full = torch.get_float32_matmul_precision() == "highest"
    except RuntimeError:  # set for one backend alone, which this cannot be asked for
        full = False
    fast = full and dimension > _SHORT and _slack(dimension, torch.float32)[0] < 0.02
    return (torch.float32, torch.float64) if fast else (torch.float64,)


def _slack(dimension: int, kind: torch.dtype) -> tuple[float, float]:
    """What the product of two operands may be off by: a share of |a|² + |b|², and a number for each.

    It has D + 2 terms of together at most 2 (|a|² + |b|²), and is off by less than 3 (D + 4) roundings of
    half an eps; the exact distance and the limit, in float64, by 2 (D + 8) of their own. Besides, each of
    its terms may lose what lies below the smallest normal number.
    """
    return 4 * (dimension + 8) * torch.finfo(kind).eps, 8 * (dimension + 8) * torch.finfo(kind).tiny


def _left(points: Tensor, frame: _Frame, kind: torch.dtype) -> Tensor:
    moved, least = _moved(points, frame, kind)
    operand = torch.cat([-2 * moved, least, torch.ones_like(least)], 1).to(kind)
    padded = torch.nn.functional.pad(operand, (0, 0, 0, -len(points) % _GROUP))
    padded[len(points) :, -2] = torch.inf  # far from everything
    return padded


def _right(queries: Tensor, frame: _Frame, kind: torch.dtype) -> Tensor:
    moved, least = _moved(queries, frame, kind)
    return torch.cat([moved, torch.ones_like(least), least], 1).to(kind)


def _moved(points: Tensor, frame: _Frame, kind: torch.dtype) -> tuple[Tensor, Tensor]:
    """Points (N, D) in the frame, and their squared norms (N, 1) less the slack."""
    moved = (points - frame.centre) * frame.scale
    share, number = _slack(moved.shape[1], kind)
    return moved, (1 - share) * moved.square().sum(1, keepdim=True) - number


def _own(rows: slice, itself: Tensor) -> tuple[Tensor, Tensor]:
    queries = ((itself >= rows.start) & (itself < rows.stop)).nonzero()[:, 0]
    return itself[queries] - rows.start, queries


def _screened(
    tile: _Tile, left: Tensor, right: Tensor, frame: _Frame, space: Tensor | None = None
) -> tuple[Tensor, Tensor] | None:
    """Indices of the points and queries of all pairs that may be near; None where those are too many."""
    kind, wide = left.dtype, len(right)
    out = None if space is None else space[: len(left) * wide].view(-1, wide)
    low = torch.mm(left, right.T, out=out)
    if tile.own is not None:
        low[tile.own] = torch.inf
    groups = low.view(-1, _GROUP, wide)
    least = groups.amin(1)
    bound = (tile.limit * frame.scale).square()
    if len(least) >= tile.k and bool(bound.isinf().any()):
        # a pair of lower bound l and squared distance s has s ≤ l + 2 slack (|a|² + |b|²), and the norms
        # together are at most 3 |b|² + 2 s
        share, number = _slack(tile.points.shape[1], kind)
        known = least.topk(tile.k, dim=0, largest=False).values[-1].double()
        known += 8 * share * (right[:, -1].double() + number) + 4 * number
        bound = torch.where(bound.isinf(), known.clamp(min=0) / (1 - 4 * share), bound)
    if tile.radii is None:
        bound = _upward(bound, kind)
        query, group = (least <= bound).T.nonzero().unbind(1)
        reach = bound[query, None]
    else:
        radius, around = (_upward((each * frame.scale).square(), kind) for each in tile.radii)
        radius = torch.nn.functional.pad(radius, (0, len(left) - len(radius))).view(-1, _GROUP)
        bound = torch.maximum(_upward(bound, kind), around)
        farthest = torch.maximum(radius.amax(1, keepdim=True), bound)
        query, group = (least <= farthest).T.nonzero().unbind(1)
        reach = torch.maximum(radius[group], bound[query, None])
    near = groups[group, :, query] <= reach
    # to gather more would cost more than to screen in float64, or then to compute all
    if int(near.sum()) > low.numel() * (_FEW if kind == torch.float32 else _MANY):
        return None
    which, place = near.nonzero().unbind(1)
    return group[which] * _GROUP + place, query[which]


def _upward(square: Tensor, kind: torch.dtype) -> Tensor:
    """Rounded up to the kind, and never infinite: that is how a point that is no pair is marked."""
    limits = torch.finfo(kind)
    return (square * (1 + 4 * limits.eps) + limits.tiny).clamp(max=limits.max).to(kind)


def _exact(tile: _Tile, point: Tensor, query: Tensor) -> Pairs:
    """The pairs with their distances, few at a time."""
    few = max(1, _TILE[0] * _TILE[1] // tile.points.shape[1])
    distance = [
        torch.cdist(tile.points[i, None], tile.queries[j, None], compute_mode=_BY_DIFFERENCES).flatten()
        for i, j in zip(torch.split(point, few), torch.split(query, few), strict=True)
    ]
    return Pairs(point, query, torch.cat(distance))


def _whole(tile: _Tile) -> Pairs:
    """All distances of the tile, and the pairs that are near."""
    distance = torch.cdist(tile.queries, tile.points, compute_mode=_BY_DIFFERENCES)
    if tile.own is not None:
        distance[tile.own[1], tile.own[0]] = torch.inf
    bound = tile.limit
    if len(tile.points) >= tile.k and bool(bound.isinf().any()):
        bound = torch.where(bound.isinf(), distance.kthvalue(tile.k, dim=1).values, bound)
    bound = bound[:, None]
    if tile.radii is not None:
        bound = torch.maximum(torch.maximum(bound, tile.radii[1][:, None]), tile.radii[0])
    bound = bound.clamp(max=torch.finfo(torch.float64).max)  # a point that is no pair is at infinity
    query, point = (distance <= bound).nonzero().unbind(1)
    return Pairs(point, query, distance[query, point])
