import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genbench.metrics import wasserstein
from genbench.metrics.wasserstein import sliced_wasserstein


def directions(projections, d, seed):
    """The same directions, as POT takes them."""
    drawn = torch.randn(projections, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (drawn / drawn.norm(dim=1, keepdim=True)).T.numpy()


def test_hand_cases_in_one_dimension():
    # equal sizes: sorted pairs (0, 1), (2, 5); in one dimension a direction is +1 or -1
    real, fake = torch.tensor([[2.0], [0.0]]), torch.tensor([[1.0], [5.0]])
    assert sliced_wasserstein(real, fake, p=1, seed=0) == pytest.approx(2, rel=1e-12)
    assert sliced_wasserstein(real, fake, p=2, seed=0) == pytest.approx(math.sqrt(5), rel=1e-12)
    # unequal: u in thirds and halves: 1/3 at |0 - 0|, 1/6 at |3 - 0|, 1/6 at |3 - 6|, 1/3 at |6 - 6|
    real, fake = torch.tensor([[0.0], [3.0], [6.0]]), torch.tensor([[6.0], [0.0]])
    assert sliced_wasserstein(real, fake, p=1, seed=0) == pytest.approx(1, rel=1e-12)
    assert sliced_wasserstein(real, fake, p=2, seed=0) == pytest.approx(math.sqrt(3), rel=1e-12)


@pytest.mark.parametrize(("p", "d", "expected"), [(2, 5, 1 / 5), (1, 2, 0.63662), (1, 10, 0.25869)])
def test_a_shift_has_the_closed_form(normal, p, d, expected):
    real = normal(30, d)
    shift = torch.ones(d, dtype=torch.float64) / math.sqrt(d)
    each = np.abs(shift.numpy() @ directions(20_000, d, 4)) ** p  # of a shift, exact whatever the samples
    found = sliced_wasserstein(real, real + shift, projections=20_000, p=p, seed=4)
    assert found == pytest.approx(each.mean() ** (1 / p), rel=1e-9)
    assert abs(found**p - expected) < 4 * each.std() / math.sqrt(20_000)


@pytest.mark.parametrize("p", [1, 2, 3.5])
@pytest.mark.parametrize(("n", "m", "d"), [(50, 50, 4), (60, 45, 3), (7, 100, 20), (1, 9, 2), (2, 1, 1)])
def test_agrees_with_pot(normal, n, m, d, p):
    real, fake = normal(n, d), normal(m, d) * 1.4 + 0.2
    along = directions(40, d, 7)
    expected = ot.sliced_wasserstein_distance(real.numpy(), fake.numpy(), projections=along, p=p)
    found = sliced_wasserstein(real, fake, projections=40, p=p, seed=7)
    assert found == pytest.approx(float(expected), rel=1e-9)
    each = ot.wasserstein_1d(real.numpy() @ along, fake.numpy() @ along, p=p)
    assert found == pytest.approx(float(each.mean() ** (1 / p)), rel=1e-9)


def test_tiles_change_nothing(normal, monkeypatch):
    real, fake = normal(20, 5), normal(33, 5)
    whole = sliced_wasserstein(real, fake, projections=50, seed=1)
    monkeypatch.setattr(wasserstein, "_TILE", 160)
    assert sliced_wasserstein(real, fake, projections=50, seed=1) == pytest.approx(whole, rel=1e-12)


@given(
    st.integers(1, 15),
    st.integers(1, 15),
    st.integers(1, 4),
    st.sampled_from([1.0, 2.0, 3.0]),
    st.integers(0, 99),
)
def test_a_distance(n, m, d, p, seed):
    generator = torch.Generator().manual_seed(seed)
    a, b, c = (torch.randn(k, d, generator=generator, dtype=torch.float64) for k in (n, m, n + m))

    def apart(one, other):
        return sliced_wasserstein(one, other, projections=8, p=p, seed=seed)

    assert apart(a, b) >= 0
    assert apart(a, b) == pytest.approx(apart(b, a), rel=1e-9)
    assert apart(a, b) <= apart(a, c) + apart(c, b) + 1e-12
    assert apart(a, a.flip(0)) == 0.0
    assert apart(a, a.repeat(3, 1)) < 1e-12


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_the_scale_comes_out(normal, scale):
    real, fake = normal(40, 5), normal(30, 5)
    assert sliced_wasserstein(real * scale, fake * scale, seed=2) == pytest.approx(
        scale * sliced_wasserstein(real, fake, seed=2), rel=1e-9
    )


@pytest.mark.run
def test_bias_is_as_documented(normal):
    for n, m, d in ((500, 500, 16), (1000, 400, 3)):
        found = np.mean([sliced_wasserstein(normal(n, d), normal(m, d), seed=s) for s in range(12)])
        assert found == pytest.approx(1.8 * math.sqrt(1 / n + 1 / m), rel=0.15)


def test_another_seed_is_another_draw(normal):
    real, fake = normal(30, 6), normal(20, 6) + 1
    assert sliced_wasserstein(real, fake, seed=1) == sliced_wasserstein(real, fake, seed=1)
    assert sliced_wasserstein(real, fake, seed=1) != sliced_wasserstein(real, fake, seed=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"projections": 0}, "at least one direction"), ({"p": 0.5}, "p is 0.5"), ({"p": math.inf}, "p is inf")],
)
def test_settings_out_of_range(normal, settings, message):
    with pytest.raises(ValueError, match=message):
        sliced_wasserstein(normal(5, 2), normal(5, 2), seed=0, **settings)
