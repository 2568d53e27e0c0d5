import os
from pathlib import Path

import numpy as np
import pytest

from genbench.core.errors import DataUnavailable
from genbench.core.registry import datasets
from genbench.data.digits import Digits
from genbench.data.stacked import StackedDigits, StackedMNIST

REAL = os.environ.get("GENBENCH_DATA")


@pytest.fixture(scope="module")
def data():
    return StackedDigits(stacks=500, test_stacks=300).load()


def test_shapes(data):
    assert (data.info.name, data.info.shape) == ("stacked_digits", (3, 28, 28))
    assert (data.info.classes[0], data.info.classes[42], data.info.classes[-1]) == ("000", "042", "999")
    assert len(data.info.classes) == 1000
    assert data.train_examples.shape == (500, 3, 28, 28)
    assert data.test_examples.shape == (300, 3, 28, 28)
    assert data.train_examples.dtype == np.uint8
    assert data.train_labels.dtype == np.int64
    assert data.features == "mnist-cnn per channel"


def test_the_modes_have_the_shares_of_independent_digits(data):
    of_one = np.bincount(Digits().load().train_labels) / 1198
    assert data.modes.shares.shape == (1000,)
    assert data.modes.shares.sum() == pytest.approx(1)
    assert data.modes.shares[274] == pytest.approx(of_one[2] * of_one[7] * of_one[4])


def test_every_channel_is_a_digit_of_its_split_and_the_label_says_which(data):
    digits = Digits().load()
    for split in ("train", "test"):
        known = {
            image.tobytes(): int(label)
            for image, label in zip(
                getattr(digits, f"{split}_examples"), getattr(digits, f"{split}_labels"), strict=True
            )
        }
        stacks, labels = getattr(data, f"{split}_examples"), getattr(data, f"{split}_labels")
        for stack, label in zip(stacks, labels, strict=True):
            red, green, blue = (known[channel.tobytes()] for channel in stack)
            assert label == 100 * red + 10 * green + blue


def test_channels_are_independent(data):
    red, green, blue = data.train_labels // 100, data.train_labels // 10 % 10, data.train_labels % 10
    for one, other in ((red, green), (green, blue), (red, blue)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
        assert (one == other).mean() < 0.2


def test_without_mnist_there_is_no_stacked_mnist(monkeypatch, tmp_path):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("GENBENCH_OFFLINE", "1")
    monkeypatch.delenv("GENBENCH_DATA", raising=False)
    with pytest.raises(DataUnavailable, match="MNIST is not to be had"):
        StackedMNIST().load()
    assert StackedMNIST().locate() is None
    assert StackedDigits().locate()


@pytest.mark.run
@pytest.mark.skipif(not REAL or not (Path(REAL) / "mnist").is_dir(), reason="needs $GENBENCH_DATA/mnist")
def test_of_mnist_the_published_number_of_stacks(monkeypatch):
    monkeypatch.setenv("GENBENCH_DATA", str(REAL))
    data = datasets.get("stacked_mnist")(test_stacks=100).load()
    assert data.info.name == "stacked_mnist"
    assert len(data.train_examples) == 128_000
    assert len(np.unique(data.train_labels)) == 1000
