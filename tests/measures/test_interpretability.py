import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.record import ORACLES, REAL, UNTRAINED
from genbench.core.registry import datasets, measures
from genbench.data.dataset import Dataset, Factors
from genbench.features.factors import FactorValues
from genbench.features.protocol import Features
from genbench.measures import factor_columns, geometry_columns
from genbench.measures.evidence import Evidence, Reference
from genbench.measures.generator import Generator
from genbench.measures.interpretability import Interpretability
from genbench.measures.made import made
from genbench.metrics.sobol import rotation
from genbench.report.headings import GROUPS, label_of

CPU = torch.device("cpu")
F, CLASSES = 4, 2


def render(classes, factors):
    """Five pixels: four factors and the class."""
    return torch.cat([factors, classes.float()[:, None]], 1)[:, None, None]


def read(images):
    x = images.float().flatten(1) / 255
    return FactorValues((x[:, F] > 0.5).long(), x[:, :F])


def extract(samples):
    x = samples[:].float().flatten(1) / 255
    probability = x[:, F:]
    return Features(x, torch.cat([1 - probability, probability], 1))


def data():
    random = np.random.default_rng(0)
    values = random.random((600, F)).astype(np.float32)
    labels = random.integers(CLASSES, size=600)
    pixels = render(torch.from_numpy(labels), torch.from_numpy(values))
    images = (pixels * 255).round().to(torch.uint8).numpy()
    factors = Factors(
        tuple("abcd"), np.zeros(F), np.ones(F), values, values, images, labels, values, render, "pixels 1"
    )
    info = DataInfo("pixels", images.shape[1:], ("0", "1"))
    return Dataset(info, images, labels, images, labels, "here", factors=factors)


@pytest.fixture(scope="module")
def reference():
    found = Reference(data(), CPU)
    reader = SimpleNamespace(
        id="fake", hash="0" * 12, read=read, residual=lambda x: torch.full((len(x),), 0.25)
    )
    found.__dict__["factor_reader"] = reader
    found.__dict__["extractor"] = _Extractor()
    return found


class _Extractor:
    id, hash, pinned = "fake", "1" * 12, True

    def __call__(self, samples):
        return extract(samples)


def analytic(turn=None, drop=None, scale=1.0, classes=CLASSES):
    """z_j moves factor j, the last latent chooses the class."""
    turn = torch.eye(F) if turn is None else turn.float()

    def decode(z):
        y = torch.special.ndtr(scale * (z[:, :F] @ turn))
        if drop is not None:
            y = torch.where(torch.arange(F) == drop, 0.5, y)
        return render((z[:, F] > 0).long() * (classes > 1), y)

    return Generator(F + 1, "normal", 0, CPU, decode)


def evidence(reference, generator):
    samples, _ = made(generator, generator.draw(1000, "test"))
    return Evidence(reference, samples, generator=generator)


def taken(part, reference, generator):
    found = list(part.readings(evidence(reference, generator)))
    assert tuple(r.column for r in found) == part.COLUMNS
    for r in found:
        assert (r.value is None) == bool(r.reason)
        assert r.value is None or math.isfinite(r.value)
    return {r.column.metric.removeprefix("interpretability."): r for r in found}


def test_the_more_axes_are_mixed_the_less_they_gain(reference):
    pair = torch.eye(F)
    pair[:2, :2] = torch.tensor([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
    aligned, mixed, rotated = (
        taken(factor_columns, reference, analytic(turn)) for turn in (None, pair, rotation(F, "test", 3))
    )
    assert aligned["axis_gain"].value > 0.4
    assert aligned["axis_percentile"].value == 1 / 40
    assert aligned["disentanglement"].value == pytest.approx(1.0, abs=0.01)
    assert aligned["completeness"].value == pytest.approx(1.0, abs=0.01)
    assert aligned["axis_gain"].value > mixed["axis_gain"].value + 0.05
    assert mixed["axis_gain"].value > rotated["axis_gain"].value + 0.05
    assert 0.01 < rotated["axis_percentile"].value < 0.99
    gain = aligned["axis_gain"]
    assert gain.value == aligned["disentanglement"].value - aligned["random_d"].value
    assert 0 < gain.error < 0.1
    assert gain.protocol["latent"] == F + 1
    assert gain.protocol["rotations"] == 39
    assert gain.protocol["reader"] == "fake"
    assert gain.versions["features"] == "0" * 12
    assert aligned["sefa_gain"].value is None
    again = taken(factor_columns, reference, analytic())
    assert again["axis_gain"] == gain


def test_the_first_layers_directions_undo_a_rotation(reference):
    Q = rotation(F + 1, "mixed")
    scales = torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0])
    plain = analytic()
    generator = Generator(
        F + 1,
        "normal",
        0,
        CPU,
        lambda z: plain.decode(z @ Q.float()),
        networks=SimpleNamespace(first=lambda z: z @ Q.float() * scales),
    )
    found = taken(factor_columns, reference, generator)
    assert found["sefa_gain"].value > found["axis_gain"].value + 0.3


def test_a_uniform_latent_is_turned_where_it_is_normal(reference):
    def decode(z):
        return render((z[:, F] > 0).long(), (z[:, :F] + 1) / 2)

    uniform = taken(factor_columns, reference, Generator(F + 1, "uniform", 0, CPU, decode))
    normal = taken(factor_columns, reference, analytic())
    assert uniform["axis_gain"].value == pytest.approx(normal["axis_gain"].value, abs=0.01)


def test_a_factor_that_never_moves_is_missed_by_coverage_only(reference):
    full = taken(factor_columns, reference, analytic())
    dropped = taken(factor_columns, reference, analytic(drop=1))
    assert full["coverage"].value > 0.95
    assert full["coverage"].value - dropped["coverage"].value == pytest.approx(1 / F, abs=0.03)
    assert dropped["disentanglement"].value > 0.98
    assert dropped["residual"].value == 0.25


@pytest.mark.parametrize("part", [factor_columns, geometry_columns])
def test_collapse_and_what_is_not_finite_give_rows(reference, part):
    always = {"coverage", "class_entropy", "residual"}
    constant = Generator(F + 1, "normal", 0, CPU, lambda z: analytic().decode(0 * z))
    for generator, words in (
        (constant, "collapsed: factor coverage 0.000, below 0.1"),
        (analytic(classes=1), "collapsed: class entropy 0.000"),
        (Generator(F + 1, "normal", 0, CPU, lambda z: analytic().decode(z) / 0), ""),
    ):
        for name, reading in taken(part, reference, generator).items():
            if name not in always:
                assert reading.value is None
                assert words in reading.reason
            elif words:
                assert reading.value is not None


def test_where_some_of_it_is_not_finite_there_is_no_geometry(reference):
    plain = analytic()
    broken = Generator(
        F + 1,
        "normal",
        0,
        CPU,
        lambda z: torch.where((z[:, 0] > 2)[:, None, None, None], math.nan, plain.decode(z)),
    )
    for reading in taken(geometry_columns, reference, broken).values():
        assert "not finite" in reading.reason
    assert "not finite" in taken(factor_columns, reference, broken)["axis_gain"].reason


def test_geometry_of_a_known_generator(reference):
    found = taken(geometry_columns, reference, analytic(scale=0.3))  # nearly linear
    assert found["effective_dimension"].value == pytest.approx(F, abs=0.2)
    assert found["condition"].value == 12.0  # the class has no derivative
    assert found["path_energy"].value == pytest.approx(1.0, abs=0.02)
    assert found["path_energy"].protocol["pairs"] == "of one class"
    assert found["path_energy"].n == 200
    share = found["separability"].value
    assert share > 0.97
    assert found["separability"].error == pytest.approx(1.96 * math.sqrt(share * (1 - share) / 1000))
    assert found["separability"].n == found["intrinsic_dimension"].n == 1000
    assert found["intrinsic_dimension_real"].n == 600
    assert found["effective_dimension"].n == found["effective_dimension"].protocol["points"] == 64
    assert found["majority"].value < 0.6


def test_points_and_large_latents_have_reasons():
    ring = Reference(datasets.get("ring")().load(), CPU)
    generator = Generator(2, "normal", 0, CPU, lambda z: 2 * z)
    found = taken(geometry_columns, ring, generator)
    assert found["effective_dimension"].value == pytest.approx(2.0)
    assert found["path_energy"].value == pytest.approx(1.0, abs=1e-3)
    assert found["separability"].value is None
    assert found["intrinsic_dimension"].value == pytest.approx(2.0, abs=0.2)
    for reading in taken(factor_columns, ring, generator).values():
        assert reading.value is None


def test_large_latents_are_not_rotated(reference, monkeypatch):
    monkeypatch.setattr(factor_columns, "_LARGEST", F + 1)
    assert taken(factor_columns, reference, analytic())["axis_gain"].value > 0.4
    monkeypatch.undo()
    plain = analytic()
    generator = Generator(65, "normal", 0, CPU, lambda z: plain.decode(z[:, : F + 1]))
    assert "65, above 64" in taken(factor_columns, reference, generator)["axis_gain"].reason
    of_geometry = taken(geometry_columns, reference, generator)
    assert of_geometry["effective_dimension"].n == 2048 // 65  # 2,048 derivatives
    assert of_geometry["effective_dimension"].value == pytest.approx(F, abs=1)


def test_what_is_said_of_no_samples_and_of_one_class(reference):
    samples = torch.from_numpy(reference.dataset.test_examples)
    for reading in list(factor_columns.readings(Evidence(reference, samples[:0])))[:3]:
        assert reading.value is None and reading.reason == "There are no samples."
    one = Reference(replace(reference.dataset, train_labels=0 * reference.dataset.train_labels), CPU)
    vars(one).update(factor_reader=reference.factor_reader, extractor=reference.extractor)
    _, entropy, residual = list(factor_columns.readings(Evidence(one, samples)))[:3]
    assert entropy.reason == "This data has no classes, or only one."
    assert residual.n == 500


def test_the_residual_is_a_median_with_an_interval_by_ranks(reference):
    reader = SimpleNamespace(**vars(reference.factor_reader))
    told = [0.5, math.nan, 0.1, 0.3, math.inf, 0.9, 0.2, 0.8, 0.4, 0.7, 0.6]
    reader.residual = lambda x: torch.tensor(told).double()
    other = Reference(reference.dataset, CPU)
    vars(other).update(factor_reader=reader, extractor=reference.extractor)
    samples = torch.from_numpy(reference.dataset.test_examples[: len(told)])
    residual = list(factor_columns.readings(Evidence(other, samples)))[2]
    # of nine finite ones the second from either end: 9 / 2 - 0.98 · 3 is 1.56
    assert (residual.value, residual.n) == (pytest.approx(0.5), 9)
    assert residual.error == pytest.approx((0.8 - 0.2) / 2)


def test_registered_headed_and_anchored(reference):
    assert measures.get("interpretability") is Interpretability
    assert Interpretability.anchors == (REAL, *ORACLES, UNTRAINED)
    assert "interpretability" in GROUPS
    names = [column.metric for column in Interpretability.columns]
    assert len(set(names)) == len(names)
    assert len({label_of(name) for name in names}) == len(names)
    assert list(Interpretability().anchor(UNTRAINED, reference, 0)) == []
    digits = Reference(datasets.get("digits")().load(), CPU)
    assert list(Interpretability().anchor("oracle", digits, 0)) == []
    real = {r.column.metric.split(".")[1]: r.value for r in Interpretability().anchor(REAL, reference, 0)}
    assert set(real) == {"coverage", "class_entropy", "residual"}
    assert real["coverage"] > 0.9
    found = list(Interpretability().anchor("oracle-constant", reference, 0))
    assert {r.column.metric for r in found} == set(names)
    assert all(r.value is None for r in found if r.column.metric == "interpretability.axis_gain")
