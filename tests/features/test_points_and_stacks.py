import weakref

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError
from genbench.core.registry import datasets
from genbench.features import extractor_for, per_channel
from genbench.features.coordinates import Coordinates


@pytest.fixture(scope="module")
def digits():
    return datasets.get("digits")().load()


@pytest.fixture(scope="module")
def stacked():
    return datasets.get("stacked_digits")(stacks=60, test_stacks=40).load()


class Rows:
    """Samples that can only be read in slices, and count how much was read at once."""

    def __init__(self, tensor):
        self.tensor, self.most = tensor, 0

    def __len__(self):
        return len(self.tensor)

    def __getitem__(self, rows):
        part = self.tensor[rows]
        self.most = max(self.most, len(part))
        return part


def test_the_features_of_points_are_the_points():
    ring = datasets.get("ring")().load()
    extractor = extractor_for(ring)
    assert (extractor.id, extractor.pinned) == ("coordinates", True)
    points = torch.from_numpy(ring.test_examples)
    found = extractor(points)
    assert torch.equal(found.values, points)
    assert found.probabilities.shape == (len(points), 0)
    assert extractor(points[:0]).values.shape == (0, 2)


@pytest.mark.parametrize(
    "points", [torch.zeros(3, 3), torch.zeros(3, 2, dtype=torch.float64), torch.zeros(3)]
)
def test_other_points_are_refused(points):
    with pytest.raises(DataError, match=r"expected float32 points of shape \(N, 2\)"):
        Coordinates(2)(points)


def test_stacks_are_read_channel_by_channel(digits, stacked):
    one, three = extractor_for(digits), extractor_for(stacked)
    assert (three.id, three.hash, three.pinned) == ("mnist-cnn per channel", one.hash, True)
    images = torch.from_numpy(stacked.test_examples)
    found = three(images)
    for channel in range(3):
        alone = one(images[:, [channel]])
        assert torch.equal(found.values[:, 64 * channel : 64 * (channel + 1)], alone.values)
    joint = found.probabilities.view(-1, 10, 10, 10)
    torch.testing.assert_close(joint.sum((2, 3)), one(images[:, [0]]).probabilities)
    torch.testing.assert_close(joint.sum((1, 2)), one(images[:, [2]]).probabilities)
    right = (found.probabilities.argmax(1).numpy() == stacked.test_labels).mean()
    assert right > 0.97  # three digits, 99.5 % each
    assert three(images[:0]).values.shape == (0, 192)


def test_probabilities_are_held_once(stacked, monkeypatch):
    """A thousand an image: each part goes where it stays, and is let go before the next is read."""
    images = torch.from_numpy(stacked.test_examples[:40])
    extractor = extractor_for(stacked)
    expected = extractor(images)
    monkeypatch.setattr(per_channel, "_CHUNK", 8)
    parts, alive = [], []

    def read(self, images, usual=per_channel.PerChannel._read):
        alive.append(sum(part() is not None for part in parts))
        found = usual(self, images)
        parts.append(weakref.ref(found.probabilities))
        return found

    monkeypatch.setattr(per_channel.PerChannel, "_read", read)
    found = extractor(images)
    assert max(alive) <= 1
    torch.testing.assert_close(found, expected)


def test_grey_images_are_no_stacks(stacked):
    with pytest.raises(DataError, match="3 channels"):
        extractor_for(stacked)(torch.zeros(2, 1, 28, 28, dtype=torch.uint8))


def test_an_extractor_for_stacks_wants_stacks(stacked):
    from dataclasses import replace

    few = replace(stacked, info=DataInfo("few", (3, 28, 28), tuple("0123456789")))
    with pytest.raises(DataError, match="mnist-cnn per channel"):
        extractor_for(few)


def test_stacks_are_read_in_slices(stacked, monkeypatch):
    images = torch.from_numpy(stacked.test_examples)
    rows = Rows(images)
    extractor = extractor_for(stacked)
    whole = extractor(images)
    monkeypatch.setattr(per_channel, "_CHUNK", 16)
    assert torch.equal(extractor(rows).values, whole.values)
    assert rows.most == 16
