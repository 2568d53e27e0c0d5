import math
from dataclasses import replace

import pytest
import torch

from genbench.core.record import Better
from genbench.core.registry import measures
from genbench.measures.evidence import Bound, Bounds, Evidence, Reference
from genbench.measures.stamp import data_hash
from genbench.metrics import frechet_distance

BOUNDS = ("quality.elbo", "quality.iw_bound")


def both(bound):
    """The same bound whatever is asked for."""
    return Bounds(elbo=lambda: bound, importance=lambda draws: replace(bound, mean=bound.mean + draws))


@pytest.fixture(scope="module")
def quality():
    return measures.get("quality")()


@pytest.fixture(scope="module")
def rows(control, read, quality):
    return {
        name: {metric: reading.value for metric, reading in read(quality, control(name)).items()}
        for name in ("real", "collapsed", "noise")
    }


def check_controls(rows):
    real, collapsed, noise = rows["real"], rows["collapsed"], rows["noise"]
    for metric in ("quality.fid", "quality.kid"):
        assert real[metric] < collapsed[metric] < noise[metric]
    assert abs(real["quality.kid"]) < 0.02 * collapsed["quality.kid"]
    for metric in ("precision", "recall", "density", "coverage"):
        assert noise[f"quality.{metric}"] < 0.02
    assert real["quality.recall"] > 0.7
    assert real["quality.coverage"] > 0.8
    assert 0.8 < real["quality.density"] < 1.3
    # one class of perfect images: a swap of precision and recall shows here
    assert collapsed["quality.precision"] > 0.7
    assert collapsed["quality.recall"] < 0.2
    assert collapsed["quality.coverage"] < 0.2


def test_control_rows_come_out_as_they_must(rows):
    check_controls(rows)


@pytest.mark.run
def test_control_rows_of_mnist(mnist, read, quality):
    from genbench.measures.controls import control_samples

    small = Reference(mnist.dataset, mnist.device)
    vars(small)["features"] = type(mnist.features)(*(part[:2000] for part in mnist.features))
    evidence = {
        name: Evidence(small, control_samples(name, mnist.dataset, 2000, 3).samples)
        for name in ("real", "collapsed", "noise")
    }
    check_controls(
        {
            name: {metric: reading.value for metric, reading in read(quality, each).items()}
            for name, each in evidence.items()
        }
    )


def test_reference_is_real_and_samples_are_fake(control, read, quality, reference):
    evidence = control("collapsed")
    fid = read(quality, evidence)["quality.fid"]
    assert fid.value == frechet_distance(
        reference.features.values, reference.extractor(evidence.samples).values
    )


def test_every_reading_is_stamped(control, read, quality, reference):
    evidence = control("real", 200)
    common = {"n_real": 599, "n_fake": 200, "reference": "test", "extractor": "mnist-cnn"}
    for metric, reading in read(quality, evidence).items():
        assert reading.versions["data"] == reference.dataset.hash
        assert reading.versions["metric"] == reading.column.version
        if metric in BOUNDS:
            continue
        assert reading.n == 200
        assert reading.versions["features"] == reference.extractor.hash
        neighbours = metric not in ("quality.fid", "quality.kid")
        assert reading.protocol == ({**common, "k": 5} if neighbours else common)


def test_data_are_hashed_once(reference, monkeypatch):
    data_hash(reference.dataset)
    monkeypatch.setattr(type(reference.dataset), "hash", property(lambda self: pytest.fail("hashed again")))
    data_hash(reference.dataset)


def test_directions_and_units(quality):
    lower = {column.metric for column in quality.columns if column.better is Better.LOWER}
    assert lower == {"quality.fid", "quality.kid"}
    assert {c.metric: c.unit for c in quality.columns if c.unit} == dict.fromkeys(BOUNDS, "nats")


def test_too_few_samples_are_a_reason_and_no_error(control, read, quality):
    found = read(quality, control("real", 5))
    assert found["quality.fid"].value is not None
    assert found["quality.precision"].value is None
    assert "needs at least 6" in found["quality.precision"].reason
    assert all(
        reading.value is None and reading.reason for reading in read(quality, control("real", 1)).values()
    )


def test_bound(control, read, quality):
    evidence = control("real", 20)
    for metric in BOUNDS:
        assert read(quality, evidence)[metric].value is None
        assert "no model with an encoder" in read(quality, evidence)[metric].reason
    found = read(quality, Evidence(evidence.reference, evidence.samples, both(Bound(-95.5, 0.5, 599))))
    reading = found["quality.elbo"]
    assert (reading.value, reading.error, reading.n) == (-95.5, pytest.approx(0.98), 599)
    assert reading.protocol == {"reference": "test", "n_real": 599}
    assert found["quality.iw_bound"].value == -95.5 + 50
    assert found["quality.iw_bound"].protocol == {"reference": "test", "n_real": 599, "draws": 50}


@pytest.mark.parametrize("mean", [math.nan, -math.inf])
def test_a_bound_that_is_not_finite(control, read, quality, mean):
    real = control("real", 20)
    found = read(quality, Evidence(real.reference, real.samples, both(Bound(mean, 1.0, 599))))
    for metric in BOUNDS:
        assert found[metric].value is None
        assert "diverged" in found[metric].reason


def test_weights_that_are_not_finite_are_a_reason(control, read, quality):
    def refuse(draws):
        raise ValueError("log_weights is not finite in 1 of 20 rows")

    real = control("real", 20)
    given = Bounds(elbo=lambda: Bound(-math.inf, 1.0, 599), importance=refuse)
    found = read(quality, Evidence(real.reference, real.samples, given))
    assert "not finite in 1 of 20" in found["quality.iw_bound"].reason


@pytest.mark.parametrize("n", [1, 5])
def test_of_too_few_samples_nothing_is_expected_but_reasons(reference, quality, n):
    for reading in quality.expected(reference, n):
        assert reading.reason or (n > 1 and reading.column.metric in ("quality.fid", "quality.kid"))


def test_one_image_repeated_still_gives_numbers(reference, read, quality):
    samples = torch.from_numpy(reference.dataset.train_examples[:1]).repeat(300, 1, 1, 1)
    found = read(quality, Evidence(reference, samples))
    assert found["quality.recall"].value < 0.01
    assert found["quality.fid"].value > 10


def test_what_a_perfect_model_is_expected_to_score(reference, rows, quality):
    """Near what real images score: not nearer, because the two splits of digits are no independent draws."""
    found = {r.column.metric: r for r in quality.expected(reference, 500)}
    assert tuple(r.column for r in found.values()) == quality.columns
    real = rows["real"]
    assert real["quality.fid"] / 3 < found["quality.fid"].value < 3 * real["quality.fid"]
    assert found["quality.coverage"].value == pytest.approx(real["quality.coverage"], abs=0.05)
    assert found["quality.density"].value == 1
    assert found["quality.kid"].value == 0
    for metric in ("quality.precision", "quality.recall", *BOUNDS):
        assert found[metric].value is None
        assert found[metric].reason
    for metric in ("quality.fid", "quality.coverage"):
        assert found[metric].protocol["n_fake"] == 500
        assert found[metric].protocol["n_real"] == 599
