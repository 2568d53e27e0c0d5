"""Sections of a page of explanation whose answers are known: units, neighbours, inversions."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genbench.measures.generator import Generator, Networks
from genbench.runner.explaining import dissecting, inverting
from genbench.runner.explaining.inverting import Inverted, inversions
from genbench.runner.explaining.looking import Lens, chunks, examples
from genbench.runner.explaining.neighbouring import neighbours

CPU = torch.device("cpu")
WEIGHTS = torch.tensor([0.2, 0.0, 0.5, 0.3, 0.1, 0.4, 0.05])
"""Effect of each of seven hidden units on the only pixel."""


@dataclass(frozen=True)
class Open:
    generator: Generator


def lens():
    """G(z) = 1/2 + sum of w_k h_k with h_k = z for all units, on images of one pixel."""

    def without(z, layer, mask):
        assert layer == "G.1"
        return (0.5 + z * (WEIGHTS * mask).sum()).view(-1, 1, 1, 1)

    networks = Networks(lambda z: {"G.1": z.expand(-1, 7)}, without, lambda z: z, None)
    decode = lambda z: without(z, "G.1", torch.ones(7))  # noqa: E731
    return Lens(Open(Generator(1, "normal", 7, CPU, decode, None, "", None, networks)), 3)


def test_units_are_shown_by_their_effect_the_strongest_first():
    look = lens()
    (layer,) = dissecting.units(look, None).layers
    z = dissecting.labelled_draws(look)[: dissecting.ABLATED]
    size = (0.5 + z * WEIGHTS.sum()).square().mean()
    expected = ((z * WEIGHTS).square().mean(0) / size).tolist()
    assert layer.tested.tolist() == list(range(7))
    assert layer.effects.tolist() == pytest.approx(expected, rel=1e-5)
    assert [unit.number for unit in layer.shown][:4] == [2, 5, 3, 0]
    assert [unit.control for unit in layer.shown] == [False] * 4 + [True] * 2
    assert {unit.number for unit in layer.shown[4:]} < {1, 4, 6}
    for unit in layer.shown:
        assert unit.effect == pytest.approx(expected[unit.number], rel=1e-5, abs=1e-12)
        assert len(unit.images) == dissecting.TOP
    assert layer.dead == 0


def test_a_unit_is_dead_where_it_is_active_in_less_than_a_hundredth_of_the_samples(monkeypatch):
    monkeypatch.setattr(dissecting, "DRAWS", 1000)
    look = lens()
    active = torch.zeros(1000, 7)
    for unit, count in enumerate([9, 10, 11, 0, 500, 1000, 1000]):
        active[:count, unit] = 1.0
    networks = Networks(lambda z: {"G.1": active[: len(z)]}, look.generator.networks.without, None, None)
    monkeypatch.setattr(dissecting, "chunks", lambda n, size: [slice(0, n)])
    opened = SimpleNamespace(
        networks=networks, draw=look.generator.draw, decode=look.generator.decode, seed=7
    )
    (layer,) = dissecting.units(Lens(SimpleNamespace(generator=opened), 3), None).layers
    assert layer.dead == pytest.approx(2 / 7)


def test_neighbours_are_training_images_and_test_images_say_what_is_typical():
    look = lens()
    random = np.random.default_rng(0)
    train = random.integers(100, 140, (30, 1, 1, 1)).astype(np.uint8)
    test = random.integers(200, 255, (12, 1, 1, 1)).astype(np.uint8)
    extractor = SimpleNamespace(id="pixels")

    class Pixels:
        id = "pixels"

        def __call__(self, samples):
            return SimpleNamespace(values=samples.float().flatten(1))

    dataset = SimpleNamespace(train_examples=train, test_examples=test)
    found = neighbours(look, SimpleNamespace(dataset=dataset, extractor=Pixels(), device=CPU))
    drawn = look.decode(look.draw(10, "samples"))
    stored = (drawn.clamp(0, 1) * 255).round().flatten().double().numpy()
    far = np.abs(stored[:, None] - train.reshape(1, -1))
    assert (found.searched, found.extractor) == (30, extractor.id)
    assert found.samples == pytest.approx(drawn.clamp(0, 1).numpy())
    assert found.distances == pytest.approx(far.min(1))
    assert found.nearest.ravel() * 255 == pytest.approx(train.ravel()[far.argmin(1)])
    typical = np.abs(test.reshape(-1, 1).astype(int) - train.reshape(1, -1)).min(1)
    assert sorted(found.typical) == sorted(typical)


def test_the_best_the_median_and_the_worst_inversion_are_shown():
    look = lens()
    errors = torch.tensor([0.5, 0.1, 0.9, 0.3, 0.7])
    x = torch.arange(5).view(5, 1, 1, 1) / 10
    found = inversions(look, Inverted(x, torch.zeros(5, 1), errors))
    assert found.titles == ("best", "median", "worst")
    assert found.images.ravel() == pytest.approx([0.1, 0.0, 0.2])
    assert found.shown == pytest.approx([0.1, 0.5, 0.9])
    assert found.errors == pytest.approx(errors.numpy()) and found.found.ravel() == pytest.approx([0.5] * 3)
    assert (found.steps, found.restarts) == (inverting.STEPS, inverting.RESTARTS)


def test_test_images_are_inverted_and_scaled_by_their_distance_from_the_mean_of_training(monkeypatch):
    look = lens()
    train = np.full((4, 1, 1, 1), 51, dtype=np.uint8)  # 0.2
    test = np.array([102, 153, 204], dtype=np.uint8).reshape(3, 1, 1, 1)  # 0.4, 0.6, 0.8
    given = []

    def invert(generator, x, *, encoder, restarts, steps, seed):
        given.append((x, restarts, steps, seed))
        return SimpleNamespace(z=torch.zeros(len(x), 1))  # G(0) = 0.5

    monkeypatch.setattr(inverting, "invert", invert)
    monkeypatch.setattr(inverting, "encoder_of", lambda generator: None)
    reference = SimpleNamespace(dataset=SimpleNamespace(train_examples=train, test_examples=test))
    found = inverting.inverted(look, reference)
    ((x, *asked),) = given
    assert sorted(x.ravel().tolist()) == pytest.approx([0.4, 0.6, 0.8]) and asked == [3, 200, 3]
    scale = np.mean([0.2**2, 0.4**2, 0.6**2])
    expected = [(0.5 - value) ** 2 / scale for value in x.ravel().tolist()]
    assert found.errors.tolist() == pytest.approx(expected, rel=1e-5)


def test_chunks_cover_everything_once():
    assert list(chunks(5, 2)) == [slice(0, 2), slice(2, 4), slice(4, 6)]
    assert [list(range(5)[part]) for part in chunks(5, 2)] == [[0, 1], [2, 3], [4]]
    assert examples(np.array([[0, 51, 255]], dtype=np.uint8), CPU).tolist() == [pytest.approx([0, 0.2, 1])]
