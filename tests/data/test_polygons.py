from __future__ import annotations

import numpy as np
import pytest
import torch

from genbench.data.polygon_renderer import render
from genbench.data.polygons import Polygons

SUB = 24


def polygons(images=100, **options):
    return Polygons(**{"images": images, "test_images": 10, "instrument_images": 10, **options}).load()


def vertices_of(factors):
    angles = np.radians(factors[:-1] + factors[-1])
    vertices = 10.5 * np.stack([np.cos(angles), np.sin(angles)], 1)
    return vertices - vertices.mean(0) + 14


def counted(factors):
    """Grey by counting points of a fine raster."""
    place = (np.arange(28 * SUB) + 0.5) / SUB
    x, y = np.meshgrid(place, place)
    inside = np.ones_like(x, dtype=bool)
    vertices = vertices_of(factors)
    for p, q in zip(vertices, np.roll(vertices, -1, 0), strict=True):
        inside &= (q[0] - p[0]) * (y - p[1]) >= (q[1] - p[1]) * (x - p[0])
    return 1 - inside.reshape(28, SUB, 28, SUB).mean((1, 3))


@pytest.fixture(scope="module", params=[3, 4])
def data(request):
    return polygons(vertices=request.param)


def test_what_is_loaded(data):
    corners = len(data.factors.names) - 1
    assert data.info.name == {3: "polygons", 4: "polygons-4"}[corners]
    assert data.info.classes == ({3: "triangle", 4: "quadrilateral"}[corners],)
    assert data.factors.names == (*("angle 1", "angle 2", "angle 3", "angle 4")[:corners], "rotation")
    assert data.train_examples.shape == (100, 1, 28, 28) and data.train_examples.dtype == np.uint8
    assert set(data.train_labels) == {0}
    assert data.train_examples[:, 0, 0, 0].min() == 255  # a white corner
    assert data.train_examples[:, 0, 14, 14].max() == 0  # a black middle
    assert data.factors.renderer.endswith(f"{corners} vertices")


def test_vertices_keep_their_distance_and_the_frame(data):
    angles = data.factors.train[:, :-1].astype(float)
    gaps = np.diff(np.concatenate([angles, angles[:, :1] + 360], 1), axis=1)
    assert gaps.min() >= 20 - 1e-4
    assert (data.factors.train >= data.factors.low - 1e-4).all()
    assert (data.factors.train <= data.factors.high + 1e-4).all()
    corners = np.concatenate([vertices_of(f) for f in data.factors.train.astype(float)])
    assert corners.min() >= 0 and corners.max() <= 28


def test_grey_is_the_covered_area_but_for_corners(data):
    for i in range(3):
        factors = data.factors.train[i].astype(float)
        image = render(torch.zeros(1), torch.from_numpy(factors)[None])[0, 0].numpy()
        difference = np.abs(image - counted(factors))
        has_corner = np.zeros((28, 28), dtype=bool)
        column, row = np.floor(vertices_of(factors)).astype(int).T
        has_corner[row, column] = True
        for y, x in zip(
            *np.nonzero(difference > 0.02), strict=True
        ):  # two edges cut pixels beside sharp corners
            assert has_corner[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any()
        assert difference.max() < 0.3
        assert (difference > 0.02).sum() <= 6


def test_edges_along_the_grid():
    square = torch.tensor([[45.0, 135, 225, 315, 0]], dtype=torch.float64)
    image = render(torch.zeros(1), square)[0, 0]
    half = 10.5 / 2**0.5  # from 6.575 to 21.425
    covered = half - 7  # of the outermost pixel, beyond x = 21
    row = 1 - image[14]
    assert row[[5, 6, 7, 20, 21, 22]].tolist() == pytest.approx([0, covered, 1, 1, covered, 0], abs=0.01)


def test_the_gradient_is_that_of_finite_differences(data):
    factors = torch.from_numpy(data.factors.train[:5]).double()
    weights = torch.rand(28, 28, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def ink(f):
        return (weights * render(torch.zeros(len(f)), f)).sum((1, 2, 3))

    asked = factors.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(ink(asked).sum(), asked)
    assert (gradient.abs() > 1e-4).all()
    h = 1e-5
    for factor in range(factors.shape[1]):
        step = h * torch.eye(factors.shape[1], dtype=torch.float64)[factor]
        assert torch.allclose(
            gradient[:, factor], (ink(factors + step) - ink(factors - step)) / (2 * h), atol=1e-4
        )


def test_a_rotation_is_the_same_change_of_all_angles(data):
    factors = torch.from_numpy(data.factors.train[:4]).double()
    turned = factors + 5 * torch.eye(factors.shape[1], dtype=torch.float64)[-1]
    moved = factors + 5 * (1 - torch.eye(factors.shape[1], dtype=torch.float64)[-1])
    classes = torch.zeros(4)
    assert torch.allclose(render(classes, turned), render(classes, moved), atol=1e-9)
    assert not torch.allclose(render(classes, turned), render(classes, factors), atol=1e-2)


def test_fewer_images_are_the_first_ones(data):
    few = polygons(images=3, vertices=len(data.factors.names) - 1)
    assert np.array_equal(few.train_examples, data.train_examples[:3])
    assert np.array_equal(few.factors.train, data.factors.train[:3])
    assert few.hash == polygons(images=3, vertices=len(data.factors.names) - 1).hash
