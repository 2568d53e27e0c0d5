from dataclasses import dataclass

import numpy as np
import pytest

from genbench.core.datainfo import DataInfo
from genbench.core.ids import bytes_hash


@dataclass(frozen=True)
class Images:
    """As much of a dataset as an extractor needs."""

    info: DataInfo
    train_examples: np.ndarray
    train_labels: np.ndarray
    features: str = ""

    @property
    def hash(self):
        return bytes_hash(self.train_examples.tobytes(), self.train_labels.tobytes())


@pytest.fixture(scope="session")
def blobs():
    """A 3 x 10 x 12 dataset of three classes that differ in the channel that is bright."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 40)
    images = random.integers(0, 60, (40, 3, 10, 12), dtype=np.uint8)
    images[np.arange(40), labels] += 150
    return Images(DataInfo("blobs", (3, 10, 12), ("red", "green", "blue")), images, labels.astype(np.int64))


@pytest.fixture
def quick_training(monkeypatch):
    """Training that is too short to be good, and long enough to be the real thing."""
    monkeypatch.setattr("genbench.features.training._MIN_STEPS", 12)
    monkeypatch.setattr("genbench.features.training._EPOCHS", 1)
