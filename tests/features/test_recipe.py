from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors import safe_open

from genbench.core.errors import DataError
from genbench.features import recipe
from genbench.features.cnn import SmallCNN
from genbench.features.weightfile import load


@dataclass(frozen=True)
class Split:
    """A dataset with its training split as test split."""

    of: object

    def __getattr__(self, name):
        return getattr(self.of, name.replace("test_", "train_"))


@pytest.fixture
def register(blobs, quick_training, monkeypatch):
    """Put others in the place of datasets: the blobs as "mnist", and what is given as "digits"."""

    def put(digits=blobs):
        sources = {"mnist": Split(blobs), "digits": Split(digits)}
        monkeypatch.setattr(
            recipe.datasets, "get", lambda name: lambda: SimpleNamespace(load=lambda: sources[name])
        )

    return put


def test_weights_that_are_good_enough_are_written(register, blobs, tmp_path, monkeypatch, capsys):
    register()
    monkeypatch.setattr(recipe, "ENOUGH", 0.0)
    file = tmp_path / "new" / "weights.safetensors"
    assert recipe.main(["--dataset", "mnist", "-o", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "test accuracy" in printed
    assert load(SmallCNN(3, 3), file) in printed
    with safe_open(file, "pt") as opened:
        notes = opened.metadata()
    assert notes["data_mnist"] == blobs.hash
    assert 0 <= float(notes["accuracy_mnist"]) <= 1
    assert [path.name for path in file.parent.iterdir()] == ["weights.safetensors"]


def test_a_small_dataset_is_repeated_to_a_fifth_of_the_largest(register, blobs, tmp_path, monkeypatch):
    register(replace(blobs, train_examples=blobs.train_examples[:4], train_labels=blobs.train_labels[:4]))
    monkeypatch.setattr(recipe, "ENOUGH", 0.0)
    seen = []
    monkeypatch.setattr(
        recipe, "train", lambda images, labels, **how: seen.append((images, labels)) or SmallCNN(3, 3).eval()
    )
    assert recipe.main(["--dataset", "mnist", "digits", "-o", str(tmp_path / "weights.safetensors")]) == 0
    ((images, labels),) = seen
    assert np.array_equal(
        images, np.concatenate([blobs.train_examples, blobs.train_examples[:4], blobs.train_examples[:4]])
    )
    assert len(labels) == len(images)


def test_datasets_of_different_shapes_are_refused(register, blobs, tmp_path, capsys):
    register(replace(blobs, info=replace(blobs.info, shape=(3, 12, 10))))
    assert recipe.main(["--dataset", "mnist", "digits", "-o", str(tmp_path / "weights.safetensors")]) == 2
    assert "mnist, digits differ in shape" in capsys.readouterr().err


def test_weights_that_are_not_are_not(register, tmp_path, monkeypatch, capsys):
    register()
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


def test_datasets_that_need_options_are_not_offered(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        recipe.main(["--dataset", "idx", "-o", str(tmp_path / "weights.safetensors")])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "invalid choice: 'idx'" in said and "mnist" in said
