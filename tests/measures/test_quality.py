import math

import pytest
import torch

from genbench.core.record import Better
from genbench.core.registry import measures
from genbench.measures.evidence import Bound, Evidence, Reference
from genbench.measures.stamp import data_hash
from genbench.metrics import frechet_distance


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


def test_control_rows_of_mnist(mnist, read, quality):
    from genbench.measures.controls import control_samples

    small = Reference(mnist.dataset, mnist.device)
    vars(small)["features"] = type(mnist.features)(*(part[:2000] for part in mnist.features))
    evidence = {
        name: Evidence(small, control_samples(name, mnist.dataset, 2000, 3))
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
        if metric == "quality.elbo":
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
    assert {c.metric: c.unit for c in quality.columns if c.unit} == {"quality.elbo": "nats"}


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
    assert read(quality, evidence)["quality.elbo"].value is None
    assert "samples only" in read(quality, evidence)["quality.elbo"].reason
    with_bound = Evidence(evidence.reference, evidence.samples, bound=lambda: Bound(-95.5, 0.5, 599))
    reading = read(quality, with_bound)["quality.elbo"]
    assert (reading.value, reading.error, reading.n) == (-95.5, pytest.approx(0.98), 599)
    assert reading.protocol == {"reference": "test", "n_real": 599}


@pytest.mark.parametrize("mean", [math.nan, -math.inf])
def test_a_bound_that_is_not_finite(control, read, quality, mean):
    evidence = Evidence(
        control("real", 20).reference, control("real", 20).samples, bound=lambda: Bound(mean, 1.0, 599)
    )
    reading = read(quality, evidence)["quality.elbo"]
    assert reading.value is None
    assert "diverged" in reading.reason


def test_one_image_repeated_still_gives_numbers(reference, read, quality):
    samples = torch.from_numpy(reference.dataset.train_examples[:1]).repeat(300, 1, 1, 1)
    found = read(quality, Evidence(reference, samples))
    assert found["quality.recall"].value < 0.01
    assert found["quality.fid"].value > 10
