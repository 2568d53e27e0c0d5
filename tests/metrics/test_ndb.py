import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.vq import vq
from sklearn.cluster import KMeans

from genbench.metrics.ndb import expected_ndb, ndb


def clusters(*sizes):
    """So many rows at 0, 100, 200, ... that k-means finds them whatever its start."""
    return torch.cat([torch.full((size, 1), 100.0 * place) for place, size in enumerate(sizes)])


def test_hand_case():
    # shares 0.5, 0.3, 0.2 of 100 and 0.5, 0.45, 0.05 of 200: z = 0, 0.15 / 0.06, 0.15 / 0.03674
    found = ndb(clusters(50, 30, 20), clusters(100, 90, 10), bins=3, seed=0)
    assert found.different == 2
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.5, 0.45, 0.05])
    middle = (p + q) / 2
    expected = ((p * np.log(p / middle)).sum() + (q * np.log(q / middle)).sum()) / 2
    assert found.jensen_shannon == pytest.approx(expected, rel=1e-12)
    # two-sided p-values 0.012419 and 4.5e-5
    assert ndb(clusters(50, 30, 20), clusters(100, 90, 10), bins=3, alpha=0.0124, seed=0).different == 1
    assert ndb(clusters(50, 30, 20), clusters(100, 90, 10), bins=3, alpha=0.0125, seed=0).different == 2
    corrected = ndb(
        clusters(50, 30, 20), clusters(100, 90, 10), bins=3, alpha=0.03, correction="bonferroni", seed=0
    )
    assert corrected.different == 1


def test_a_missing_mode_and_nothing_in_common():
    assert ndb(clusters(50, 50), clusters(100), bins=2, seed=0).different == 2
    train = torch.cat([clusters(50, 50), torch.full((50, 1), 1e4)])
    assert ndb(train[:100], clusters(50, 50), bins=2, seed=0) == (0, pytest.approx(0, abs=1e-15))
    nothing = ndb(torch.cat([train[:1], train[100:]]), train[:1].repeat(50, 1), bins=2, seed=0)
    assert nothing.jensen_shannon == pytest.approx(math.log(2), rel=0.1)


def test_agrees_with_scipy(normal):
    """Bins, tests and divergence by other code; the centres are k-means' own."""
    train, fake = normal(600, 4), normal(400, 4) * 1.3 + 0.2
    centers = KMeans(12, n_init=1, random_state=3).fit(train.numpy()).cluster_centers_
    counts = [np.bincount(vq(x.numpy(), centers)[0], minlength=12) for x in (train, fake)]
    different = 0
    for first, second in zip(*counts, strict=True):
        table = [[first, 600 - first], [second, 400 - second]]
        # the χ² test of a 2 x 2 table without Yates is the pooled two-proportion z-test
        different += scipy.stats.chi2_contingency(table, correction=False).pvalue < 0.05
    found = ndb(train, fake, bins=12, seed=3)
    assert found.different == different > 0
    divergence = scipy.spatial.distance.jensenshannon(counts[0] / 600, counts[1] / 400) ** 2
    assert found.jensen_shannon == pytest.approx(divergence, rel=1e-9)


@pytest.mark.run
def test_floor_of_equal_distributions(normal):
    found = [ndb(normal(4000, 2), normal(1000, 2), bins=20, seed=s) for s in range(60)]
    expected = expected_ndb(20, 0.05, 4000, 1000)
    different, divergence = np.mean(found, 0)
    error = np.std(found, 0) / math.sqrt(60)
    assert different < expected.different + 4 * error[0]
    assert different > 0.5 * expected.different
    assert 0.85 * expected.jensen_shannon < divergence < expected.jensen_shannon + 4 * error[1]


@pytest.mark.run
def test_corrected_bins_of_equal_distributions_differ_seldom(normal):
    """Uncorrected nearly every comparison of equal sets has bins that differ."""
    pairs = [(normal(600, 2), normal(600, 2)) for _ in range(60)]
    plain = [ndb(a, b, bins=30, seed=0).different for a, b in pairs]
    corrected = [ndb(a, b, bins=30, correction="bonferroni", seed=0).different for a, b in pairs]
    assert np.mean(np.array(plain) > 0) > 0.3
    assert np.mean(np.array(corrected) > 0) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 60)


def test_published_floor():
    found = expected_ndb(100, 0.05, 45_000, 10_000)
    assert found.different == 5
    assert found.jensen_shannon == pytest.approx(0.0015125, rel=1e-6)
    assert expected_ndb(100, 0.05, 9, 9, "bonferroni").different == pytest.approx(0.05)


def test_few_rows_and_one_bin(normal):
    assert ndb(normal(5, 40), normal(1, 40), bins=1, seed=0) == (0, 0.0)
    assert ndb(normal(5, 40), normal(3, 40), bins=5, seed=0).jensen_shannon > 0


@settings(deadline=None, max_examples=15)
@given(st.integers(10, 30), st.integers(1, 30), st.integers(1, 3), st.integers(1, 10), st.integers(0, 99))
def test_any_sizes(n, m, d, bins, seed):
    generator = torch.Generator().manual_seed(seed)
    found = ndb(
        torch.randn(n, d, generator=generator), torch.randn(m, d, generator=generator), bins=bins, seed=0
    )
    assert 0 <= found.different <= bins
    assert 0 <= found.jensen_shannon <= math.log(2)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_and_order_of_fake_change_nothing(normal, scale):
    train, fake = normal(300, 3), normal(200, 3) + 0.3
    expected = ndb(train, fake, bins=10, seed=0)
    assert ndb(train * scale, fake * scale, bins=10, seed=0) == pytest.approx(expected, rel=1e-9)
    assert ndb(train, fake.flip(0), bins=10, seed=0) == pytest.approx(expected, rel=1e-12)


def test_another_seed_is_another_draw(normal):
    train, fake = normal(500, 3), normal(400, 3) + 0.3
    found = {seed: ndb(train, fake, bins=20, seed=seed) for seed in (1, 2)}
    assert found[1] == ndb(train, fake, bins=20, seed=1)
    assert found[1] != found[2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bins": 0}, "bins is 0 and alpha 0.05"),
        ({"alpha": 1.0}, "alpha 1.0"),
        ({"correction": "holm"}, "correction is 'holm'"),
        ({"train": torch.ones(50, 2)}, "train has 1 different rows, too few for 3 bins"),
        ({"train": torch.ones(2, 2)}, "train has 1 different rows"),
        ({"fake": torch.full((4, 2), torch.nan)}, "fake is not finite in 4 of 4 rows"),
        ({"train": torch.full((4, 2), torch.nan)}, "train is not finite in 4 of 4 rows"),
    ],
)
def test_what_it_refuses(given, message):
    usual = {"train": torch.arange(20.0).view(10, 2), "fake": torch.ones(4, 2), "bins": 3}
    with pytest.raises(ValueError, match=message):
        ndb(**usual | given, seed=0)


@pytest.mark.parametrize("sizes", [(0, 0.05, 5, 5), (5, 0.0, 5, 5), (5, 0.05, 0, 5), (5, 0.05, 5, 0)])
def test_expectations_it_refuses(sizes):
    with pytest.raises(ValueError, match="at least 1"):
        expected_ndb(*sizes)
