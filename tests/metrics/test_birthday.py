import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics import birthday
from genbench.metrics.birthday import birthday_support


def days(support, n, seed=0):
    """Draws of a uniform distribution over so many points, 1 apart."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, support, (n, 1))).double()


def test_hand_case():
    # 0 twice, 5 three times: 1 + 3 of 15 pairs
    found = birthday_support(torch.tensor([[0.0], [5.0], [0.0], [5.0], [9.0], [5.0]]), threshold=0)
    assert (found.duplicates, found.support) == (4, 15 / 4)
    assert found.batch == pytest.approx(0.5 + math.sqrt(0.25 + 2 * math.log(2) * 15 / 4))
    assert found.at_least == pytest.approx(15 / 9.1535, rel=1e-4)  # 95 % upper end of a Poisson mean, 4 seen


@pytest.mark.parametrize(("size", "support"), [(23, 365), (400, 115_416), (1000, 721_348)])
def test_known_supports(size, support):
    """Vectors of the birthday problem: a chance of one half at s where the support is s² / (2 ln 2)."""
    n = 2000
    found = birthday_support(days(support, n, seed=1), threshold=0)
    expected = n * (n - 1) / 2 / support
    assert abs(found.duplicates - expected) < 4 * math.sqrt(expected)
    assert found.at_least < support
    if found.duplicates:
        # the batch is that of the estimate; scaled to the true support it is the one of the vector
        assert found.batch * math.sqrt(support / found.support) == pytest.approx(size, abs=0.6)


def test_unbiased_share_of_pairs_and_its_interval():
    found = [birthday_support(days(400, 80, seed), threshold=0) for seed in range(300)]
    shares = np.array([each.duplicates for each in found]) / (80 * 79 / 2)
    assert abs(shares.mean() - 1 / 400) < 4 * shares.std() / math.sqrt(300)
    inside = np.mean([each.at_least < 400 for each in found])
    assert inside > 0.95 - 4 * math.sqrt(0.05 * 0.95 / 300)


@pytest.mark.run
def test_half_of_the_batches_have_a_duplicate():
    """What Arora and Zhang count, from the batch size that is told."""
    size = round(birthday_support(days(365, 3000), threshold=0).batch)
    assert abs(size - 23) <= 1
    found = np.mean(
        [birthday_support(days(365, 23, seed), threshold=0).duplicates > 0 for seed in range(1000)]
    )
    assert abs(found - 0.507297) < 4 * 0.5 / math.sqrt(1000)


def test_half_of_the_samples_on_one_point_is_a_support_of_four(normal):
    samples = torch.cat([torch.zeros(500, 2, dtype=torch.float64), normal(500, 2)])
    assert birthday_support(samples, threshold=0).support == pytest.approx(4, rel=0.01)


def test_no_duplicates_is_a_bound_only(normal):
    found = birthday_support(normal(100, 3), threshold=0)
    assert (found.duplicates, found.support, found.batch) == (0, math.inf, math.inf)
    assert found.at_least == pytest.approx(4950 / 2.995732, rel=1e-6)  # the rule of three


@pytest.mark.parametrize(("n", "d"), [(2, 1), (50, 3), (30, 100)])
def test_agrees_with_scipy(normal, n, d):
    samples = normal(n, d)
    distance = scipy.spatial.distance.pdist(samples.numpy())
    threshold = float(np.median(distance)) * 1.001
    found = birthday_support(samples, threshold=threshold)
    assert found.duplicates == (distance <= threshold).sum()
    # at the lower end so few pairs are seen with a chance of 5 %
    assert scipy.stats.poisson.cdf(found.duplicates, len(distance) / found.at_least) == pytest.approx(0.05)


def test_constants_are_all_alike():
    found = birthday_support(torch.full((40, 3), 1e6), threshold=0)
    assert (found.duplicates, found.support) == (780, 1.0)
    assert found.batch == pytest.approx(0.5 + math.sqrt(0.25 + 2 * math.log(2)))


@pytest.mark.parametrize("tile", [1, 7, 40])
def test_tiles_change_nothing(monkeypatch, tile):
    samples = days(20, 40)
    whole = birthday_support(samples, threshold=0)
    monkeypatch.setattr(birthday, "_TILE", tile)
    assert birthday_support(samples, threshold=0) == whole


@given(st.lists(st.integers(0, 5), min_size=2, max_size=40), st.integers(0, 2))
def test_pairs_of_any_multiset(values, threshold):
    found = birthday_support(torch.tensor(values, dtype=torch.float32)[:, None], threshold=threshold)
    pairs = [(a, b) for place, a in enumerate(values) for b in values[:place]]
    assert found.duplicates == sum(abs(a - b) <= threshold for a, b in pairs)
    assert found.support >= 1
    assert found.at_least <= found.support
    assert found == birthday_support(
        torch.tensor(values[::-1], dtype=torch.float64)[:, None], threshold=threshold
    )


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_threshold_has_the_scale_of_the_samples(normal, scale):
    samples = normal(60, 4)
    assert birthday_support(samples * scale, threshold=scale) == birthday_support(samples, threshold=1.0)


def test_copies_far_from_zero_are_found(normal):
    samples = normal(30, 50) + 1e7
    assert birthday_support(samples.repeat(2, 1), threshold=0).duplicates == 30


@pytest.mark.parametrize("threshold", [-1.0, math.nan, math.inf])
def test_what_it_refuses(normal, threshold):
    with pytest.raises(ValueError, match="a distance is 0 or more and finite"):
        birthday_support(normal(5, 2), threshold=threshold)
    with pytest.raises(ValueError, match="samples has 1 rows; this metric needs at least 2"):
        birthday_support(normal(1, 2), threshold=1)
