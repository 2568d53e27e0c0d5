from dataclasses import replace
from functools import partial

import pytest
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
    reference,
)

import genbench.measures.literature as literature
from genbench.core.registry import measures
from genbench.measures.evidence import Final


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(literature, "encoder_of", quick_encoder)
    monkeypatch.setattr(literature, "_FITTED", 100)
    monkeypatch.setattr(literature, "_ROTATIONS", 2)
    monkeypatch.setattr("genbench.metrics.disentanglement._VOTES", (200, 100))


@pytest.fixture(scope="module")
def measure():
    found = measures.get("literature")()
    assert isinstance(found, Final)
    return found


def one_factor():
    data = dataset()
    known = data.factors
    return replace(data, factors=replace(known, names=("a",), low=known.low[:1], high=known.high[:1]))


def taken(measure, made, data=None):
    return by_metric(measure(evidence(made, data)), measure.columns)


@pytest.mark.run
def test_axes_that_are_factors_score_above_axes_that_are_mixed(measure):
    good = taken(measure, generator(perfect))
    assert good["mig"].value > 0.3
    assert good["mig"].value > good["mig_rotated"].value + 0.15
    assert good["dci_d"].value > good["d_rotated"].value + 0.15
    assert good["dci_i"].value > 0.8
    assert good["factor_vae"].value > 0.9
    assert good["sap"].value > 0.5
    assert good["dci_c"].value > 0.6
    assert good["modularity"].value > 0.6  # of 300 images the class coordinate seems to know both a little


def test_collapse_is_a_dash_for_models_and_a_number_for_untrained_ones(measure, monkeypatch):
    monkeypatch.setattr(literature, "encoder_of", partial(quick_encoder, steps=5))
    one = generator(constant)
    assert all(r.reason.startswith("collapsed: factor coverage") for r in taken(measure, one).values())
    untrained = by_metric(measure.anchor("untrained", reference(dataset(), (one,)), 0), measure.columns)
    assert untrained["mig"].value < 0.1


@pytest.mark.run
def test_oracles_are_anchors(measure):
    real = reference(dataset(), (generator(constant),))
    aligned, mixed = (
        by_metric(measure.anchor(name, real, 0), measure.columns) for name in ("oracle", "oracle-rotated")
    )
    assert aligned["dci_d"].value > 0.6
    assert aligned["dci_d"].value > mixed["dci_d"].value + 0.1


def test_oracles_are_as_large_as_the_model_and_of_the_seed(measure, monkeypatch):
    monkeypatch.setattr(literature, "encoder_of", partial(quick_encoder, steps=5))
    asked = []
    monkeypatch.setattr(literature, "oracle", lambda *of: asked.append(of) or generator(perfect, latent=4))
    real = reference(dataset(), (generator(constant), generator(constant, latent=4)))
    found = by_metric(measure.anchor("oracle-rotated", real, 1), measure.columns)
    assert asked == [("oracle-rotated", real.dataset, 4, 1, real.device)]
    assert found["mig"].n == 300


def test_anchors_that_cannot_be_had_are_none(measure):
    assert not list(measure.anchor("untrained", reference(dataset()), 0))
    small = reference(dataset(), (generator(constant, latent=2),))
    assert not list(measure.anchor("oracle", small, 0))
    assert not list(measure.anchor("oracle", reference(points(), (generator(constant),)), 0))


def test_what_cannot_be_scored_says_why(measure):
    for made, data, reason in (
        (generator(broken), None, "collapsed"),
        (None, None, "only samples"),
        (generator(perfect), one_factor(), "two factors at least"),
        (generator(perfect), dataset(factors=False), "not known"),
        (generator(lambda z: z[:, :2]), points(), "not known"),
        (generator(lambda z: perfect(z.expand(-1, 3)), latent=1), None, "no axes"),
    ):
        for reading in taken(measure, made, data).values():
            assert reason in reading.reason
