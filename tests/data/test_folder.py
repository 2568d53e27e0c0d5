import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genbench.core.errors import DataError, GenbenchWarning
from genbench.core.registry import datasets
from genbench.data import folder
from genbench.data.folder import Folder
from genbench.suite.options import build


@pytest.fixture
def put(tmp_path):
    """Write an image under a path in the folder: random of its own, or the pixels given."""

    def write(name, *, size=(6, 5), mode="L", pixels=None):
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(list(name.encode()))
        shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
        pixels = random.integers(0, 256, shape, dtype=np.uint8) if pixels is None else pixels
        Image.fromarray(pixels, mode if pixels.ndim == 2 else "RGB").save(path)
        return pixels

    return write


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine").mkdir()
    return lambda **options: Folder(path=str(tmp_path / "mine"), **options)


def test_splits_and_classes_come_from_folders(put, mine, tmp_path):
    for split, n in (("train", 3), ("test", 2)):
        for name in ("dog", "cat"):
            for i in range(n):
                put(f"{split}/{name}/{i}.png")
    two = put("test/cat/7.png")
    data = mine().load()
    assert data.info.name == "folder"
    assert data.info.shape == (1, 5, 6)
    assert data.info.classes == ("cat", "dog")
    assert data.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.test_labels.tolist() == [0, 0, 0, 1, 1]
    assert np.array_equal(data.test_examples[2, 0], two)
    assert data.train_labels.dtype == np.int64
    assert data.train_examples.flags.c_contiguous
    assert data.source == mine().locate() == str(tmp_path / "mine")
    assert data.hash == mine(label="pets").load().hash


def test_without_splits_a_fifth_of_every_class_is_held_out(put, mine):
    images = {
        put(f"{name}/{i:02}.png").tobytes(): name for name, n in (("a", 10), ("b", 5)) for i in range(n)
    }
    data = mine().load()
    assert np.bincount(data.test_labels).tolist() == [2, 1]
    assert len(data.train_labels) == 12
    for examples, labels in (
        (data.train_examples, data.train_labels),
        (data.test_examples, data.test_labels),
    ):
        for example, label in zip(examples, labels, strict=True):
            assert images.pop(example.tobytes()) == data.info.classes[label]
    assert not images
    assert data.hash == mine().load().hash


def test_without_classes_there_are_no_labels(put, mine):
    for i in range(5):
        put(f"{i}.png")
    data = mine().load()
    assert data.info.classes == ()
    assert (len(data.train_examples), len(data.test_examples)) == (4, 1)
    assert len(data.train_labels) == len(data.test_labels) == 0
    for i in range(3):
        put(f"train/{i}.png")
    with pytest.raises(DataError, match="a folder train, and images beside it"):
        mine().load()


def test_colour_decides_the_channels(put, mine):
    grey = put("0.png")
    for i in range(1, 5):
        put(f"{i}.png", pixels=np.repeat(put(f"x{i}.png")[..., None], 3, axis=2))
    assert mine().load().info.shape == (1, 5, 6)  # grey ones, some saved in colour
    put("9.png", mode="RGB")
    coloured = mine().load()
    assert coloured.info.shape == (3, 5, 6)
    together = np.concatenate([coloured.train_examples, coloured.test_examples])
    assert any(np.array_equal(image, np.stack([grey] * 3)) for image in together)


def test_a_folder_of_nothing_but_coloured_images_is_in_colour(put, mine):
    drawn = {put(f"{i}.png", mode="RGB").tobytes() for i in range(5)}
    data = mine().load()
    together = np.concatenate([data.train_examples, data.test_examples])
    assert together.shape == (5, 3, 5, 6)
    assert {np.ascontiguousarray(image.transpose(1, 2, 0)).tobytes() for image in together} == drawn


def test_sizes_are_one_or_are_made_so(put, mine):
    for i in range(5):
        put(f"{i}.png", size=(8, 8))
    wide = np.zeros((8, 16), dtype=np.uint8)
    wide[:, 4:12] = 200  # the square in the middle
    put("wide.png", pixels=wide)
    with pytest.raises(DataError, match=r"wide\.png is 16 pixels wide and 8 high, and .*0.png is 8 and 8"):
        mine().load()
    data = mine(size=4).load()
    assert data.info.shape == (1, 4, 4)
    everything = np.concatenate([data.train_examples, data.test_examples])
    assert any((image == 200).all() for image in everything)
    of_8 = mine(size=8).load()
    kept = {image.tobytes() for image in (*of_8.train_examples, *of_8.test_examples)}
    assert wide[:, 4:12].tobytes() in kept
    assert np.asarray(Image.open(Path(mine().path) / "3.png")).tobytes() in kept  # of that size: untouched
    with pytest.raises(DataError, match="from 1 to 1024"):
        mine(size=0).load()


def test_what_is_no_image_is_left_out_and_told(put, mine):
    for i in range(5):
        put(f"a/{i}.png")
        put(f"b/{i}.png")
        put(f".hidden/{i}.png")
    put("a/deeper/0.png")
    (Path(mine().path) / "a" / "notes.txt").write_text("x")
    with pytest.warns(
        GenbenchWarning, match=r"left out what is no image of the dataset: a/notes.txt, a/deeper"
    ):
        data = mine().load()
    assert (len(data.train_examples), len(data.test_examples)) == (8, 2)


def test_links_may_not_lead_out(put, mine, tmp_path):
    for i in range(5):
        put(f"a/{i}.png")
    root = Path(mine().path)
    (root / "a" / "inside.png").symlink_to(root / "a" / "0.png")
    assert len(mine().load().train_examples) == 5
    outside = tmp_path / "secret.png"
    Image.fromarray(np.zeros((5, 6), dtype=np.uint8)).save(outside)
    for link, target in (("a/out.png", outside), ("b", tmp_path), ("a/loop.png", "loop.png")):
        (root / link).symlink_to(target)
        with pytest.raises(
            DataError, match=re.escape(f"{root / link} is a link that leads out of the folder")
        ):
            mine().load()
        (root / link).unlink()
    (tmp_path / "link").symlink_to(root)
    assert len(Folder(path=str(tmp_path / "link")).load().train_examples) == 5


def test_what_a_strangers_files_may_cost_is_bounded(put, mine, monkeypatch):
    for i in range(5):
        put(f"{i}.png")
    for name, most, said in (
        ("MOST_FILES", 4, "holds more than 4 files"),
        ("MOST_PIXELS", 29, "has 6 x 5 pixels, more than 29"),
        ("MOST_BYTES", 149, "5 images .* would take 0.0 GiB of memory, more than 0"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(folder, name, most)
            with pytest.raises(DataError, match=said):
                mine().load()
    os.mkfifo(Path(mine().path) / "pipe.png")
    with pytest.warns(GenbenchWarning, match=r"pipe\.png"):
        assert mine().load().info.shape == (1, 5, 6)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "has no images (.png"),
        (["a/0.png", "1.png"], "has images (1.png) and folders (a) side by side"),
        (["train/a/0.png", "a/0.png"], "has a folder train, and not both"),
        (["train/a/0.png", "test/b/0.png"], "different classes: a (only in train), b (only in test)"),
        (["train/a/0.png", "test/0.png"], "different classes: a (only in train)"),
        (["a/0.png", "b/0.txt"], "b has no images"),
        (["a/0.png", "b/1.png"], "has 2 examples and no test split"),
        (["a/0.png", "b\n/1.png"], "cannot be the name of a class"),
    ],
)
def test_what_is_no_such_folder_says_so(put, mine, names, said):
    for name in names:
        if name.endswith(".txt"):
            (Path(mine().path) / name).parent.mkdir()
            (Path(mine().path) / name).write_text("")
        else:
            put(name)
    with pytest.raises(DataError, match=re.escape(said)):
        mine().load()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read as an image"),
        (b"GIF89a" + bytes(60), "no such format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "cannot be read as an image"),
    ],
)
def test_a_damaged_image_is_named(put, mine, content, said):
    for i in range(5):
        put(f"{i}.png")
    (Path(mine().path) / "bad.png").write_bytes(content)
    with pytest.raises(DataError, match=rf"bad\.png .*{said}"):
        mine().load()


def test_images_that_cannot_be_meant(put, mine, tmp_path):
    for i in range(5):
        put(f"{i}.png")
    clear = Image.fromarray(np.zeros((5, 6, 4), dtype=np.uint8), "RGBA")
    deep = Image.fromarray(np.zeros((5, 6), dtype=np.uint16))
    frames = [Image.fromarray(np.full((5, 6, 3), i, dtype=np.uint8)) for i in (0, 255)]
    path = Path(mine().path) / "bad.png"
    for image, more, said in (
        (clear, {}, "transparent in places"),
        (deep, {}, "not of 8 bits"),
        (frames[0], {"save_all": True, "append_images": frames[1:]}, "is an animation"),
    ):
        image.save(path, **more)
        with pytest.raises(DataError, match=said):
            mine().load()


def test_names_and_paths(put, mine, tmp_path):
    with pytest.raises(DataError, match="is the name of other data"):
        mine(label="mnist").load()
    missing = Folder(path=str(tmp_path / "nowhere"))
    assert missing.locate() is None
    with pytest.raises(DataError, match="there is no folder"):
        missing.load()
    source, options = build(datasets.get("folder"), {"path": "x", "size": 32}, "dataset[0]")
    assert options == {"path": "x", "label": "folder", "size": 32}
    assert source == Folder(path="x", size=32)
