import importlib
import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics.mode_coverage import (
    expected_mode_coverage,
    expected_mode_coverage_of_labels,
    mode_coverage,
    mode_coverage_of_labels,
)


def ring(modes=8, radius=1.0):
    angle = torch.arange(modes, dtype=torch.float64) * 2 * math.pi / modes
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


def draw(normal, centers, scale, n, seed=0):
    which = torch.randint(len(centers), (n,), generator=torch.Generator().manual_seed(seed))
    return centers[which] + scale * normal(n, centers.shape[1])


def test_hand_case():
    centers = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    samples = torch.tensor([[0.0, 2.9], [1.0, 1.0], [-1.0, 0.0], [10.0, 1.0], [5.0, 5.0]])
    found = mode_coverage(samples, centers, 1.0)
    assert found.counts.tolist() == [3, 1, 0, 0]
    assert (found.covered, found.high_quality) == (2, 0.8)
    assert found.reverse_kl == pytest.approx(0.75 * math.log(3) + 0.25 * math.log(1), rel=1e-12)


def test_quality_is_a_ball_and_not_a_box():
    corner = torch.tensor([[2.9, 2.9]])
    assert mode_coverage(corner, torch.zeros(1, 2), 1.0).high_quality == 0.0
    assert mode_coverage(torch.tensor([[2.0, 2.0]]), torch.zeros(1, 2), 1.0).high_quality == 1.0


def test_the_edge_is_outside():
    samples = torch.tensor([[3.0], [-3.0], [2.999]])
    assert mode_coverage(samples, torch.zeros(1, 1), 1.0).counts.tolist() == [1]


def test_only_samples_of_quality_count():
    """One good sample and many strays nearest to another mode: the strays are in no histogram."""
    centers = torch.tensor([[0.0], [100.0]])
    samples = torch.tensor([[0.1]] + [[90.0]] * 9)
    found = mode_coverage(samples, centers, 1.0)
    assert found.counts.tolist() == [1, 0]
    assert found.high_quality == 0.1
    assert found.reverse_kl == pytest.approx(math.log(2))


def test_no_sample_of_quality_has_no_histogram():
    found = mode_coverage(torch.full((5, 2), 9.0), ring(), 0.01)
    assert (found.covered, found.high_quality, found.reverse_kl) == (0, 0.0, math.inf)
    assert found.counts.tolist() == [0] * 8


@pytest.mark.parametrize("hit", [1, 3, 8])
def test_modes_hit_alike_have_the_closed_form(hit):
    found = mode_coverage(ring()[:hit].repeat(7, 1), ring(), 0.01)
    assert (found.covered, found.high_quality) == (hit, 1.0)
    assert found.reverse_kl == pytest.approx(math.log(8 / hit), abs=1e-12)


def test_agrees_with_numpy_and_scipy(normal):
    centers, scale = ring(5, 3.0), 0.3
    samples = draw(normal, centers, 0.4, 2000)
    distance = scipy.spatial.distance.cdist(samples.numpy(), centers.numpy())
    good = distance.min(1) < 3 * scale
    counts = np.bincount(distance.argmin(1)[good], minlength=5)
    found = mode_coverage(samples, centers, scale)
    assert found.counts.tolist() == counts.tolist()
    assert found.high_quality == good.mean()
    assert found.reverse_kl == pytest.approx(scipy.stats.entropy(counts, np.ones(5)), rel=1e-9)


@pytest.mark.parametrize(
    ("centers", "scale", "n", "radius"),
    [
        (ring(), 0.01, 2500, 3.0),
        (ring(), 0.01, 40, 3.0),
        (ring(20, 9.0), 0.05, 200, 1.5),
        (torch.eye(5, dtype=torch.float64) * 50, 1.0, 300, 3.0),
        (torch.zeros(1, 1, dtype=torch.float64), 2.0, 50, 2.0),
    ],
)
def test_expectation_of_true_samples(normal, centers, scale, n, radius):
    found = np.array(
        [
            mode_coverage(draw(normal, centers, scale, n, seed), centers, scale, radius=radius)[:3]
            for seed in range(300)
        ],
        float,
    )
    expected = expected_mode_coverage(len(centers), n, dimensions=centers.shape[1], radius=radius)
    error = found.std(0) / math.sqrt(300)
    # the divergence is that of a fixed number of good samples, not of a random one
    assert np.all(abs(found.mean(0) - expected) < 4 * error + [1e-6, 1e-6, 1e-6 + 0.01 * expected.reverse_kl])


def test_a_variance_in_place_of_a_scale_is_seen(normal):
    samples = draw(normal, ring(), 0.01, 2500)
    expected = expected_mode_coverage(8, 2500).high_quality
    assert mode_coverage(samples, ring(), 0.01).high_quality == pytest.approx(expected, abs=0.01)
    assert mode_coverage(samples, ring(), 0.01**2).high_quality < 0.01


@pytest.mark.parametrize(("dimensions", "share"), [(1, 0.9973002), (2, 1 - math.exp(-4.5)), (3, 0.97070911)])
def test_expected_quality(dimensions, share):
    found = expected_mode_coverage(8, 2500, dimensions=dimensions)
    assert found.high_quality == pytest.approx(share, rel=1e-7)
    assert found.high_quality == pytest.approx(scipy.stats.chi2.cdf(9, dimensions), rel=1e-12)


@pytest.mark.parametrize(
    ("modes", "n", "radius", "expected"),
    [(8, 2500, 3.0, 0.0014), (25, 2500, 3.0, 0.0048), (1000, 26_000, math.inf, 0.0192)],
)
def test_expected_divergence_is_near_the_usual_formula(modes, n, radius, expected):
    found = expected_mode_coverage(modes, n, radius=radius)
    assert found.reverse_kl == pytest.approx(expected, rel=0.02)
    assert found.reverse_kl == pytest.approx((modes - 1) / (2 * n * found.high_quality), rel=0.01)
    assert found.covered == pytest.approx(modes, abs=1e-8)


def test_expectation_by_hand():
    # two samples of two modes: alike with chance 1/2, and then ln 2
    found = expected_mode_coverage(2, 2, radius=math.inf)
    assert found == pytest.approx((1.5, 1.0, math.log(2) / 2), rel=1e-12)
    assert expected_mode_coverage(1, 5, radius=math.inf) == (1.0, 1.0, 0.0)


def test_expectation_of_labels_by_hand():
    # of two labels in shares 3/4 and 1/4: both modes in 6 of 16 cases, else one
    found = expected_mode_coverage_of_labels(torch.tensor([3.0, 1.0]), 2)
    assert found == pytest.approx((22 / 16, 1.0, 10 / 16 * math.log(2)), rel=1e-12)
    assert expected_mode_coverage_of_labels(torch.tensor([5.0]), 3) == (1.0, 1.0, 0.0)


def test_labels_have_the_same_definition():
    labels = torch.tensor([0, 0, 0, 1])
    found = mode_coverage_of_labels(labels, 4)
    assert (found.covered, found.high_quality, found.counts.tolist()) == (2, 1.0, [3, 1, 0, 0])
    assert found.reverse_kl == pytest.approx(0.75 * math.log(3))
    assert mode_coverage_of_labels(torch.arange(1000), 1000)[:3] == (1000, 1.0, pytest.approx(0, abs=1e-12))


def test_floor_of_stacked_labels():
    random = np.random.default_rng(5)
    found = [
        mode_coverage_of_labels(torch.from_numpy(random.integers(0, 1000, 5000)), 1000)[:3] for _ in range(60)
    ]
    expected = expected_mode_coverage(1000, 5000, radius=math.inf)
    error = np.std(found, 0) / math.sqrt(60)
    assert np.all(abs(np.mean(found, 0) - expected) <= 4 * error)
    assert expected.reverse_kl == pytest.approx(0.1046, abs=1e-4)  # the usual 0.0999 is too low here


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_bounds_of_any_histogram(labels):
    found = mode_coverage_of_labels(torch.tensor(labels), 7)
    assert 1 <= found.covered == len(set(labels)) <= 7
    # m modes have at least ln(K / m), one the most there is
    assert math.log(7 / found.covered) - 1e-12 <= found.reverse_kl <= math.log(7) + 1e-12
    assert int(found.counts.sum()) == len(labels)


def test_tiles_and_order_and_copies_change_nothing(normal, monkeypatch):
    samples = draw(normal, ring(), 0.02, 500)
    whole = mode_coverage(samples, ring(), 0.01)
    assert mode_coverage(samples.flip(0), ring(), 0.01)[:3] == whole[:3]
    assert mode_coverage(samples.repeat(2, 1), ring(), 0.01)[:3] == pytest.approx(whole[:3])
    monkeypatch.setattr(importlib.import_module("genbench.metrics.mode_coverage"), "_TILE", 100)
    assert mode_coverage(samples, ring(), 0.01)[:3] == whole[:3]


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_and_offset_change_nothing(normal, scale):
    samples = draw(normal, ring(), 0.02, 500)
    expected = mode_coverage(samples, ring(), 0.01)
    assert mode_coverage(samples * scale, ring() * scale, 0.01 * scale)[:3] == expected[:3]
    assert mode_coverage(samples + 1e5, ring() + 1e5, 0.01)[:2] == expected[:2]


def test_centers_that_are_one_mode():
    """A circle drawn with both of its ends has one mode twice."""
    angle = torch.linspace(0, 2 * math.pi, 8, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"centers 0 and 7 are 2.4\de-16 apart, less than one scale"):
        mode_coverage(torch.zeros(3, 2), torch.stack([angle.cos(), angle.sin()], 1), 0.01)
    with pytest.raises(ValueError, match=r"centers 0 and 1 are 0\.9 apart"):
        mode_coverage(torch.zeros(3, 1), torch.tensor([[0.0], [0.9]]).double(), 1.0)
    assert mode_coverage(torch.zeros(3, 1), torch.tensor([[0.0], [1.0]]), 1.0).covered == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": 0.0}, "scale is 0.0"),
        ({"scale": math.nan}, "scale is nan"),
        ({"radius": -1.0}, "radius is -1.0"),
        ({"centers": torch.zeros(2, 3)}, r"samples \(5, 2\) and centers \(2, 3\)"),
        ({"centers": torch.zeros(0, 2)}, "centers has 0 rows"),
        ({"centers": torch.full((1, 2), torch.nan)}, "centers is not finite"),
        ({"samples": torch.zeros(0, 2)}, "samples has 0 rows"),
    ],
)
def test_what_it_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        mode_coverage(**{"samples": torch.zeros(5, 2), "centers": ring(), "scale": 0.1} | settings)


@pytest.mark.parametrize(
    "sizes", [{"modes": 0}, {"n": 0}, {"dimensions": 0}, {"radius": 0.0}, {"radius": math.nan}]
)
def test_expectations_it_refuses(sizes):
    with pytest.raises(ValueError, match="must be 1 or more and radius"):
        expected_mode_coverage(**{"modes": 8, "n": 10} | sizes)


def test_labels_it_refuses():
    with pytest.raises(ValueError, match="with 10 classes they are 0 to 9"):
        mode_coverage_of_labels(torch.tensor([10]), 10)
    with pytest.raises(ValueError, match="class indices"):
        mode_coverage_of_labels(torch.tensor([0.5]), 10)
