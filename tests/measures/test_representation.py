import math
from functools import partial

import numpy as np
import pytest
import torch
from tiny_lanes import (
    broken,
    by_metric,
    constant,
    dataset,
    evidence,
    generator,
    points,
    quick_encoder,
    reference,
)

import genbench.measures.representation as representation
from genbench.core.registry import measures
from genbench.measures.evidence import Final


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(representation, "encoder_of", partial(quick_encoder, steps=5))


@pytest.fixture(scope="module")
def measure():
    found = measures.get("representation")()
    assert isinstance(found, Final)
    return found


def taken(measure, made, data=None):
    return by_metric(measure(evidence(made, data)), measure.columns)


def lane(features):
    return generator(constant, seen=lambda x: {"D.1": x.flatten(1) * 0, "D.2": features(x.flatten(1))})


def test_the_last_layer_is_probed(measure):
    good = taken(measure, lane(lambda x: 100 * x[:, 3:]))
    assert good["probe"].value == 1
    assert good["nmi"].value == pytest.approx(1)
    assert good["majority"].value == pytest.approx(1 / 3, abs=0.07)
    blind = taken(measure, lane(lambda x: x[:, :2]))
    assert blind["probe"].value < 0.5
    assert blind["nmi"].value < 0.05
    share = blind["probe"].value
    assert blind["probe"].error == pytest.approx(1.96 * math.sqrt(share * (1 - share) / 150))
    assert {reading.error for name, reading in blind.items() if "probe" not in name} == {None}
    stamp = {"reference": "test", "components": 64, "encoder_steps": 1500, "sigma": 0.1}
    for reading in blind.values():
        assert (reading.n, reading.protocol) == (150, stamp)


def test_the_scale_of_single_features_does_not_matter(measure):
    loud = torch.tensor([1e4, 1.0, 1.0, 1.0])
    first, second = (
        taken(measure, lane(lambda x, s=s: x[:, [0, 3, 4, 5]] * s)) for s in (torch.ones(4), loud)
    )
    assert first["probe"].value == pytest.approx(second["probe"].value, abs=0.01)
    assert first["nmi"].value == pytest.approx(second["nmi"].value, abs=0.02)


def test_half_that_is_scored_was_not_fitted(measure):
    noise = torch.randn(300, 60, generator=torch.Generator().manual_seed(0))
    found = taken(measure, lane(lambda x: noise[: len(x)]))
    assert found["probe"].n == 150
    assert found["probe"].value < 0.5


def test_dashes(measure):
    blind = taken(measure, generator(constant))
    assert "sees examples" in blind["probe"].reason
    assert blind["probe_code"].value is not None
    for made, data, reason in (
        (None, None, "only samples"),
        (generator(lambda z: z[:, :2]), points(), "Points"),
    ):
        assert all(reason in reading.reason for reading in taken(measure, made, data).values())
    bad = taken(measure, generator(broken, seen=lambda x: {"D.1": x.flatten(1) * torch.nan}))
    assert all("not finite" in bad[name].reason for name in ("probe", "nmi", "probe_code", "nmi_code"))
    one = dataset()
    one.test_labels[:] = 1
    assert all("one class" in reading.reason for reading in taken(measure, lane(lambda x: x), one).values())


def test_anchors(measure):
    real = reference(dataset(), (lane(lambda x: x[:, 3:]),))
    pixels, pca, untrained = (
        by_metric(measure.anchor(name, real, 0), measure.columns) for name in measure.anchors
    )
    assert pixels["probe"].value == pca["probe"].value == untrained["probe"].value == 1
    assert "no generator" in pixels["probe_code"].reason
    assert untrained["probe_code"].value is not None
    assert not list(measure.anchor("untrained", real, 1))
    assert not list(measure.anchor("pixels", reference(points()), 0))


def test_components_are_those_of_the_half_that_is_fitted():
    random = np.random.default_rng(0)
    values = np.zeros((200, 100))
    values[:100] = random.standard_normal((100, 100)) * np.linspace(1, 3, 100)
    found = representation._components(values)
    assert found.shape == (200, 64)
    assert found[:100].var(0).mean() == pytest.approx(1)
    assert np.allclose(found[100:], found[100])
    assert (np.diff(found[:100].var(0)) < 1e-9).all()
