"""Failures of training, at the very thresholds."""

import pytest
import torch
from tiny_lanes import dataset, evidence, generator, perfect, points

from genbench.measures import training_failure
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence
from genbench.measures.training_failure import failures

GOOD = evidence(None)


def test_real_images_do_not_fail():
    assert failures(GOOD) == ""


@pytest.mark.parametrize(
    ("entropy", "covered", "words"),
    [
        (0.5, (0.1, 0.1), ""),
        (0.4999, (0.1, 0.1), "collapsed: class entropy below 0.5"),
        (0.5, (0.1999, 0.0), "collapsed: factor coverage below 0.1"),
        (None, (0.3, 0.0), ""),
        (None, (), ""),
    ],
)
def test_collapse_is_below_half_of_the_entropy_or_a_tenth_of_the_coverage(
    monkeypatch, entropy, covered, words
):
    monkeypatch.setattr(training_failure, "class_entropy", lambda evidence: entropy)
    monkeypatch.setattr(training_failure, "coverage", lambda evidence: covered)
    assert failures(GOOD).startswith(words) and bool(failures(GOOD)) == bool(words)


@pytest.mark.filterwarnings("ignore:var")  # of one sample
def test_as_near_as_a_gaussian_of_the_pixels_is_no_better(monkeypatch):
    data = dataset(200)
    asked = []

    def drawn(*arguments):
        asked.append(arguments)
        return control_samples(*arguments)

    monkeypatch.setattr(training_failure, "control_samples", drawn)
    seen = evidence(None, data)
    assert failures(seen) == ""
    assert asked == [("gaussian", data, 200, 0)]
    monkeypatch.setattr(training_failure, "frechet_distance", lambda real, fake: 5.0)
    assert failures(evidence(None, data)).startswith("no_better_than_mean")
    assert "no_better" not in failures(evidence(generator(lambda z: z[:, :2]), points()))
    alone = Evidence(seen.reference, seen.samples[:1])
    assert "no_better" not in failures(alone)


@pytest.mark.parametrize(
    ("scale", "failed"), [(1.0, False), (0.101, False), (0.099, True), (torch.nan, True)]
)
def test_an_encoder_is_used_where_some_mean_varies_by_more_than_a_hundredth(scale, failed):
    """Of a pixel whose variance over the test images is 1."""
    x = torch.from_numpy(GOOD.reference.dataset.test_examples).double().flatten(1) / 255
    unit = float(x[:, 0].std())
    made = generator(perfect, encode=lambda x: scale * x.flatten(1)[:, :1] / unit * torch.ones(1, 3))
    found = failures(Evidence(GOOD.reference, GOOD.samples, generator=made))
    assert found.startswith("posterior_collapse") == failed
    assert failures(Evidence(GOOD.reference, GOOD.samples, generator=generator(perfect))) == ""


def test_samples_that_are_not_finite_are_that_and_nothing_else():
    broken = Evidence(GOOD.reference, GOOD.samples)
    features = broken.features
    vars(broken)["features"] = type(features)(features.values / 0, features.probabilities)
    assert failures(broken) == "nonfinite: not all samples, snapshots and gradients are finite"
