from dataclasses import replace
from functools import partial

import pytest
import torch
from tiny_lanes import (
    broken,
    by_metric,
    constant,
    dataset,
    evidence,
    generator,
    perfect,
    points,
    quick_encoder,
)

import genbench.measures.inference_columns as inference


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(inference, "encoder_of", quick_encoder)
    monkeypatch.setattr(inference, "_ITERATIONS", 60)


def taken(made, data=None):
    return by_metric(inference.readings(evidence(made, data)), inference.COLUMNS)


def lane(decode, **more):
    """A generator with networks, as trained lanes are and oracles are not."""
    return generator(decode, seen=lambda x: {}, **more)


def test_of_an_oracle_there_is_only_what_its_code_tells_of_factors(monkeypatch):
    monkeypatch.setattr(inference, "encoder_of", partial(quick_encoder, steps=5))
    found = taken(generator(perfect))
    given = {name for name, reading in found.items() if reading.value is not None}
    assert given == {"info_r2", "info_forest"}
    assert "no ceiling" in found["inversion"].reason and "no ceiling" in found["gilbo"].reason


def test_a_perfect_generator_and_one_that_makes_one_image():
    good = taken(lane(perfect, encode=lambda x: x.flatten(1)[:, :2] * 5 + 1))
    assert good["inversion"].value < 0.2
    assert good["inversion_features"].value < 0.2
    assert 0.3 < good["latent_norm"].value < 2
    assert good["info_r2"].value > 0.8
    assert good["info_forest"].value > 0.8
    assert good["native_r2"].value > 0.99
    assert good["encoder_r2"].value > 0.5
    assert good["gilbo"].value > 2
    assert good["gilbo"].error > 0

    one = taken(lane(constant))
    assert one["inversion"].value > 0.9
    assert one["info_r2"].value < good["info_r2"].value
    assert one["encoder_r2"].value < 0.05
    assert one["gilbo"].value < 0.2
    assert "no encoder of its own" in one["native_r2"].reason


def test_a_generator_that_is_not_finite_has_dashes(monkeypatch):
    monkeypatch.setattr(inference, "encoder_of", partial(quick_encoder, steps=5))
    assert all(reading.value is None for reading in taken(lane(broken)).values())


def test_without_factors_or_a_generator(monkeypatch):
    monkeypatch.setattr(inference, "encoder_of", partial(quick_encoder, steps=5))
    unknown = taken(lane(perfect), dataset(factors=False))
    for name in ("info_r2", "info_forest", "native_r2"):
        assert "not known" in unknown[name].reason
    assert unknown["inversion"].value < 0.9
    assert all("only samples" in reading.reason for reading in taken(None).values())


def test_points():
    found = taken(lane(lambda z: z[:, :2]), points())
    assert found["inversion"].value == pytest.approx(0, abs=0.01)
    assert "points themselves" in found["inversion_features"].reason
    assert found["gilbo"].value > 1


def test_the_prior_of_a_uniform_latent():
    uniform = replace(lane(lambda z: z, latent=2), distribution="uniform")
    found = taken(uniform, points())
    assert found["latent_norm"].value > 2  # normal points lie outside of the square
    bound = found["gilbo"].value
    assert 1 < bound <= 2 * torch.log(torch.tensor(2 / (0.1 * (2 * torch.pi * torch.e) ** 0.5))) + 0.2
