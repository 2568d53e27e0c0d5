import math

import numpy as np
import pytest

from genbench.core.registry import datasets
from genbench.data.mixtures import TEST_POINTS, Grid, Ring
from genbench.suite.options import build


@pytest.fixture(scope="module", params=[Ring, Grid])
def data(request):
    return request.param().load()


def test_shapes(data):
    modes = len(data.modes.centers)
    assert data.info.shape == (2,)
    assert not data.info.is_image
    assert data.info.classes == tuple(map(str, range(modes)))
    assert data.train_examples.shape == (100_000, 2)
    assert data.test_examples.shape == (TEST_POINTS, 2)
    assert data.train_examples.dtype == data.test_examples.dtype == np.float32
    assert data.train_labels.dtype == np.int64


def test_the_modes_are_the_papers():
    ring, grid = Ring().load().modes, Grid().load().modes
    assert (ring.scale, grid.scale) == (0.01, 0.05)
    assert np.allclose(np.linalg.norm(ring.centers, axis=1), 1)
    assert len({tuple(c) for c in ring.centers.round(6)}) == 8  # no two coincide
    neighbours = np.linalg.norm(ring.centers - np.roll(ring.centers, 1, axis=0), axis=1)
    assert np.allclose(neighbours, 2 * math.sin(math.pi / 8))
    assert {tuple(c) for c in grid.centers} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}


def test_points_lie_around_the_centre_of_their_label(data):
    """With ``scale`` along each axis; the log-likelihood of true points is minus the entropy."""
    scale = data.modes.scale
    rest = (data.train_examples - data.modes.centers[data.train_labels]) / scale
    assert np.allclose(rest.std(axis=0), 1, atol=0.01)
    assert np.allclose(rest.mean(axis=0), 0, atol=0.015)
    modes = len(data.modes.centers)
    log_p = -0.5 * (rest**2).sum(axis=1) - math.log(2 * math.pi * scale**2) - math.log(modes)
    entropy = math.log(2 * math.pi * math.e * scale**2) + math.log(modes)  # the modes do not overlap
    assert log_p.mean() == pytest.approx(-entropy, abs=0.02)


def test_all_modes_are_alike(data):
    modes = len(data.modes.centers)
    counts = np.bincount(data.train_labels, minlength=modes)
    expected = len(data.train_labels) / modes
    assert ((counts - expected) ** 2 / expected).sum() < modes + 5 * math.sqrt(2 * modes)


def test_train_and_test_points_differ(data):
    train = {point.tobytes() for point in data.train_examples}
    assert not train & {point.tobytes() for point in data.test_examples}


def test_they_never_change(data):
    """Records of different machines are compared by these hashes: if one changes, the data did."""
    assert data.hash == {"ring": "3059ce421412", "grid": "22739ef7d297"}[data.info.name]


def test_veegan_draws_ten_times_as_many_from_the_same_modes():
    fixed, fresh = Ring().load(), Ring(setting="veegan").load()
    assert (fixed.info.name, fresh.info.name) == ("ring", "ring-veegan")
    assert len(fresh.train_examples) == 10 * len(fixed.train_examples)
    assert np.array_equal(fixed.modes.centers, fresh.modes.centers)
    assert fixed.modes.scale == fresh.modes.scale
    assert fresh.hash != fixed.hash


def test_another_setting_is_refused_with_the_known_ones():
    from genbench.core.errors import SuiteError

    with pytest.raises(SuiteError, match=r"dataset\[0\].setting.*pacgan.*veegan"):
        build(datasets.get("ring"), {"setting": "unrolled"}, "dataset[0]")
