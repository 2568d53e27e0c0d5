from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.data.dataset import Dataset, Factors
from genbench.features.protocol import Features
from genbench.measures.collapse_gate import class_entropy, collapse, coverage
from genbench.measures.evidence import Evidence, Reference

CLASSES = 4


def dataset(labels=CLASSES, shape=(1, 2, 2), factors=True):
    """Images whose first two pixels are their factors, and whose third is their class."""
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (400, *shape), dtype=np.uint8)
    y = random.integers(0, labels, 400)
    values = x.reshape(400, -1)[:, :2].astype(np.float32)
    known = Factors(
        ("a", "b"), np.zeros(2), np.full(2, 255.0), values, values, x, y, values, lambda c, f: f, "fake"
    )
    info = DataInfo("fake", shape, tuple("abcd"))
    return Dataset(info, x, y, x, y, "made", factors=known if factors else None)


def evidence(samples, data=None):
    """Evidence whose extractor and reader read pixels."""

    def extractor(images):
        pixels = images[:].flatten(1)
        return Features(pixels.float(), torch.eye(CLASSES)[pixels[:, 2].long() % CLASSES])

    reference = Reference(data or dataset(), torch.device("cpu"))
    vars(reference)["extractor"] = extractor
    reader = SimpleNamespace(read=lambda images: SimpleNamespace(values=images.flatten(1)[:, :2].float()))
    vars(reference)["factor_reader"] = reader
    return Evidence(reference, samples)


def real():
    return torch.from_numpy(dataset().test_examples).clone()


def test_real_images_pass():
    seen = evidence(real())
    assert collapse(seen) == ""
    assert coverage(seen) == pytest.approx((1, 1))
    assert class_entropy(seen) > 0.95


def test_a_factor_that_never_moves_is_not_covered():
    x = real()
    x[:, 0, 0, 0] = 7
    x[:, 0, 0, 1] = x[:, 0, 0, 1] // 2
    assert coverage(evidence(x)) == pytest.approx((0, 0.25), abs=0.01)
    assert collapse(evidence(x)) == ""  # on average above a tenth
    x[:, 0, 0, 1] = x[:, 0, 0, 1] // 2
    assert collapse(evidence(x)).startswith("collapsed: factor coverage 0.0")


def test_wider_than_the_data_is_covered_once():
    x = real()
    x[:, 0, 0, 0] = torch.arange(len(x)) % 2 * 255
    assert coverage(evidence(x))[0] == 1


def test_one_class_is_a_collapse_whatever_the_factors():
    x = real()
    x[:, 0, 1, 0] = 4
    assert class_entropy(evidence(x)) == 0
    assert collapse(evidence(x)).startswith("collapsed: class entropy 0.000")
    assert collapse(evidence(x, dataset(factors=False))).startswith("collapsed: class entropy")


def test_data_of_one_class_is_judged_by_factors_alone():
    x = real()
    x[:, 0, 1, 0] = 4
    one = evidence(x, dataset(labels=1))
    assert class_entropy(one) is None
    assert collapse(one) == ""


def test_points_are_not_judged_and_no_samples_are_a_reason():
    points = np.zeros((5, 2), np.float32)
    data = Dataset(DataInfo("points", (2,)), points, np.zeros(5, int), points, np.zeros(5, int), "made")
    assert collapse(evidence(torch.zeros(3, 2), data)) == ""
    assert "no samples" in collapse(evidence(real()[:0]))
