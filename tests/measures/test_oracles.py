from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import jacfwd, vmap

from genbench.core.record import ORACLES
from genbench.data.polygons import Polygons
from genbench.data.strokes import Strokes
from genbench.measures.oracles import (
    cycling_trace,
    duplicate,
    linear_generator,
    memorizing_generator,
    oracle,
)

CPU = torch.device("cpu")
LATENT = 8


@pytest.fixture(scope="module")
def data():
    return Strokes(images=200, test_images=10, instrument_images=10).load()


@pytest.fixture(scope="module")
def asked(data):
    """The data with a renderer that gives back what it is asked for: class and factors as pixels."""

    def show(classes, factors):
        return torch.cat([classes[:, None].to(factors.dtype), factors], 1)[:, None, None]

    return replace(data, factors=replace(data.factors, render=show))


def read(data, name, z, seed=3):
    """Classes and factors, each from 0 to 1 of its range, that an oracle asks the renderer for."""
    shown = oracle(name, data, LATENT, seed, CPU).decode(z)[:, 0, 0]
    low, high = (torch.from_numpy(end) for end in (data.factors.low, data.factors.high))
    return shown[:, 0].long(), (shown[:, 1:] - low) / (high - low)


@pytest.fixture(scope="module")
def z():
    return torch.randn(2000, LATENT, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_each_latent_drives_its_factor_by_the_normal_distribution(asked, z):
    z = z.clone()
    z[0] = 0
    z[1, 0], z[1, 4] = 1.959964, -1.281552
    classes, shares = read(asked, "oracle", z)
    assert shares[0].tolist() == pytest.approx([0.5] * 5)
    assert float(shares[1, 0]) == pytest.approx(0.975, abs=1e-6)
    assert float(shares[1, 4]) == pytest.approx(0.1, abs=1e-6)
    assert shares.min() >= 0 and shares.max() <= 1
    assert shares.mean(0).tolist() == pytest.approx([0.5] * 5, abs=0.03)
    assert (torch.bincount(classes, minlength=10) / len(z)).tolist() == pytest.approx([0.1] * 10, abs=0.03)
    order = z[:, 5].argsort()
    assert (classes[order].diff() >= 0).all()
    same_classes, same = read(asked, "oracle", torch.cat([z[:, :6], -z[:, 6:]], 1))
    assert torch.equal(same, shares) and torch.equal(same_classes, classes)


def test_extreme_latents_stay_in_range(data):
    far = torch.full((2, LATENT), 40.0)
    far[1] *= -1
    for name in ORACLES:
        images = oracle(name, data, LATENT, 0, CPU).decode(far)
        assert images.isfinite().all() and images.min() >= 0 and images.max() <= 1


def test_a_pair_is_mixed_by_45_degrees_and_the_rest_is_not(asked, z):
    _, plain = read(asked, "oracle", z)
    classes, pair = read(asked, "oracle-pair", z)
    assert torch.allclose(pair[:, 2:], plain[:, 2:])
    back = torch.special.ndtri(pair[:, :2])
    assert torch.allclose(back[:, 0], (z[:, 0] + z[:, 1]) / 2**0.5, atol=1e-6)
    assert torch.allclose(back[:, 1], (z[:, 1] - z[:, 0]) / 2**0.5, atol=1e-6)
    assert torch.equal(classes, read(asked, "oracle", z)[0])


def test_a_rotation_keeps_the_class_and_is_drawn_from_the_seed(asked, z):
    classes, shares = read(asked, "oracle-rotated", z)
    assert torch.equal(classes, read(asked, "oracle", z)[0])
    turned = torch.special.ndtri(shares)
    Q = torch.linalg.lstsq(z[:, :5], turned).solution
    assert torch.allclose(Q.T @ Q, torch.eye(5, dtype=torch.float64), atol=1e-6)
    assert float(torch.linalg.det(Q)) == pytest.approx(1, abs=1e-6)
    assert torch.equal(read(asked, "oracle-rotated", z)[1], shares)
    assert not torch.allclose(read(asked, "oracle-rotated", z, seed=4)[1], shares, atol=0.1)


def test_rotations_are_uniform(asked):
    one = torch.zeros(1, LATENT, dtype=torch.float64)
    one[0, 0] = 1
    rows = torch.cat(
        [torch.special.ndtri(read(asked, "oracle-rotated", one, seed)[1]) for seed in range(300)]
    )
    # the first row of a uniform rotation of five dimensions: mean 0, mean square 1/5
    assert rows.mean(0).tolist() == pytest.approx([0] * 5, abs=0.1)
    assert rows.square().mean(0).tolist() == pytest.approx([0.2] * 5, abs=0.06)


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_a_dropped_factor_stays_in_the_middle(asked, z, seed):
    _, plain = read(asked, "oracle", z)
    _, shares = read(asked, "oracle-drop", z, seed)
    dropped = seed % 5
    assert torch.allclose(shares[:, dropped], torch.full((len(z),), 0.5, dtype=torch.float64))
    others = [factor for factor in range(5) if factor != dropped]
    assert torch.allclose(shares[:, others], plain[:, others])


def test_a_constant_one_makes_one_image(data, z):
    images = oracle("oracle-constant", data, LATENT, 0, CPU).decode(z[:50])
    assert (images == images[:1]).all() and images.shape == (50, 1, 28, 28)
    middle = torch.from_numpy((data.factors.low + data.factors.high) / 2)[None]
    assert torch.allclose(images[:1], data.factors.render(torch.tensor([0]), middle), atol=1e-6)


@pytest.mark.parametrize("name", ORACLES)
def test_derivatives_forward_and_backward(data, z, name):
    decode = oracle(name, data, LATENT, 1, CPU).decode
    some = z[:3]
    jacobian = vmap(jacfwd(lambda one: decode(one[None])[0]))(some)
    assert jacobian.shape == (3, 1, 28, 28, LATENT) and jacobian.isfinite().all()
    moving = jacobian.abs().sum((0, 1, 2, 3)) > 0
    assert moving.tolist() == {
        "oracle-constant": [False] * 8,
        "oracle-drop": [True, False, True, True, True, False, False, False],
    }.get(name, [True] * 5 + [False] * 3)
    weights = torch.rand(28, 28, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    latents = some.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((weights * decode(latents)).sum(), latents)
    assert torch.allclose(gradient, (weights[..., None] * jacobian).sum((1, 2, 3)), atol=1e-9)


def test_only_classes_that_occur_are_made():
    one = Strokes(variant="one-class", digit=4, images=5, test_images=5, instrument_images=5).load()
    generator = oracle("oracle", one, 6, 0, CPU)
    z = generator.draw(5, "test")
    low, high = (torch.from_numpy(end).float() for end in (one.factors.low, one.factors.high))
    fours = one.factors.render(torch.full((5,), 4), low + torch.special.ndtr(z[:, :5]) * (high - low))
    assert torch.allclose(generator.decode(z), fours, atol=1e-5)
    triangles = Polygons(images=5, test_images=5, instrument_images=5).load()
    assert oracle("oracle-rotated", triangles, 5, 0, CPU).decode(z[:, :5]).shape == (5, 1, 28, 28)


def test_what_cannot_be_is_refused_with_words(data):
    with pytest.raises(ValueError, match="size 5 cannot hold 5 factors and the class: 6"):
        oracle("oracle", data, 5, 0, CPU)
    with pytest.raises(ValueError, match="size 6 cannot hold"):
        duplicate(data, 6, 0, CPU)
    with pytest.raises(ValueError, match="factors of strokes are not known"):
        oracle("oracle", replace(data, factors=None), 8, 0, CPU)
    with pytest.raises(ValueError, match="no oracle 'orcale': there are oracle, oracle-pair"):
        oracle("orcale", data, 8, 0, CPU)


def test_two_latents_drive_one_factor(asked, z):
    shown = duplicate(asked, LATENT, 0, CPU).decode(z)[:, 0, 0]
    low, high = asked.factors.low, asked.factors.high
    thickness = torch.special.ndtri((shown[:, 1] - low[0]) / (high[0] - low[0]))
    assert torch.allclose(thickness, (z[:, 0] + z[:, 6]) / 2**0.5, atol=1e-6)
    assert torch.equal(shown[:, 2:], oracle("oracle", asked, LATENT, 0, CPU).decode(z)[:, 0, 0, 2:])


def test_a_linear_generator_is_its_matrix():
    A = torch.randn(7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    generator = linear_generator(A)
    assert generator.latent == 3
    jacobian = vmap(jacfwd(lambda z: generator.decode(z[None])[0]))(torch.randn(4, 3, dtype=torch.float64))
    assert torch.allclose(jacobian, A.expand(4, 7, 3))


def test_a_memorizing_generator_makes_training_images_by_their_place(data):
    generator = memorizing_generator(data, 6, 0, CPU)
    z = generator.draw(300, "test").requires_grad_()
    images = generator.decode(z)
    known = {image.tobytes() for image in data.train_examples}
    made = (images.detach() * 255).round().byte().numpy()
    assert all(image.tobytes() in known for image in made)
    assert len({image.tobytes() for image in made}) > 50
    near = generator.decode(z.detach() + 1e-6)
    assert torch.equal(near, images)
    assert torch.equal(torch.autograd.grad(images.sum(), z)[0], torch.zeros(300, 6))
    points = replace(data, info=replace(data.info, shape=(2,)), train_examples=np.eye(2, dtype=np.float32))
    assert set(memorizing_generator(points, 6, 0, CPU).decode(z).flatten().tolist()) == {0.0, 1.0}


def test_the_nearest_place_wins(data):
    generator = memorizing_generator(data, 2, 5, CPU)
    from genbench.core.ids import derive_seed

    random = torch.Generator().manual_seed(derive_seed(5, "memorizing generator"))
    places = torch.randn(len(data.train_examples), 2, generator=random)
    z = generator.draw(100, "test")
    nearest = torch.cdist(z, places).argmin(1)
    expected = torch.from_numpy(data.train_examples)[nearest].float() / 255
    assert torch.equal(generator.decode(z), expected)


def test_the_class_of_a_cycling_trace_goes_round(data):
    trace = cycling_trace(data, snapshots=12, samples=4, spacing=10)
    assert trace.samples.shape == (12, 4, 1, 28, 28) and trace.samples.dtype == torch.uint8
    assert trace.steps == tuple(range(0, 120, 10)) and trace.middle == 6
    assert len(trace.gradient_norms[trace.player]) == trace.steps[-1]
    assert torch.equal(trace.samples[0], trace.samples[10])
    for one, other in zip(trace.samples, trace.samples[1:], strict=False):
        assert not torch.equal(one, other)
    assert torch.equal(cycling_trace(data, snapshots=12, samples=4, spacing=10).samples, trace.samples)
