import numpy as np
import pytest
import torch

from genbench.features.cnn import FEATURES, Outputs, SmallCNN
from genbench.features.training import accuracy, augment, train
from genbench.features.weightfile import weight_hash


def draw_bars(count, seed):
    """Horizontal (0) and vertical (1) bars on 1 x 16 x 16."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    images = random.integers(0, 80, (count, 1, 16, 16), dtype=np.uint8)
    for image, label, place in zip(images, labels, random.integers(4, 11, count), strict=True):
        (image[0] if label == 0 else image[0].T)[place : place + 2] = 230
    return images, labels.astype(np.int64)


@pytest.mark.run
def test_training_learns_and_can_be_repeated(monkeypatch):
    monkeypatch.setattr("genbench.features.training._MIN_STEPS", 60)
    monkeypatch.setattr("genbench.features.training._EPOCHS", 1)
    images, labels = draw_bars(300, seed=0)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train(images, labels, classes=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert not first.training
    assert accuracy(first, *draw_bars(200, seed=1)) > 0.97
    torch.manual_seed(2)
    again = train(images, labels, classes=2)
    assert weight_hash(again.state_dict()) == weight_hash(first.state_dict())
    monkeypatch.setattr("genbench.features.training._MIN_STEPS", 3)
    hashes = {weight_hash(train(images, labels, classes=2, seed=seed).state_dict()) for seed in (0, 1)}
    assert len(hashes) == 2


def test_training_sees_the_shares_of_255_that_measuring_sees_each_with_its_label(monkeypatch):
    monkeypatch.setattr("genbench.features.training._MIN_STEPS", 4)
    seen, told = [], []
    monkeypatch.setattr("genbench.features.training.augment", lambda x, generator: seen.append(x) or x)
    entropy = torch.nn.functional.cross_entropy

    def loss(logits, targets, **settings):
        assert settings == {"label_smoothing": 0.05}
        told.append(targets)
        return entropy(logits, targets, **settings)

    monkeypatch.setattr("genbench.features.training.functional.cross_entropy", loss)
    images, labels = draw_bars(300, seed=0)
    train(images, labels, classes=2)
    assert [len(batch) for batch in seen] == [128] * 10  # five epochs of two full batches
    number = {image.tobytes(): place for place, image in enumerate(images.astype(np.float32) / 255)}
    rows = [number[image.numpy().tobytes()] for batch in seen for image in batch]
    assert labels[rows].tolist() == torch.cat(told).tolist()
    assert len(set(rows[:256])) == len(set(rows[256:512])) == 256
    assert rows[:256] != rows[256:512]


@pytest.mark.parametrize(("count", "steps"), [(129, 600), (15_500, 605)])
def test_a_cycle_of_the_rate_over_five_epochs_or_six_hundred_steps(monkeypatch, count, steps):
    class AskedError(Exception):
        pass

    def cycle(optimizer, peak, total_steps):
        raise AskedError(optimizer.param_groups[0]["weight_decay"], peak, total_steps)

    monkeypatch.setattr(torch.optim.lr_scheduler, "OneCycleLR", cycle)
    with pytest.raises(AskedError) as asked:
        train(np.zeros((count, 1, 2, 2), np.uint8), np.zeros(count, np.int64), classes=2)
    assert asked.value.args == (1e-2, 4e-3, steps)


def test_accuracy_is_the_share_of_right_labels():
    class Brightest(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.on_a_device = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x):
            assert x.max() <= 1
            return Outputs(x, x.flatten(1))

    images = np.tile(np.array([[9, 1], [2, 7], [255, 0]], dtype=np.uint8), (400, 1)).reshape(1200, 1, 1, 2)
    labels = np.tile([0, 1, 1], 400)
    assert accuracy(Brightest(), images, labels) == pytest.approx(2 / 3)


def test_training_leaves_the_generators_of_accelerators_alone(monkeypatch):
    monkeypatch.setattr("genbench.features.training._MIN_STEPS", 1)
    monkeypatch.setattr("genbench.features.training._EPOCHS", 1)
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    train(*draw_bars(4, seed=0), classes=2)
    assert seeded == []


@pytest.mark.parametrize("count", [2, 129])
def test_batches_are_never_of_one(count, monkeypatch):
    monkeypatch.setattr("genbench.features.training._MIN_STEPS", 2)
    monkeypatch.setattr("genbench.features.training._EPOCHS", 1)
    images, labels = draw_bars(count, seed=0)
    features = train(images, labels, classes=2)(torch.zeros(1, 1, 16, 16)).features
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 48), (2, 3, 5), (1, 1, 1)])
def test_any_shape_of_image(shape):
    outputs = SmallCNN(shape[0], 4).eval()(torch.rand(5, *shape))
    assert outputs.features.shape == (5, FEATURES)
    assert outputs.logits.shape == (5, 4)


def test_augmentation_varies_and_keeps_the_range():
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(64, 3, 20, 24)
    images[:, :, 7:13, 9:15] = 1
    varied = augment(images.clone(), generator)
    assert varied.shape == images.shape
    assert 0 <= varied.min() <= varied.max() <= 1
    assert len({tuple(image.flatten().tolist()) for image in varied}) == 64
    weight = varied.sum((1, 2, 3))
    assert weight.min() > 0  # nothing is pushed out of the frame


def test_augmentation_is_the_one_that_it_has_always_been():
    """Another angle, size, shift or contrast would make other rulers of the same recipe."""
    images = (torch.arange(6 * 784) % 251).float().view(6, 1, 28, 28) / 250 * torch.linspace(0, 1, 28)
    varied = augment(images, torch.Generator().manual_seed(0))
    assert varied.mean((1, 2, 3)).tolist() == pytest.approx(
        [0.1499, 0.1663, 0.1716, 0.2207, 0.1997, 0.1648], abs=5e-4
    )
    assert varied.std((1, 2, 3)).tolist() == pytest.approx(
        [0.1506, 0.1542, 0.1133, 0.1511, 0.1284, 0.1494], abs=5e-4
    )


def test_augmentation_takes_the_smallest_images():
    assert augment(torch.rand(9, 1, 1, 1), torch.Generator().manual_seed(0)).shape == (9, 1, 1, 1)
