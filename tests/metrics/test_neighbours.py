"""The distance pass behind the neighbour metrics: exact, whatever the screen, the tiles and the threads."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from genbench.metrics import neighbours as engine
from genbench.metrics.neighbours import nearest_others, pairs_within

TILES = [(16, 8), (48, 1000), (7, 3)]


def exact(points, queries):
    return torch.cdist(points, queries, compute_mode="donot_use_mm_for_euclid_dist")


def plain(points, k):
    """All distances, sorted: the same four numbers of each point."""
    distance = exact(points, points)
    others = distance.masked_fill(torch.eye(len(points), dtype=torch.bool), torch.inf).sort(1).values
    radius = others[:, k - 1]
    own = [(distance < radius[:, None]).sum(1), (distance == radius[:, None]).sum(1)]
    return radius, others[:, 0], *own


def agrees(points, k):
    found = nearest_others(points, k)
    return all(torch.equal(a.double(), b.double()) for a, b in zip(found, plain(points, k), strict=True))


@pytest.fixture
def kinds(monkeypatch):
    """Types of the matrix products that were made."""
    seen = []
    product = torch.mm

    def spy(a, b, **settings):
        seen.append(a.dtype)
        return product(a, b, **settings)

    monkeypatch.setattr(torch, "mm", spy)
    return seen


@pytest.mark.parametrize(
    ("n", "d", "k"),
    [(6, 1, 5), (40, 90, 5), (300, 2, 1)]
    + [pytest.param(*sizes, marks=pytest.mark.run) for sizes in ((2500, 64, 5), (3000, 2, 1), (500, 700, 3))],
)
def test_agrees_with_scikit_learn(normal, n, d, k):
    points = normal(n, d)
    distance, _ = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(points).kneighbors(points)
    found = nearest_others(points, k)
    assert found.radius.tolist() == pytest.approx(distance[:, k].tolist(), rel=1e-9)
    assert found.nearest.tolist() == pytest.approx(distance[:, 1].tolist(), rel=1e-9)
    assert found.inside.tolist() == [k] * n  # the point itself and k - 1 others
    assert found.surface.tolist() == [1] * n


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize(("n", "d"), [pytest.param(2600, 3, marks=pytest.mark.run), (300, 64)])
def test_exact_to_the_last_bit(normal, n, d, scale, offset):
    assert agrees((normal(n, d) + offset) * scale, 5)


def test_an_outlier_and_far_modes_leave_the_others_exact(normal, kinds):
    points = normal(640, 16)
    points[7] *= 1e12
    assert agrees(points, 5)
    kinds.clear()
    modes = normal(640, 16) + 1e5 * torch.arange(640)[:, None].remainder(5)
    assert agrees(modes, 5)
    assert set(kinds) == {torch.float32, torch.float64}  # float32 cannot tell neighbours from mates


def test_what_all_have_in_common_costs_no_digits(normal, kinds):
    assert agrees(normal(640, 16) + 1e6, 5)
    assert set(kinds) == {torch.float32}


def test_only_float32_products_that_are_float32_are_trusted(normal, kinds):
    points = normal(640, 16)
    with torch.autocast("cpu"):
        assert agrees(points, 3)
    assert set(kinds) == {torch.float32}
    kinds.clear()
    torch.set_float32_matmul_precision("medium")
    try:
        assert agrees(points, 3)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert set(kinds) == {torch.float64}


@pytest.mark.parametrize(("d", "kind"), [(2, torch.float64), (8, torch.float64), (9, torch.float32)])
def test_clusters_in_few_dimensions_are_not_tried_in_float32(normal, kinds, d, kind):
    assert agrees(normal(300, d), 3)
    assert set(kinds) == {kind}


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [1, 64, 3000])
@pytest.mark.parametrize(
    ("scale", "offset", "spread"), [(1, 0, 1), (1e-30, 0, 1), (1, 1e6, 1), (1, 0.1, 1e-9)]
)
def test_the_screen_never_overstates_a_distance(normal, kind, d, scale, offset, spread):
    x, y = (scale * (offset + spread * normal(n, d)) for n in (90, 70))
    y[0] = x[0]
    y[1] = x[1] * 1e3
    x[2:20] = x[2:20].abs()  # roundings of one sign add up
    frame = engine._frame(x, y)
    low = engine._left(x, frame, kind) @ engine._right(y, frame, kind).T
    squares = (exact(x, y) * frame.scale).square()
    assert (low[:90] <= squares).all()
    assert low[90:].isinf().all()  # what fills the last group up is nobody's neighbour
    norms = sum(((each - frame.centre) * frame.scale).square().sum(1).max() for each in (x, y))
    assert (low[:90] >= squares - 2.5 * engine._slack(d, kind)[0] * norms - 1e-30).all()  # nor is it idle


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from([1, 3, 30]),
    st.sampled_from([*TILES, engine._TILE]),
)
def test_ties_in_any_tiles(seed, k, d, span, tile):
    random = np.random.default_rng(seed)  # few whole numbers: nearly every distance is tied
    points = torch.tensor(random.integers(0, span, (random.integers(k + 1, 60), d))).double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_TILE", tile)
        assert agrees(points, k)


def test_some_points_only(normal):
    points = normal(2500, 8)
    points[100] = points[2400]
    at = torch.tensor([2499, 3, 100, 2400])
    some, every = nearest_others(points, 2, at=at), nearest_others(points, 2)
    assert all(torch.equal(a, b[at]) for a, b in zip(some, every, strict=True))
    assert some.nearest[2:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("tile", [*TILES, engine._TILE])
@pytest.mark.parametrize("spread", [1.0, 0.01])
def test_no_near_pair_is_missed_and_none_comes_twice(normal, monkeypatch, tile, spread):
    monkeypatch.setattr(engine, "_TILE", tile)
    points, queries = normal(50, 4), spread * normal(33, 4)
    limit = torch.rand(33, dtype=torch.float64)
    radii = torch.rand(50, dtype=torch.float64) * 2, torch.rand(33, dtype=torch.float64)
    distance = exact(points, queries)
    for around, reach in (
        (None, limit.expand(50, -1)),
        (radii, torch.maximum(torch.maximum(radii[0][:, None], radii[1]), limit)),
    ):
        found = torch.zeros_like(distance)
        for near in pairs_within(points, queries, limit, radii=around):
            assert torch.equal(near.distance, distance[near.point, near.query])
            assert (near.query.diff() >= 0).all()
            found[near.point, near.query] += 1
        assert found.max() == 1
        assert (found >= (distance <= reach)).all()


@pytest.mark.run
def test_threads_change_nothing(normal):
    points, before = normal(3000, 16), torch.get_num_threads()
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(nearest_others(points, 5))
    torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
