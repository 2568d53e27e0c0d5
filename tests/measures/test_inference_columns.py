import math
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
from genbench.measures.inversion import Inverted
from genbench.metrics.information import Gilbo


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


def test_inversion_by_hand(monkeypatch):
    """In parts of the squared distance to the mean training image; in features of their variance."""
    monkeypatch.setattr(inference, "encoder_of", partial(quick_encoder, steps=5))
    z, error, given = torch.linspace(-2, 2, 600).view(200, 3), torch.linspace(0, 0.3, 200), {}

    def invert(generator, x, **settings):
        given.update(settings, x=x)
        return Inverted(z, error, error[None])

    monkeypatch.setattr(inference, "invert", invert)
    data = dataset()
    found = taken(lane(perfect), data)
    x, examples = given["x"], torch.from_numpy(data.test_examples).float() / 255
    assert len(x) == 200 and len({row.tobytes() for row in x.numpy()}) > 190
    assert {row.tobytes() for row in x.numpy()} <= {row.tobytes() for row in examples.numpy()}
    assert (given["restarts"], given["steps"], given["seed"]) == (1, 60, 5)
    mean = torch.from_numpy(data.train_examples).double().mean(0) / 255
    trivial = float((x.double() - mean).square().flatten(1).sum(1).mean())
    assert found["inversion"].value == pytest.approx(0.15 / trivial, rel=1e-5)
    spread = float(error.double().std()) / trivial
    assert found["inversion"].error == pytest.approx(1.96 * spread / math.sqrt(200), rel=1e-5)
    grey = (perfect(z) * 255).round().flatten(1).double() / 255
    apart = (grey - x.flatten(1).double()).square().sum(1)
    variance = float(examples.flatten(1).double().var(0, correction=0).sum())
    assert found["inversion_features"].value == pytest.approx(float(apart.mean()) / variance, rel=1e-4)
    assert found["latent_norm"].value == pytest.approx(float(z.double().square().mean()), rel=1e-6)
    common = {"reference": "test", "encoder_steps": 1500}
    assert found["inversion"].protocol == {**common, "iterations": 60, "restarts": 1}
    assert found["inversion_features"].protocol == {**common, "extractor": "pixels"}
    assert found["gilbo"].protocol == found["encoder_r2"].protocol == {**common, "sigma": 0.1}
    sizes = {name: reading.n for name, reading in found.items() if reading.value is not None}
    inverted = dict.fromkeys(("inversion", "inversion_features", "latent_norm"), 200)
    assert sizes == {**inverted, "info_r2": 150, "info_forest": 150, "encoder_r2": 2000, "gilbo": 2000}
    uniform = taken(replace(lane(perfect), distribution="uniform"), data)
    assert uniform["latent_norm"].value == pytest.approx(3 * found["latent_norm"].value)


def test_the_interval_of_the_information_is_two_standard_errors(monkeypatch):
    monkeypatch.setattr(inference, "encoder_of", partial(quick_encoder, steps=5))
    monkeypatch.setattr(inference, "gilbo", lambda log_e, log_p: Gilbo(float(log_p.mean()), 0.5))
    found = taken(lane(perfect))["gilbo"]
    assert found.error == pytest.approx(0.98)
    entropy = -1.5 * (1 + math.log(2 * math.pi))  # of three normal numbers, on average
    assert found.value == pytest.approx(entropy, abs=0.1)
    uniform = replace(lane(perfect), distribution="uniform")
    assert taken(uniform)["gilbo"].value == pytest.approx(-3 * math.log(2))


def test_factors_that_do_not_vary_are_a_reason(monkeypatch):
    monkeypatch.setattr(inference, "encoder_of", partial(quick_encoder, steps=5))
    data = dataset()
    data.factors.test[:] = 0.5
    found = taken(generator(perfect), data)
    assert found["info_r2"].reason == found["info_forest"].reason
    assert found["info_r2"].reason.startswith("No factor varies")


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
