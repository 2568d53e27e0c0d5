import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors
from torchmetrics.image.mifid import _compute_cosine_distance

from genbench.metrics import authenticity, expected_authenticity, memorization, memorization_distance
from genbench.metrics import neighbours as engine


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def test_hand_case():
    # train's nearest others are 1, 1, 2 and 4 away
    train = column(0, 1, 3, 7)
    near, far = (0.4, 1.5, 2.2, 8.0), (20.0, -1.5)
    assert authenticity(train, column(*near)) == 0.0
    assert authenticity(train, column(*far)) == 1.0
    assert authenticity(train, column(*near, *far)) == 2 / 6


def test_ties():
    train = column(0, 2, 10)  # nearest others 2, 2 and 8 away
    assert authenticity(train, column(-2)) == 0.0  # as far as train's own
    assert authenticity(train, column(-2.5)) == 1.0
    for turned in (train, train.flip(0)):
        assert authenticity(turned, column(6)) == 0.0  # 4 from 2 and from 10: farther than 2, not than 8


def test_copies_are_never_authentic(normal):
    train = normal(300, 5)
    assert authenticity(train, train[:40]) == 0.0
    twice = train.repeat(2, 1)
    assert authenticity(twice, train[:40]) == 0.0
    assert authenticity(twice, train[:40] + 1e-6) == 1.0  # known failure: the nearest other is at 0
    assert authenticity(torch.ones(9, 3), torch.ones(4, 3)) == 0.0
    assert authenticity(torch.ones(9, 3), torch.zeros(4, 3)) == 1.0


@pytest.mark.parametrize(
    ("n", "m", "d"),
    [(2, 1, 1), pytest.param(2500, 1200, 64, marks=pytest.mark.run), (60, 300, 3), (30, 40, 100)],
)
def test_agrees_with_scikit_learn(normal, n, m, d):
    train, fake = normal(n, d), normal(m, d)
    search = NearestNeighbors(algorithm="brute").fit(train)
    own = search.kneighbors(train, 2)[0][:, 1]
    distance, at = search.kneighbors(fake, 1)
    assert authenticity(train, fake) == (distance[:, 0] > own[at[:, 0]]).mean()


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from([1, 4, 20]), st.booleans())
def test_ties_follow_the_definition(seed, d, span, often):
    random = np.random.default_rng(seed)
    x, y = (random.integers(0, span, (random.integers(2, 40), d)) for _ in range(2))
    across, within = (((a[:, None] - x[None]) ** 2).sum(-1) for a in (y, x))
    np.fill_diagonal(within, np.iinfo(within.dtype).max)
    least = across.min(1, keepdims=True)
    expected = [(least[j] > within.min(1)[across[j] == least[j]]).all() for j in range(len(y))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_TILE", (16, 8))
        if often:
            patch.setattr(memorization, "_WAITING", 3)
        assert authenticity(torch.tensor(x).double(), torch.tensor(y).double()) == np.mean(expected)


@pytest.mark.parametrize("metric", [authenticity, memorization_distance])
def test_order_and_tiles_change_nothing(normal, monkeypatch, metric):
    train, fake = normal(101, 6), normal(60, 6)
    train[90], fake[9] = train[3], train[5]
    whole = metric(train, fake)
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        shuffled = (each[torch.randperm(len(each), generator=generator)] for each in (train, fake))
        assert metric(*shuffled) == whole
    for tile in ((16, 8), (7, 1000)):
        monkeypatch.setattr(engine, "_TILE", tile)
        assert metric(train, fake) == whole


@pytest.mark.parametrize("metric", [authenticity, memorization_distance])
@pytest.mark.parametrize("scale", [2.0**-30, 2.0**30])
def test_scale_does_not_matter(normal, metric, scale):
    train, fake = normal(200, 6), normal(150, 6)
    assert metric(train * scale, fake * scale) == metric(train, fake)


@pytest.mark.parametrize("metric", [authenticity, memorization_distance])
def test_errors_call_the_sets_by_their_names(normal, metric):
    with pytest.raises(ValueError, match="train is not finite in 1 of 5 rows: 2"):
        metric(normal(5, 2).index_fill(0, torch.tensor([2]), torch.nan), normal(5, 2))
    with pytest.raises(ValueError, match="fake is not finite"):
        metric(normal(5, 2), normal(5, 2) * torch.inf)
    with pytest.raises(ValueError, match=r"train \(5, 2\) and fake \(5, 3\)"):
        metric(normal(5, 2), normal(5, 3))
    with pytest.raises(ValueError, match="fake has 0 rows"):
        metric(normal(5, 2), normal(0, 2))


def test_one_training_point_has_no_other(normal):
    with pytest.raises(ValueError, match="train has 1 rows; this metric needs at least 2"):
        authenticity(normal(1, 2), normal(5, 2))


@pytest.mark.parametrize(("d", "expected"), [(1, 1 / 3), (2, 0.3785), (3, 0.4074), (10**6, 0.5)])
def test_expected_authenticity(d, expected):
    assert expected_authenticity(d) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.run
def test_expected_authenticity_of_uniform_samples(d):
    generator = torch.Generator().manual_seed(d)
    values = []
    for _ in range(25):
        train = torch.rand(4000, d, dtype=torch.float64, generator=generator)
        fake = 0.3 + 0.4 * torch.rand(1000, d, dtype=torch.float64, generator=generator)  # far from edges
        values.append(authenticity(train, fake))
    standard_error = np.std(values, ddof=1) / 5
    assert standard_error < 0.01
    assert abs(np.mean(values) - expected_authenticity(d)) < 4 * standard_error


@pytest.mark.parametrize(("d", "expected"), [(10, 0.624), (64, 0.820)])
@pytest.mark.run
def test_hubs_raise_authenticity_in_high_dimension(normal, d, expected):
    values = [authenticity(normal(1000, d), normal(1000, d)) for _ in range(8)]
    assert np.mean(values) == pytest.approx(expected, abs=0.02)


def test_expected_authenticity_refuses_no_dimension():
    with pytest.raises(ValueError, match="at least 1"):
        expected_authenticity(0)


def test_memorization_distance_by_hand():
    train = torch.tensor([[3.0, 0.0], [0.0, 0.5]])
    for fake, expected in (
        ([[1.0, 1.0]], 1 - math.sqrt(0.5)),
        ([[7.0, 0.0]], 0.0),
        ([[-7.0, 0.0]], 0.0),  # |cos|
        ([[3.0, -4.0], [1.0, 1.0]], (0.2 + 1 - math.sqrt(0.5)) / 2),
    ):
        assert memorization_distance(train, torch.tensor(fake)) == pytest.approx(
            expected, rel=1e-12, abs=1e-16
        )


@pytest.mark.parametrize(
    ("n", "m", "d"),
    [(1, 1, 3), pytest.param(2500, 1100, 64, marks=pytest.mark.run), (50, 300, 2), (30, 40, 100)],
)
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_memorization_distance_agrees_with_all_cosines(normal, n, m, d, scale):
    train, fake = normal(n, d) * scale, normal(m, d) * scale
    expected = (1 - np.abs(cosine_similarity(fake, train))).min(1).mean()
    assert memorization_distance(train, fake) == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_a_few_training_images_replayed_are_caught(normal):
    train = normal(500, 16)
    replayed = train[:10].repeat(50, 1)
    assert memorization_distance(train, replayed) == 0.0
    # the same for the average over the training set, which torchmetrics takes, is far from 0
    transposed = float(_compute_cosine_distance(train, replayed, cosine_distance_eps=2.0))
    assert transposed > 0.2
    fresh = normal(400, 16)
    swapped = float(_compute_cosine_distance(fresh, train, cosine_distance_eps=2.0))
    assert memorization_distance(train, fresh) == pytest.approx(swapped, rel=1e-9)


def test_near_copies_keep_their_small_distance(normal):
    train = normal(50, 8)
    moved = train.clone()
    moved[:, 0] += 1e-9 * train[:, 1]
    unit = train / train.norm(dim=1, keepdim=True)
    shift = moved / train.norm(dim=1, keepdim=True) - unit
    across = shift - (shift * unit).sum(1, keepdim=True) * unit
    expected = float(across.square().sum(1).mean() / 2)  # 1 - cos = sin² / 2, which 1 - |u·v| loses
    assert memorization_distance(train, moved) == pytest.approx(expected, rel=1e-4)


def test_rows_of_zeros_are_named(normal):
    points = normal(9, 3)
    points[[2, 5]] = 0
    with pytest.raises(ValueError, match="fake is all zeros in 2 of 9 rows: 2, 5"):
        memorization_distance(normal(9, 3), points)
    with pytest.raises(ValueError, match="train is all zeros"):
        memorization_distance(points, normal(9, 3))
