from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from genbench.core.registry import datasets
from genbench.data.digits import Digits


@pytest.fixture(scope="module")
def data():
    return Digits().load()


def test_shape_and_classes(data):
    assert (data.info.name, data.info.shape, data.info.classes) == (
        "digits",
        (1, 28, 28),
        tuple("0123456789"),
    )
    assert data.train_examples.shape == (1198, 1, 28, 28)
    assert data.test_examples.shape == (599, 1, 28, 28)
    assert data.train_examples.dtype == data.test_examples.dtype == np.uint8
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert data.source.startswith("scikit-learn ")
    assert data.features == "mnist-cnn"


def test_it_never_changes(data):
    """Records of different machines are compared by this hash: if it changes, the data did."""
    assert data.hash == "0f3dc19d8aeb"


def test_every_published_digit_is_in_one_part(data):
    drawn = {image.tobytes() for image in (*data.train_examples, *data.test_examples)}
    assert len(drawn) == len({digit.tobytes() for digit in load_digits().images}) == 1797


def test_images_belong_to_their_labels(data):
    """The class whose mean training image is nearest to a test image is its own, mostly (by chance: 0.1)."""
    train, test = (
        images.reshape(len(images), -1) / 255 for images in (data.train_examples, data.test_examples)
    )
    means = np.stack([train[data.train_labels == digit].mean(0) for digit in range(10)])
    nearest = ((test[:, None] - means) ** 2).sum(2).argmin(1)
    assert (nearest == data.test_labels).mean() > 0.8


def test_both_parts_have_the_same_mix_of_classes(data):
    train, test = np.bincount(data.train_labels), np.bincount(data.test_labels)
    assert np.abs(train - 2 * test).max() <= 3
    assert len(set(data.train_labels[:20].tolist())) > 5  # in the published order, not sorted by class


def test_digits_lie_where_mnist_has_them(data):
    images = np.concatenate([data.train_examples, data.test_examples])[:, 0].astype(float)
    assert images.max() == 255
    for axis in (1, 2):
        mass = images.sum(axis=3 - axis)
        centre = (mass @ np.arange(28)) / mass.sum(1)
        assert np.abs(centre - 14).max() <= 0.5
        lit = mass > 0
        extent = 28 - lit.argmax(1) - lit[:, ::-1].argmax(1)
        assert extent.max() <= 20
    assert 28 < images.mean() < 36  # MNIST: 33
    assert 0.78 < (images == 0).mean() < 0.84  # MNIST: 0.81


def test_it_is_registered_and_found_without_loading():
    assert datasets.get("digits") is Digits
    where = Digits().locate()
    assert where is not None
    assert where.endswith("data")
