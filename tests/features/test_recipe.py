from dataclasses import dataclass

import numpy as np
import pytest
from safetensors import safe_open

from genbench.core.errors import DataError
from genbench.features import recipe
from genbench.features.cnn import SmallCNN
from genbench.features.weightfile import load


@pytest.fixture
def registered(blobs, quick_training, monkeypatch):
    """`--dataset mnist` gives the blobs, with themselves as test split."""

    @dataclass(frozen=True)
    class Whole:
        info = blobs.info
        train_images = blobs.train_images
        train_labels = blobs.train_labels
        test_images = blobs.train_images
        test_labels = blobs.train_labels
        hash = blobs.hash

        def load(self):
            return self

    monkeypatch.setattr(recipe.datasets, "get", lambda name: Whole)


def test_weights_that_are_good_enough_are_written(registered, blobs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipe, "ENOUGH", 0.0)
    file = tmp_path / "new" / "weights.safetensors"
    assert recipe.main(["--dataset", "mnist", "-o", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "test accuracy" in printed
    assert load(SmallCNN(3, 3), file) in printed
    with safe_open(file, "pt") as opened:
        notes = opened.metadata()
    assert notes["data"] == blobs.hash
    assert 0 <= float(notes["accuracy"]) <= 1
    assert [path.name for path in file.parent.iterdir()] == ["weights.safetensors"]


def test_weights_that_are_not_are_not(registered, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipe, "accuracy", lambda *args: np.nextafter(recipe.ENOUGH, 0))
    assert recipe.main(["--dataset", "mnist", "-o", str(tmp_path / "weights.safetensors")]) == 1
    assert "not written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_missing_data_are_said_without_a_traceback(tmp_path, monkeypatch, capsys):
    class Missing:
        def load(self):
            raise DataError("no such data; put them there")

    monkeypatch.setattr(recipe.datasets, "get", lambda name: Missing)
    assert recipe.main(["--dataset", "mnist", "-o", str(tmp_path / "weights.safetensors")]) == 2
    assert "no such data" in capsys.readouterr().err
