import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from prdc import compute_prdc

from genbench.metrics import PRDC, authenticity, balls, expected_coverage, neighbourhoods, prdc
from genbench.metrics import neighbours as engine

ALL_ONE = PRDC(1.0, 1.0, 1.0, 1.0)


def column(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def plain(real, fake, k):
    """The definitions word for word, for points of whole coordinates, whose squared distances are exact."""

    def squares(a, b):
        return ((a[:, None] - b[None]) ** 2).sum(-1)

    def radii(a):
        others = squares(a, a).astype(float)
        np.fill_diagonal(others, np.inf)
        return np.sort(others, axis=1)[:, k - 1]

    cross, rr, rf = squares(real, fake), radii(real), radii(fake)
    density = 0.0
    for i, radius in enumerate(rr):
        own = squares(real[i : i + 1], real)[0]
        share = (k - (own < radius).sum()) / (own == radius).sum()
        density += (cross[i] < radius).sum() + share * (cross[i] == radius).sum()
    held = cross <= rr[:, None]
    return PRDC(
        held.any(0).mean(), (cross <= rf).any(1).mean(), density / (k * len(fake)), held.any(1).mean()
    )


def test_hand_case():
    assert prdc(column(0, 1, 3, 7), column(0.4, 2.2, 8, 20), k=1) == PRDC(0.75, 1.0, 1.0, 1.0)


def test_hand_case_of_ties():
    # All radii are 1. The fake 1 is the centre of one ball, and on the surface of the outer two. Those hold
    # their own centre, which is all that k = 1 asks for, so that a point on their surface weighs 0.
    assert prdc(column(0, 1, 2), column(1, 9), k=1) == PRDC(0.5, 1.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("n", "m", "d", "k"), [(400, 400, 8, 5), (300, 500, 64, 3), (200, 100, 2, 1), (40, 50, 90, 5)]
)
def test_agrees_with_the_prdc_package(normal, n, m, d, k):
    real, fake = normal(n, d), normal(m, d) * 0.9 + 0.1
    expected = compute_prdc(real.numpy(), fake.numpy(), nearest_k=k)
    assert prdc(real, fake, k=k)._asdict() == pytest.approx(expected, rel=1e-12)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from([1, 30, 10**6]),
)
def test_ties_and_duplicates_follow_the_definition(seed, k, d, span, offset):
    random = np.random.default_rng(seed)  # few whole numbers: nearly every distance is tied
    real = random.integers(0, span, (random.integers(k + 1, 25), d)) + offset
    fake = random.integers(0, span, (random.integers(k + 1, 25), d)) + offset
    found = prdc(torch.tensor(real).double(), torch.tensor(fake).double(), k=k)
    assert found == pytest.approx(plain(real, fake, k), rel=1e-12)


@pytest.mark.run
def test_agrees_with_the_prdc_package_over_several_tiles(normal):
    real, fake = normal(5000, 16), normal(2300, 16) * 0.95
    expected = compute_prdc(real.numpy(), fake.numpy(), nearest_k=5)
    assert prdc(real, fake)._asdict() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_a_large_common_offset_cancels_nothing(normal, spread):
    real, fake = 1e6 + spread * normal(400, 8), 1e6 + spread * normal(300, 8)
    expected = compute_prdc((real - 1e6).numpy(), (fake - 1e6).numpy(), nearest_k=5)
    assert prdc(real, fake)._asdict() == pytest.approx(expected, rel=1e-12)


def test_all_in_the_centre_of_the_real(normal):
    real, centre = normal(600, 64), normal(500, 64) * 0.01  # each in nearly every ball
    expected = compute_prdc(real.numpy(), centre.numpy(), nearest_k=5)
    assert expected["density"] > 100
    assert prdc(real, centre)._asdict() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("d", [1, 64])
def test_identical_sets(normal, d):
    points = normal(300, d)
    assert prdc(points, points) == ALL_ONE
    assert prdc(points, points.flip(0)) == ALL_ONE
    twice = points.repeat_interleave(2, 0)
    assert prdc(twice, twice) == pytest.approx(ALL_ONE)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8])
def test_constants(value):
    constant = torch.full((200, 64), value)
    assert prdc(constant, constant[:150]) == pytest.approx(ALL_ONE, rel=1e-12)
    assert prdc(constant, constant + max(1.0, value)) == PRDC(0.0, 0.0, 0.0, 0.0)


def test_one_real_image_repeated_is_precise_and_covers_little(normal):
    real = normal(500, 16)
    found = prdc(real, real[:1].repeat(400, 1))
    assert found.precision == 1.0
    assert found.recall == 1 / 500
    assert found.coverage < 0.1


def test_precision_is_of_the_fake_and_recall_of_the_real(normal):
    real, narrow = normal(1000, 4), normal(1000, 4) * 0.1
    found = prdc(real, narrow)
    assert found.precision > 0.99
    assert found.recall < 0.01
    turned = prdc(narrow, real)
    assert (turned.precision, turned.recall) == (found.recall, found.precision)


@pytest.mark.run
def test_expected_values_for_equal_distributions(normal):
    n, m, k = 1000, 500, 5
    found = [prdc(normal(n, 8), normal(m, 8), k=k) for _ in range(16)]
    for values, expected in (
        ([each.coverage for each in found], expected_coverage(n, m, k=k)),
        ([each.density for each in found], 1.0),
    ):
        standard_error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert standard_error < 0.02
        assert abs(np.mean(values) - expected) < 4 * standard_error


@pytest.mark.parametrize(
    ("n", "m", "k", "expected"),
    [
        (10_000, 10_000, 5, 0.968773),
        (10_000, 10_000, 3, 0.875038),
        (1000, 1000, 5, 0.968984),
        (10_000, 5000, 5, 0.868379),
        (10**9, 10**9, 5, 1 - 2**-5),
        (2, 1, 1, 0.5),
    ],
)
def test_expected_coverage(n, m, k, expected):
    assert expected_coverage(n, m, k=k) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(("n", "m", "k"), [(5, 1, 5), (5, 1, 0), (5, 0, 1)])
def test_expected_coverage_of_nothing_is_refused(n, m, k):
    with pytest.raises(ValueError, match="are needed"):
        expected_coverage(n, m, k=k)


@pytest.mark.parametrize(
    ("n", "m", "d"),
    [(200, 300, 3), pytest.param(2500, 1100, 64, marks=pytest.mark.run), (30, 20, 100)],
)
def test_all_five_are_those_of_the_single_functions(normal, n, m, d):
    real, fake = normal(n, d), normal(m, d)
    fake[:5] = real[3]
    found = neighbourhoods(real, fake)
    assert found[:4] == prdc(real, fake)
    assert found.authenticity == authenticity(real, fake)
    assert neighbourhoods(balls(real), fake) == found


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from([1, 4, 20]))
def test_all_five_agree_where_distances_are_tied(seed, d, span):
    random = np.random.default_rng(seed)
    real, fake = (
        torch.tensor(random.integers(0, span, (random.integers(4, 40), d))).double() for _ in range(2)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_TILE", (16, 8))
        found = neighbourhoods(real, fake, k=3)
    assert found == (*prdc(real, fake, k=3), authenticity(real, fake))


@pytest.mark.parametrize("ties", [False, True])
def test_order_changes_nothing(normal, ties):
    real, fake = normal(300, 3), normal(200, 3)
    if ties:
        real, fake = (real * 2).round(), (fake * 2).round()
    whole = neighbourhoods(real, fake)
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        mixed = (each[torch.randperm(len(each), generator=generator)] for each in (real, fake))
        assert neighbourhoods(*mixed) == whole


@pytest.mark.parametrize(("d", "expected"), [(1, 0.999), (8, 0.94), (64, 0.731)])
def test_dimension_lowers_precision_and_recall(normal, d, expected):
    found = prdc(normal(1000, d), normal(1000, d))
    assert found.precision == pytest.approx(expected, abs=0.04)
    assert found.recall == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("scale", [1e-8, 2.0**-60, 1e8])
def test_scale_does_not_matter(normal, scale):
    real, fake = normal(200, 10), normal(300, 10)
    assert prdc(real * scale, fake * scale) == prdc(real, fake)


def test_far_from_the_origin_rounding_decides_nothing(normal):
    # in units of 2^-20 every sum with the offset is exact, so all distances stay the same to the last bit
    real, fake = ((normal(n, 6) * 2**20).round() / 2**20 for n in (300, 200))
    assert prdc(real + 2.0**30, fake + 2.0**30) == prdc(real, fake)


def test_tiles_change_nothing(normal, monkeypatch):
    real, fake = normal(71, 5), normal(37, 5)
    whole = prdc(real, fake)
    for tile in ((16, 8), (50, 31), (1, 1000)):
        monkeypatch.setattr(engine, "_TILE", tile)
        assert prdc(real, fake) == whole


PEAK = """
import resource, torch
from genbench.metrics import prdc
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
real, fake = torch.randn({n}, 64), torch.randn({n}, 64)
before = peak()
prdc(real, fake)
print(peak() - before)
"""


# Linux starts a process at the peak of the one that it was forked from: so fork it from a small one.
FROM_SMALL = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"


@pytest.mark.run
def test_memory_does_not_grow_with_the_number_of_pairs():
    small, large = (
        int(subprocess.check_output([sys.executable, "-c", FROM_SMALL, PEAK.format(n=n)]))
        for n in (4000, 40_000)
    )
    assert small > 0
    assert large - small < 250  # MiB: some float64 copies of both sets, 40 each; all distances are 12 GiB
    assert large < 500


def test_k_below_one_is_refused(normal):
    with pytest.raises(ValueError, match="nearest neighbour is k = 1"):
        prdc(normal(10, 2), normal(10, 2), k=0)


def test_balls_computed_once_give_the_very_same_numbers():
    generator = torch.Generator().manual_seed(3)
    real = torch.randn(60, 3, generator=generator).repeat(2, 1)  # with ties
    around = balls(real, k=4)
    for shift in (0.0, 0.5):
        fake = torch.randn(90, 3, generator=generator) + shift
        assert prdc(around, fake, k=4) == prdc(real, fake, k=4)
    with pytest.raises(ValueError, match="neighbour 4"):
        prdc(around, real, k=5)
