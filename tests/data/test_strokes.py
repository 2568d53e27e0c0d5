from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from genbench.core.errors import GenbenchWarning
from genbench.data.counter import uniforms
from genbench.data.rendered import rendered
from genbench.data.stroke_renderer import RENDERER, render
from genbench.data.strokes import HIGH, LOW, NAMES, Strokes

THICK = torch.tensor([[3.0, 0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)


def strokes(images=300, **options):
    return Strokes(**{"images": images, "test_images": 20, "instrument_images": 20, **options}).load()


def draws(n=20_000, **options):
    """Many factors without their images."""
    source = Strokes(**options)
    return source._draw(n, "train", source.variant)


@pytest.fixture(scope="module")
def data():
    return strokes(images=600)


def test_what_is_loaded(data):
    assert (data.info.name, data.info.shape, data.info.classes) == (
        "strokes",
        (1, 28, 28),
        tuple("0123456789"),
    )
    assert data.train_examples.shape == (600, 1, 28, 28) and data.train_examples.dtype == np.uint8
    assert (len(data.test_examples), len(data.factors.instrument_examples)) == (20, 20)
    assert data.factors.names == NAMES and data.factors.train.shape == (600, 5)
    assert data.factors.train.dtype == np.float32 and data.train_labels.dtype == np.int64
    assert set(data.train_labels) == set(range(10))
    assert Strokes().locate()


def test_images_are_what_the_renderer_makes_of_their_factors(data):
    for labels, factors, images in (
        (data.train_labels, data.factors.train, data.train_examples),
        (data.test_labels, data.factors.test, data.test_examples),
        (data.factors.instrument_labels, data.factors.instrument_values, data.factors.instrument_examples),
    ):
        again = data.factors.render(torch.from_numpy(labels[-20:]), torch.from_numpy(factors[-20:]))
        assert np.array_equal((again * 255).round().byte().numpy(), images[-20:])


def test_splits_differ_and_the_first_images_do_not_depend_on_how_many(data):
    few = strokes(images=7)
    assert np.array_equal(few.train_examples, data.train_examples[:7])
    assert np.array_equal(few.factors.train, data.factors.train[:7])
    first = {
        f.tobytes() for f in (data.factors.train[0], data.factors.test[0], data.factors.instrument_values[0])
    }
    assert len(first) == 3
    assert not np.array_equal(strokes(images=7, seed=1).factors.train, few.factors.train)


def test_numbers_by_their_place_are_those_of_splitmix64(monkeypatch):
    monkeypatch.setattr("genbench.data.counter.derive_seed", lambda *parts: 1234567)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]  # of Vigna's splitmix64.c
    assert (uniforms(1, 3)[0] == [(word >> 11) / 2**53 for word in published]).all()


def test_thickness_and_ink_at_hand_computed_pixels():
    seven = render(torch.tensor([7]), THICK)[0, 0]
    # its bar lies at y = 14 - 8.5 = 5.5, the centre of row 5, from x = 8.9 to 19.1
    assert seven[3:9, 11].tolist() == pytest.approx([0, 1, 1, 1, 0, 0], abs=1e-6)
    finer = render(torch.tensor([7]), THICK - torch.tensor([0.7, 0, 0, 0, 0]))[0, 0]
    assert finer[3:9, 11].tolist() == pytest.approx([0, 0.65, 1, 0.65, 0, 0], abs=1e-6)


def test_shifts_move_and_slant_shears():
    moved = render(torch.arange(10), (THICK + torch.tensor([0, 0, 0, 2.0, -1])).expand(10, 5))
    still = render(torch.arange(10), THICK.expand(10, 5))
    assert torch.allclose(moved, still.roll((-1, 2), (2, 3)), atol=1e-9)
    slanted = render(torch.tensor([1]), THICK + torch.tensor([0, 0.5, 0, 0, 0]))[0, 0]
    columns = torch.arange(28) + 0.5
    top, bottom = (float((columns * slanted[row]).sum() / slanted[row].sum()) for row in (12, 18))
    assert top - bottom == pytest.approx(0.5 * 6, abs=0.05)  # y grows downwards: to the right at the top


def test_the_gradient_is_that_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    share = torch.rand(10, 5, generator=generator, dtype=torch.float64)
    factors = torch.from_numpy(LOW) + share * torch.from_numpy(HIGH - LOW)
    weights = torch.rand(10, 1, 28, 28, generator=generator, dtype=torch.float64)

    def ink(f):
        return (weights * render(torch.arange(10), f)).sum((1, 2, 3))

    asked = factors.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(ink(asked).sum(), asked)
    h = 1e-6
    for factor in range(5):
        step = h * torch.eye(5, dtype=torch.float64)[factor]
        assert torch.allclose(
            gradient[:, factor], (ink(factors + step) - ink(factors - step)) / (2 * h), atol=1e-4
        )
    forward = torch.func.vmap(torch.func.jacfwd(lambda c, f: render(c[None], f[None])[0], argnums=1))
    jacobian = forward(torch.arange(10), factors)
    assert torch.allclose((weights[..., None] * jacobian).sum((1, 2, 3)), gradient, atol=1e-9)


def test_many_are_drawn_as_few():
    n = 230
    factors = THICK.repeat(n, 1)
    factors[:, 3] = torch.linspace(-3, 3, n)
    classes = torch.arange(n) % 10
    together = render(classes, factors)
    assert together.shape == (n, 1, 28, 28)
    apart = torch.cat([render(classes[i : i + 1], factors[i : i + 1]) for i in (0, 99, 100, 229)])
    assert torch.allclose(together[[0, 99, 100, 229]], apart, atol=1e-12)
    assert render(classes[:0], factors[:0]).shape == (0, 1, 28, 28)


def test_brightness_and_border(data):
    images = data.train_examples[:, 0] / 255
    assert images.mean() == pytest.approx(0.117, abs=0.004)
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
    assert (border.max(1) > 0.5).mean() < 0.01


@pytest.mark.parametrize("variant", ["full", "corr", "gap", "imbalanced", "one-class", "grid"])
def test_ranges_and_margins(variant):
    _, factors = draws(variant=variant)
    assert (factors >= LOW.astype(np.float32)).all() and (factors <= HIGH.astype(np.float32)).all()
    shares = (factors - LOW) / (HIGH - LOW)
    assert shares.mean(0) == pytest.approx(np.full(5, 0.5), abs=0.01)
    if variant not in ("gap", "grid"):
        assert shares.var(0) == pytest.approx(np.full(5, 1 / 12), abs=0.002)
    correlations = np.corrcoef(shares.T)[np.triu_indices(5, 1)]
    assert correlations == pytest.approx([0.7 if variant == "corr" else 0] + 9 * [0], abs=0.03)


def test_classes_are_alike_in_number_unless_the_variant_says_so():
    assert np.bincount(draws()[0]) / 20_000 == pytest.approx(np.full(10, 0.1), abs=0.01)
    weighted = np.bincount(draws(variant="imbalanced")[0]) / 20_000
    assert weighted == pytest.approx(np.arange(1, 11) / 55, abs=0.01)
    assert set(draws(variant="one-class", digit=8)[0]) == {8}


def test_the_hole_is_empty_and_nothing_else_is():
    _, factors = draws(variant="gap")
    cells = np.floor(3 * (factors[:, :2] - LOW[:2]) / (HIGH - LOW)[:2]).clip(0, 2) @ [3, 1]
    counts = np.bincount(cells.astype(int), minlength=9) / len(factors)
    assert counts == pytest.approx([1 / 8] * 4 + [0] + [1 / 8] * 4, abs=0.01)


def test_the_grid_has_eight_levels_of_equal_share():
    _, factors = draws(variant="grid")
    for factor in range(5):
        levels, counts = np.unique(factors[:, factor], return_counts=True)
        assert levels == pytest.approx(np.linspace(LOW[factor], HIGH[factor], 8), abs=1e-6)
        assert counts / len(factors) == pytest.approx(np.full(8, 1 / 8), abs=0.015)


def test_variants_have_names_and_a_full_instrument_split(data):
    for variant in ("corr", "gap", "imbalanced", "grid"):
        other = strokes(images=5, variant=variant)
        assert other.info.name == f"strokes-{variant}"
        assert np.array_equal(other.factors.instrument_values, data.factors.instrument_values)
        assert np.array_equal(other.factors.instrument_labels, data.factors.instrument_labels)
    one = strokes(images=5, variant="one-class", digit=8)
    assert set(one.factors.instrument_labels) == {8} and len(one.info.classes) == 10


def one_image(images=1):
    return np.full(images, 7), THICK.float().numpy().repeat(images, 0)


def test_images_are_kept_and_damaged_ones_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    calls = []

    def counted(classes, factors):
        calls.append(len(factors))
        return render(classes, factors)

    first = rendered(counted, RENDERER, *one_image())
    assert np.array_equal(rendered(counted, RENDERER, *one_image()), first)
    assert len(calls) == 1
    (kept,) = (tmp_path / "rendered").iterdir()
    content = bytearray(kept.read_bytes())
    for damaged in (content[:-1], content[:10], b"", content[:-1] + bytes([content[-1] ^ 1])):
        kept.write_bytes(damaged)
        assert np.array_equal(rendered(counted, RENDERER, *one_image()), first)
    assert len(calls) == 5
    assert kept.read_bytes() == content
    rendered(counted, RENDERER, *one_image(2))
    rendered(counted, RENDERER + " changed", *one_image())
    assert len(calls) == 7


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path / "file"))
    with pytest.warns(GenbenchWarning, match="cannot be kept"):
        images = rendered(render, RENDERER, *one_image())
    assert images.sum() > 0


def test_what_is_loaded_may_be_changed(data):
    assert strokes(images=5).train_examples.flags.writeable
    assert strokes(images=5).train_examples.flags.writeable  # from the cache


def test_every_glyph_closes_where_a_digit_does():
    from genbench.data.stroke_renderer import _SEGMENTS

    assert torch.allclose(_SEGMENTS[0, 0, :2], _SEGMENTS[0, 15, 2:])
    assert float(_SEGMENTS.abs().max()) == pytest.approx(1.02, abs=0.05)
    lengths = (_SEGMENTS[..., 2:] - _SEGMENTS[..., :2]).norm(dim=-1)
    assert float(lengths[1].sum()) == pytest.approx(2 + math.hypot(0.3, 0.4))
    assert float(lengths[7].sum()) == pytest.approx(1.2 + math.hypot(0.7, 2))
