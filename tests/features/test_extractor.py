import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from sklearn.datasets import load_digits

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, GenbenchWarning
from genbench.core.registry import datasets
from genbench.features import extractor_for
from genbench.features.choose import PINNED
from genbench.features.cnn import FEATURES, Outputs
from genbench.features.extractor import Extractor

MNIST_CNN = PINNED["mnist-cnn"].weights


@pytest.fixture(scope="session")
def digits():
    return datasets.get("digits")().load()


@pytest.fixture(scope="session")
def pinned(digits):
    return extractor_for(digits)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (70, 1, 28, 28), dtype=torch.uint8, generator=generator)


def test_the_pinned_extractor_says_who_it_is(pinned):
    assert (pinned.id, pinned.pinned, pinned.shape) == ("mnist-cnn", True, (1, 28, 28))
    assert pinned.classes == tuple("0123456789")
    assert len(pinned.hash) == 12
    assert MNIST_CNN.stat().st_size < 2 * 2**20
    with safe_open(MNIST_CNN, "pt") as file:
        notes = file.metadata()
    assert notes.keys() >= {"recipe", "seed", "genbench", "data_mnist", "data_digits"}
    assert float(notes["accuracy_mnist"]) >= 0.992
    assert float(notes["accuracy_digits"]) >= 0.98


def test_features_and_probabilities(pinned, images):
    features = pinned(images)
    assert features.values.shape == (70, 64)
    assert features.probabilities.shape == (70, 10)
    assert features.values.dtype == features.probabilities.dtype == torch.float32
    assert torch.allclose(features.probabilities.sum(1), torch.ones(70))
    assert not features.values.requires_grad
    assert pinned(images[:0]).values.shape == (0, 64)


class Mirror(torch.nn.Module):
    """Gives back what it sees: the first pixel as features, the first two as logits."""

    def __init__(self):
        super().__init__()
        self.on_a_device, self.seen = torch.nn.Parameter(torch.zeros(1)), []

    def forward(self, x):
        self.seen.append(x.clone())
        flat = x.flatten(1)
        return Outputs(flat[:, :1].expand(-1, FEATURES), flat[:, :2])


def test_the_network_sees_shares_of_255_in_full_batches_in_order():
    network = Mirror()
    images = torch.randint(0, 256, (600, 1, 1, 2), generator=torch.Generator().manual_seed(0)).byte()
    found = Extractor("mirror", "0" * 12, network, (1, 1, 2), ("a", "b"), False)(images)
    assert [len(batch) for batch in network.seen] == [256, 256, 256]
    seen = torch.cat(network.seen)
    assert torch.equal(seen[:600], images.float() / 255)
    assert not seen[600:].any()
    assert torch.equal(found.values, (images[:, 0, 0, :1].float() / 255).expand(-1, FEATURES))
    assert torch.equal(found.probabilities, (images[:, 0, 0].float() / 255).softmax(1))


def test_the_pinned_ruler_gives_the_numbers_that_it_has_always_given(pinned):
    """A change of scale, layer or order of weights would move all published scores."""
    ramp = (torch.arange(784) % 251).byte().view(1, 1, 28, 28)
    found = pinned(ramp)
    assert found.values[0, :4].tolist() == pytest.approx([-0.23589, -0.36309, -1.86138, 0.49066], abs=1e-4)
    assert float(found.values.square().sum()) == pytest.approx(57.0804, rel=1e-4)
    assert float(found.probabilities.max()) == pytest.approx(0.6626, abs=1e-4)


def test_an_image_has_the_same_features_in_any_company(pinned, images):
    together = pinned(images)
    for start, stop in ((0, 1), (0, 7), (40, 69), (69, 70)):
        apart = pinned(images[start:stop])
        assert torch.equal(apart.values, together.values[start:stop])
        assert torch.equal(apart.probabilities, together.probabilities[start:stop])
    turned = pinned(images.flip(0))
    assert torch.equal(turned.values.flip(0), together.values)


def test_an_outlier_moves_nobody_else(pinned, images):
    before = pinned(images).values
    images[5] = 255
    after = pinned(images).values
    assert torch.equal(before[:5], after[:5])
    assert torch.equal(before[6:], after[6:])
    assert not torch.equal(before[5], after[5])


def test_the_trainers_precision_does_not_reach_the_features(pinned, images):
    before = pinned(images[:20])
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            after = pinned(images[:20])
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert torch.equal(before.values, after.values)


@pytest.mark.parametrize(
    "wrong",
    [torch.zeros(2, 1, 28, 28), torch.zeros(2, 3, 28, 28, dtype=torch.uint8), torch.zeros(28, 28).byte()],
)
def test_other_images_are_refused(pinned, wrong):
    with pytest.raises(DataError, match=r"reads uint8 images of shape \(N, 1, 28, 28\)"):
        pinned(wrong)


def test_digits_are_read(pinned, digits):
    features = pinned(torch.from_numpy(digits.test_examples))
    right = features.probabilities.argmax(1).numpy() == digits.test_labels
    assert right.mean() > 0.98


@pytest.mark.run
def test_digits_of_scikit_learn_are_read_however_they_are_enlarged(pinned):
    published = load_digits()
    small = torch.from_numpy(published.images).float()[:, None] / 16 * 255
    large = torch.nn.functional.interpolate(small, (20, 20), mode="bilinear")
    images = torch.nn.functional.pad(large, (4, 4, 4, 4)).round().byte()
    right = pinned(images).probabilities.argmax(1).numpy() == published.target
    assert right.mean() > 0.95


@pytest.mark.skipif("GENBENCH_DATA" not in os.environ, reason="needs MNIST: set GENBENCH_DATA")
@pytest.mark.run
def test_mnist_is_read_as_well_as_the_weights_claim():
    data = datasets.get("mnist")().load()
    extractor = extractor_for(data)
    features = extractor(torch.from_numpy(data.test_examples))
    share = (features.probabilities.argmax(1).numpy() == data.test_labels).mean()
    assert share >= 0.992
    with safe_open(MNIST_CNN, "pt") as file:
        notes = file.metadata()
    assert share == pytest.approx(float(notes["accuracy_mnist"]), abs=2e-4)
    assert notes["data_mnist"] == data.hash
    # what the network's standardization promises, on images it was not trained on
    assert features.values.var(0).mean() == pytest.approx(1, abs=0.5)


def test_damaged_weights_are_noticed(digits, tmp_path, monkeypatch):
    content = bytearray(MNIST_CNN.read_bytes())
    copy = tmp_path / "weights.safetensors"
    monkeypatch.setitem(PINNED, "mnist-cnn", replace(PINNED["mnist-cnn"], weights=copy))
    with pytest.raises(DataError, match="cannot be read"):
        extractor_for(digits)
    content[-100] ^= 1
    copy.write_bytes(content)
    with pytest.raises(DataError, match="damaged or was exchanged"):
        extractor_for(digits)
    copy.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="Install genbench again"):
        extractor_for(digits)


def test_other_data_get_an_extractor_of_their_own(blobs, quick_training, tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    first = extractor_for(blobs)
    assert (first.id, first.pinned, first.shape) == (f"trained:{blobs.hash}", False, (3, 10, 12))
    assert first.classes == ("red", "green", "blue")
    (kept,) = (tmp_path / "features").iterdir()

    def never(*args, **kwargs):
        raise AssertionError("trained again")

    monkeypatch.setattr("genbench.features.choose.train", never)
    second = extractor_for(blobs)
    assert second.hash == first.hash
    images = torch.from_numpy(blobs.train_examples)
    assert torch.equal(first(images).values, second(images).values)
    kept.write_bytes(b"rubbish")
    with pytest.raises(DataError, match="Delete the file"):
        extractor_for(blobs)


def test_the_name_of_a_dataset_pins_nothing(blobs, quick_training, tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    clothes = replace(
        blobs,
        info=DataInfo("mnist", (1, 28, 28), tuple("0123456789")),
        train_examples=np.random.default_rng(0).integers(0, 256, (40, 1, 28, 28), dtype=np.uint8),
    )
    assert extractor_for(clothes).id == f"trained:{clothes.hash}"


def test_the_pinned_one_comes_with_the_data_whatever_they_are_called(digits, pinned):
    renamed = extractor_for(replace(digits, info=replace(digits.info, name="mine")))
    assert (renamed.id, renamed.hash, renamed.pinned) == (pinned.id, pinned.hash, True)


def test_an_extractor_that_does_not_ship_or_does_not_fit_is_refused(blobs, digits):
    with pytest.raises(DataError, match=r"'blobs', of shape \(3, 10, 12\).* names .*'mnist-cnn'"):
        extractor_for(replace(blobs, features="mnist-cnn"))
    with pytest.raises(DataError, match=r"names the feature extractor 'inception'\. Those that ship are"):
        extractor_for(replace(digits, features="inception"))


def test_a_cache_that_cannot_be_written_costs_a_warning(blobs, quick_training, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("GENBENCH_CACHE", str(file))
    with pytest.warns(GenbenchWarning, match="trained on blobs cannot be kept .* Set GENBENCH_CACHE"):
        extractor = extractor_for(blobs)
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    assert extractor.hash == extractor_for(blobs).hash


def test_data_without_labels_are_refused(blobs):
    with pytest.raises(DataError, match="dataset 'blobs' has no labels"):
        extractor_for(replace(blobs, info=DataInfo("blobs", (3, 10, 12))))
    with pytest.raises(DataError, match="has no labels"):
        extractor_for(replace(blobs, train_labels=np.array([], dtype=np.int64)))


def test_the_same_image_has_the_same_features_however_it_lies_in_memory(pinned, images):
    """PyTorch chooses another kernel for channels that come last, and rounds otherwise."""
    last = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    stepped = torch.zeros(140, 1, 28, 28, dtype=torch.uint8)
    stepped[::2] = images
    odd = torch.as_strided(images.clone(), images.shape, (784, 1, 28, 1))
    straight = pinned(images)
    for other in (last, stepped[::2], odd):
        assert torch.equal(other, images)
        assert torch.equal(pinned(other).values, straight.values)
