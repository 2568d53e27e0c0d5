"""Trajectories against closed forms and series made by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics.trajectory import (
    churn,
    collapses,
    drawdown,
    drift,
    normalised_entropy,
    pair_distance,
    spike_ratio,
    straightness,
)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_distance_of_pairs_is_the_mean_over_all_of_them():
    x = drawn(7, 3)
    apart = torch.cdist(x, x).square()
    assert pair_distance(x) == pytest.approx(float(apart.sum() / (7 * 6)))


@pytest.mark.parametrize("angle", [0.0, 0.1, 1.0, math.pi])
def test_a_turning_gaussian_drifts_by_one_minus_the_cosine(angle):
    z = drawn(20_000, 2)
    turns = [
        torch.tensor([[math.cos(w), -math.sin(w)], [math.sin(w), math.cos(w)]])
        for w in (0.0, angle, 2 * angle)
    ]
    snapshots = torch.stack([z @ turn.double().T for turn in turns])
    found = drift(snapshots, 4.0)  # E‖x - x'‖² of N(0, I_2)
    assert found.tolist() == pytest.approx([1 - math.cos(angle)] * 2, rel=0.02, abs=1e-12)
    assert pair_distance(z) == pytest.approx(4.0, rel=0.02)


def test_drift_has_no_scale_and_reads_stored_images():
    images = torch.randint(
        0, 256, (3, 70, 1, 4, 4), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
    )
    unit = pair_distance(images[0].flatten(1).float())
    halved = drift(images.double() / 2, unit / 4)
    assert torch.allclose(drift(images, unit), halved)
    by_hand = (images[1].double() - images[0].double()).square().flatten(1).sum(1).mean() / unit
    assert float(drift(images, unit)[0]) == pytest.approx(float(by_hand))


def test_alike_examples_give_no_unit():
    with pytest.raises(ValueError, match="all alike"):
        drift(torch.zeros(2, 3, 1), pair_distance(torch.ones(4, 1)))


def test_alternating_classes_churn_by_one_and_constant_ones_not_at_all():
    assert churn(torch.eye(2).repeat(3, 1)).tolist() == [1.0] * 5
    assert churn(torch.full((4, 5), 0.2)).tolist() == [0.0] * 3
    assert churn(torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25]])).tolist() == [0.25]


def test_independent_draws_have_the_floor_that_is_said():
    random = torch.Generator().manual_seed(2)
    labels = torch.randint(0, 10, (400, 500), generator=random)
    shares = torch.stack([torch.bincount(row, minlength=10) for row in labels]).double() / 500
    assert float(churn(shares).mean()) == pytest.approx(math.sqrt(9 / (math.pi * 500)), rel=0.05)


def test_entropy_is_a_share_of_the_largest():
    shares = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.25] * 4, [0.5, 0.5, 0.0, 0.0]])
    assert normalised_entropy(shares).tolist() == pytest.approx([0.0, 1.0, 0.5])
    with pytest.raises(ValueError, match="one class"):
        normalised_entropy(torch.ones(2, 1))


def test_drawdown_of_a_series_made_by_hand():
    told = torch.tensor([10.0, 4.0, 2.0, 6.0])
    assert drawdown(told, told) == pytest.approx(0.5)
    assert drawdown(told[:3], told[:3]) == 0.0
    # the best of the one half is told by the other
    assert drawdown(torch.tensor([10.0, 1.0, 2.0, 6.0]), told) == pytest.approx((6 - 4) / (10 - 4))


@pytest.mark.parametrize("series", [[1.0, 2.0, 3.0], [1.0, 1.0], [2.0, math.nan, 1.0]])
def test_without_something_gained_nothing_can_be_lost(series):
    told = torch.tensor(series)
    with pytest.raises(ValueError, match=r"no snapshot is better|not finite"):
        drawdown(told, told)


def test_a_saw_tooth_collapses_at_every_tooth():
    tooth = torch.tensor([[0.2, 0.9, 0.44, 0.3, 0.9, 0.46, 0.1, 0.8]])
    assert collapses(tooth, 4) == (2, 0.25)
    assert collapses(torch.full((1, 6), 0.4), 3) == (0, 0.0)
    assert collapses(torch.tensor([[1.0, 0.5, 0.5]]), 0) == (0, 0.0)  # half is not below half


def test_any_variety_that_falls_is_a_collapse():
    steady, falling = [1.0] * 4, [1.0, 1.0, 0.1, 0.1]
    assert collapses(torch.tensor([steady, falling]), 2) == (1, 1.0)


def walked(steps):
    """Straightness of a path given by its steps, (n, D)."""
    return straightness(float(steps.sum(0).norm()), steps.norm(dim=1))


def test_straightness_of_a_line_a_half_circle_an_orbit_and_a_walk():
    assert walked(torch.ones(9, 3)) == pytest.approx(1.0)
    angles = torch.linspace(0, math.pi, 1001, dtype=torch.float64)
    half = torch.stack([angles.cos(), angles.sin()], 1).diff(dim=0)
    assert walked(half) == pytest.approx(2 / math.pi, rel=1e-5)
    assert walked(torch.cat([half, -half])) == pytest.approx(0.0, abs=1e-9)
    assert walked(drawn(500, 2000)) == pytest.approx(1 / math.sqrt(500), rel=0.03)


@given(st.integers(2, 8), st.integers(1, 4), st.integers(0, 99))
def test_no_path_is_straighter_than_a_line(n, dims, seed):
    steps = drawn(n, dims, seed=seed)
    assert 0.0 <= walked(steps) <= 1.0
    assert walked(steps) == pytest.approx(walked(steps / 2))


@pytest.mark.parametrize("moved", [[0.0, 0.0], [1.0, math.inf], []])
def test_what_has_not_moved_or_is_not_finite_has_no_straightness(moved):
    with pytest.raises(ValueError, match=r"not moved|not finite"):
        straightness(1.0, torch.tensor(moved))


def test_spikes_are_far_beyond_the_median():
    norms = torch.ones(200)
    assert spike_ratio(norms) == 1.0
    norms[:10] = 5.0
    assert spike_ratio(norms) == 5.0 == spike_ratio(3 * norms)


@pytest.mark.parametrize("norms", [[], [0.0, 0.0, 1.0], [1.0, math.nan]])
def test_no_ratio_without_gradients(norms):
    with pytest.raises(ValueError, match=r"no gradient|are 0|not finite"):
        spike_ratio(torch.tensor(norms))
