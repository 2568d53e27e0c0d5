import math
import os
from dataclasses import replace

import pytest
import torch

from genbench.core.registry import datasets, measures
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Reference

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def known_modes():
    return measures.get("known_modes")()


@pytest.fixture(scope="module", params=["ring", "grid"])
def plane(request):
    return Reference(datasets.get(request.param)().load(), CPU)


@pytest.fixture(scope="module")
def stacks():
    return Reference(datasets.get("stacked_digits")(stacks=3000, test_stacks=2000).load(), CPU)


def score(read, known_modes, reference, name, n=2500, seed=0):
    return read(known_modes, Evidence(reference, control_samples(name, reference.dataset, n, seed).samples))


def test_the_true_sampler_scores_as_computed_by_hand(plane, read, known_modes):
    """8 or 25 modes, 1 - e^-4.5 within three deviations, and a KL of (K - 1) / 2n: four standard errors."""
    modes = len(plane.dataset.modes.centers)
    good, n = 1 - math.exp(-4.5), 2500
    found = [score(read, known_modes, plane, "real", n, seed) for seed in range(20)]
    assert [each["known_modes.covered"].value for each in found] == [modes] * 20
    shares = [each["known_modes.high_quality"].value for each in found]
    assert sum(shares) / 20 == pytest.approx(good, abs=4 * math.sqrt(good * (1 - good) / n / 20))
    kl = (modes - 1) / (2 * n * good)
    spread = math.sqrt((modes - 1) / 2) / (n * good) / math.sqrt(20)  # of half a chi-square over n
    unevenness = [each["known_modes.reverse_kl"].value for each in found]
    assert sum(unevenness) / 20 == pytest.approx(kl, abs=4 * spread)
    expected = {r.column.metric: r.value for r in known_modes.expected(plane, n)}
    assert expected["known_modes.covered"] == pytest.approx(modes)
    assert expected["known_modes.high_quality"] == pytest.approx(good, rel=1e-12)
    assert expected["known_modes.reverse_kl"] == pytest.approx(kl, rel=0.01)


def test_one_mode_is_one_mode(plane, read, known_modes):
    found = score(read, known_modes, plane, "collapsed")
    assert found["known_modes.covered"].value == 1
    assert found["known_modes.high_quality"].value > 0.97
    assert found["known_modes.reverse_kl"].value == pytest.approx(math.log(len(plane.dataset.modes.centers)))


@pytest.mark.run
def test_strays_are_not_of_high_quality(plane, read, known_modes):
    for name in ("gaussian", "noise"):
        assert score(read, known_modes, plane, name)["known_modes.high_quality"].value < 0.03


def test_where_nothing_hits_there_is_no_divergence(plane, read, known_modes):
    far = torch.full((50, 2), 100.0)
    found = read(known_modes, Evidence(plane, far))
    assert (found["known_modes.covered"].value, found["known_modes.high_quality"].value) == (0, 0)
    assert found["known_modes.reverse_kl"].value is None
    assert "no histogram" in found["known_modes.reverse_kl"].reason


@pytest.mark.run
def test_stacked_digits_are_counted_by_class(stacks, read, known_modes):
    found = score(read, known_modes, stacks, "real")
    expected = {r.column.metric: r.value for r in known_modes.expected(stacks, 2500)}
    assert expected["known_modes.covered"] == pytest.approx(1000 * (1 - (1 - 1 / 1000) ** 2500), rel=1e-3)
    assert found["known_modes.covered"].value == pytest.approx(expected["known_modes.covered"], abs=30)
    kl = found["known_modes.reverse_kl"].value
    assert kl == pytest.approx(expected["known_modes.reverse_kl"], rel=0.15)
    assert found["known_modes.high_quality"].value is None
    assert "classifier" in found["known_modes.high_quality"].reason
    assert expected["known_modes.high_quality"] is None
    assert score(read, known_modes, stacks, "collapsed", 500)["known_modes.covered"].value < 10


@pytest.mark.run
def test_real_stacks_of_mnist_score_what_the_papers_floor_is(known_modes):
    """26,000 real stacks have 0.024 nats: (K - 1) / 2n, and 0.0044 for digits that are not all alike."""
    if "GENBENCH_DATA" not in os.environ:
        pytest.skip("needs MNIST: set GENBENCH_DATA")
    stacked = Reference(datasets.get("stacked_mnist")(stacks=100, test_stacks=100).load(), CPU)
    expected = {r.column.metric: r.value for r in known_modes.expected(stacked, 26_000)}
    assert expected["known_modes.reverse_kl"] == pytest.approx(0.0238, abs=0.0003)
    assert expected["known_modes.covered"] == pytest.approx(1000)


def test_every_reading_is_stamped(plane, read, known_modes):
    expected = {r.column.metric: r for r in known_modes.expected(plane, 300)}
    quality = score(read, known_modes, plane, "real", 300)["known_modes.high_quality"]
    assert quality.error == pytest.approx(1.96 * math.sqrt(quality.value * (1 - quality.value) / 300))
    for metric, reading in score(read, known_modes, plane, "real", 300).items():
        assert reading.n == 300
        assert reading.protocol == {
            "n_fake": 300,
            "reference": "true modes",
            "extractor": "coordinates",
            "radius": 3,
        }
        assert reading.versions["data"] == plane.dataset.hash
        assert expected[metric].protocol == reading.protocol
        assert expected[metric].versions == reading.versions


def test_a_wider_mode_takes_more(plane, read, known_modes):
    """The deviation is the mixture's own, not its square."""
    wide = Reference(
        replace(plane.dataset, modes=replace(plane.dataset.modes, scale=2 * plane.dataset.modes.scale)), CPU
    )
    assert score(read, known_modes, wide, "real")["known_modes.high_quality"].value == 1


def test_points_of_unknown_origin_have_no_known_modes(plane, read, known_modes):
    unknown = Reference(replace(plane.dataset, modes=None), CPU)
    for reading in (*score(read, known_modes, unknown, "real").values(), *known_modes.expected(unknown, 9)):
        assert reading.value is None
        assert "not known" in reading.reason


def test_no_samples(plane, read, known_modes):
    for reading in read(known_modes, Evidence(plane, torch.zeros(0, 2))).values():
        assert "no samples" in reading.reason
