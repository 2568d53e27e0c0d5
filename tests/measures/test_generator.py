"""Latents, and what is made of them."""

from dataclasses import replace

import pytest
import torch
from tiny_lanes import generator

from genbench.measures.made import made


def test_latents_are_those_of_their_seed_and_purpose():
    one = generator(lambda z: z)
    z = one.draw(500, "samples", 3)
    assert z.shape == (500, 3)
    assert torch.equal(z, one.draw(500, "samples", 3))
    for other in (one.draw(500, "samples", 4), replace(one, seed=6).draw(500, "samples", 3)):
        assert not torch.equal(z, other)
    assert float(z.mean()) == pytest.approx(0, abs=0.1)
    assert float(z.std()) == pytest.approx(1, abs=0.1)


def test_a_uniform_latent_is_between_minus_one_and_one():
    z = replace(generator(lambda z: z), distribution="uniform").draw(2000, "samples")
    assert float(z.min()) == pytest.approx(-1, abs=0.01)
    assert float(z.max()) == pytest.approx(1, abs=0.01)
    assert float(z.var()) == pytest.approx(1 / 3, abs=0.02)


def test_images_are_stored_in_bytes_and_what_is_not_finite_as_zeros():
    shares = torch.tensor([0.0, 1.0, 0.5, 1.5, -0.2, 100.4 / 255, 100.6 / 255, torch.nan])
    images, finite = made(generator(lambda z: z.view(-1, 1, 1, 2)), shares.view(4, 2))
    assert images.dtype == torch.uint8
    assert images.flatten(1).tolist() == [[0, 255], [128, 255], [0, 100], [0, 0]]
    assert finite.tolist() == [True, True, True, False]


def test_many_points_are_made_in_order_and_as_they_are():
    z = torch.arange(1203.0)[:, None] * torch.tensor([1.0, -2.0])
    parts = []
    points, finite = made(generator(lambda part: parts.append(len(part)) or 3 * part), z)
    assert torch.equal(points, 3 * z)
    assert finite.all() and max(parts) <= 500
