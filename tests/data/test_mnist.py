from __future__ import annotations

import gzip
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genbench.core.errors import DataError
from genbench.data import mnist
from genbench.data.mnist import FILES, HELD_OUT, MNIST

REAL = os.environ.get("GENBENCH_DATA")  # before the tests' own environment hides it


@pytest.fixture
def contents(monkeypatch, idx_bytes):
    """A tiny stand-in of each file, published in place of MNIST."""
    rng = np.random.RandomState(0)
    arrays = [
        rng.randint(0, 256, (6, 28, 28)),
        np.arange(6),
        rng.randint(0, 256, (4, 28, 28)),
        np.arange(4) + 6,
    ]
    written = [idx_bytes(array.astype(np.uint8)) for array in arrays]
    published = tuple(
        replace(file, size=len(content), md5=hashlib.md5(content).hexdigest())
        for file, content in zip(FILES, written, strict=True)
    )
    monkeypatch.setattr(mnist, "FILES", published)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    return {file.name: content for file, content in zip(published, written, strict=True)}


def put(folder: Path, contents: dict[str, bytes], *, plain: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if plain:
            (folder / name.removesuffix(".gz")).write_bytes(content)
        else:
            (folder / name).write_bytes(gzip.compress(content))
    return folder


def cache() -> Path:
    return Path(os.environ["GENBENCH_CACHE"]) / "mnist"


@pytest.fixture
def published(contents, tmp_path, monkeypatch):
    """A mirror: every file asked for is copied from it. The list says which were asked for."""
    asked = []

    def download(url, target, most_bytes, patience_s):
        asked.append(url)
        target.write_bytes(gzip.compress(contents[url.rpartition("/")[2]]))

    monkeypatch.setattr("genbench.data.fetch._download", download)
    monkeypatch.setattr(mnist, "MIRRORS", ("https://mirror.invalid/mnist/",))
    return asked


@pytest.mark.parametrize("plain", [False, True])
def test_reads_plain_and_compressed_files(contents, tmp_path, plain):
    folder = put(tmp_path / "here", contents, plain=plain)
    data = MNIST(path=str(folder)).load()
    assert (data.info.name, data.info.shape, data.info.classes) == ("mnist", (1, 28, 28), tuple("0123456789"))
    assert data.train_examples.shape == (6, 1, 28, 28)
    assert data.test_examples.shape == (4, 1, 28, 28)
    assert data.train_examples.dtype == data.test_examples.dtype == np.uint8
    np.testing.assert_array_equal(data.train_labels, np.arange(6, dtype=np.int64), strict=True)
    np.testing.assert_array_equal(data.test_labels, np.arange(6, 10, dtype=np.int64), strict=True)
    assert data.train_examples.tobytes() == contents["train-images-idx3-ubyte.gz"][16:]
    assert data.test_examples.tobytes() == contents["t10k-images-idx3-ubyte.gz"][16:]
    assert data.source == MNIST(path=str(folder)).locate() == str(folder)


def test_validation_holds_out_the_last_training_images_and_never_shows_the_test_images(
    contents, tmp_path, monkeypatch
):
    monkeypatch.setattr(mnist, "HELD_OUT", 2)
    folder = str(put(tmp_path / "here", contents, plain=True))
    whole, held = MNIST(path=folder).load(), MNIST(path=folder, validation=True).load()
    assert held.info.name == "mnist-validation" and held.hash != whole.hash
    assert np.array_equal(held.train_examples, whole.train_examples[:4])
    assert np.array_equal(held.test_examples, whole.train_examples[4:])
    assert (held.train_labels.tolist(), held.test_labels.tolist()) == ([0, 1, 2, 3], [4, 5])
    assert held.features == whole.features == "mnist-cnn"
    assert "last 2 training images held out" in held.source


def test_order_of_the_search(contents, tmp_path, monkeypatch, published):
    def both():
        where = MNIST().locate()
        assert MNIST().load().source == (where or str(cache()))
        return where

    assert both() is None  # downloaded, and from now on in the cache
    assert len(published) == 4
    assert both() == str(cache())
    monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    assert both() == str(cache())  # the environment's folder holds no mnist
    named = put(tmp_path / "mnist", contents)
    assert both() == str(named)
    given = put(tmp_path / "given", contents)
    assert MNIST(path=str(given)).load().source == MNIST(path=str(given)).locate() == str(given)
    assert len(published) == 4


@pytest.mark.parametrize("by", ["path", "environment"])
@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "empty"])
def test_a_named_folder_with_a_bad_file_is_an_error(contents, tmp_path, monkeypatch, published, by, damage):
    put(cache(), contents)  # intact, and yet no way out
    folder = put(tmp_path / "mnist", contents)
    victim = folder / "t10k-labels-idx1-ubyte.gz"
    match damage:
        case "missing":
            victim.unlink()
        case "cut":
            victim.write_bytes(victim.read_bytes()[:-3])
        case "changed":
            content = contents[victim.name]
            victim.write_bytes(gzip.compress(content[:-1] + bytes([content[-1] ^ 1])))
        case "empty":
            for path in folder.iterdir():
                path.unlink()
    if by == "environment":
        monkeypatch.setenv("GENBENCH_DATA", str(tmp_path))
    source = MNIST() if by == "environment" else MNIST(path=str(folder))
    with pytest.raises(DataError) as error:
        source.load()
    assert str(folder) in str(error.value)
    assert "t10k-labels-idx1-ubyte" in str(error.value)
    assert published == []
    assert (source.locate() is None) is (damage in {"missing", "empty"})


@pytest.mark.parametrize("path", ["nowhere", "a\0b", "~nobody-of-this-name/mnist"])
def test_a_path_without_a_folder(contents, path):
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        MNIST(path=path).load()
    assert MNIST(path=path).locate() is None


def test_a_damaged_file_in_the_cache_is_downloaded_again(contents, published):
    put(cache(), contents)
    (cache() / "train-labels-idx1-ubyte.gz").write_bytes(b"half a fi")
    assert MNIST().load().source == str(cache())
    assert published == ["https://mirror.invalid/mnist/train-labels-idx1-ubyte.gz"]


def test_a_damaged_plain_file_in_the_cache_does_not_stand_in_the_way(contents, published):
    put(cache(), contents, plain=True)
    (cache() / "train-labels-idx1-ubyte").write_bytes(b"half a fi")
    assert MNIST().load().source == str(cache())


@pytest.mark.parametrize("data", [None, "elsewhere"])
def test_nowhere_lists_every_place_and_what_to_do(contents, tmp_path, monkeypatch, data):
    monkeypatch.setenv("GENBENCH_OFFLINE", "1")
    if data:
        monkeypatch.setenv("GENBENCH_DATA", str(tmp_path / data))
    with pytest.raises(DataError) as error:
        MNIST().load()
    text = str(error.value)
    assert "\n" not in text
    assert (str(tmp_path / data / "mnist") if data else "$GENBENCH_DATA: not set") in text
    for part in (
        str(cache()),
        "GENBENCH_OFFLINE",
        "`path`",
        "[[dataset]]",
        *(name[:-3] for name in contents),
    ):
        assert part in text


def test_a_refusing_network_is_listed_mirror_by_mirror(contents, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/one/", "http://127.0.0.1:9/two/"))
    with pytest.raises(DataError) as error:
        MNIST().load()
    for mirror in mnist.MIRRORS:
        assert f"{mirror}train-images-idx3-ubyte.gz: " in str(error.value)


@pytest.mark.skipif(not REAL or not (Path(REAL) / "mnist").is_dir(), reason="needs $GENBENCH_DATA/mnist")
def test_the_real_files(monkeypatch):
    monkeypatch.setenv("GENBENCH_DATA", str(REAL))
    data = MNIST().load()
    assert data.train_examples.shape == (60_000, 1, 28, 28)
    assert data.test_examples.shape == (10_000, 1, 28, 28)
    np.testing.assert_array_equal(data.train_labels[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    np.testing.assert_array_equal(data.test_labels[:10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
    assert data.hash == "35914650c8be" and len(data.test_examples) == HELD_OUT
