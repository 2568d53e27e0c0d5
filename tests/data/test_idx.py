from __future__ import annotations

import gzip
import hashlib
import os
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genbench.core.errors import DataError
from genbench.data.idx import Idx, read_idx

ARRAYS = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5))
IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "file"


def says(error, *parts):
    """The message is one paragraph and holds every part."""
    text = str(error.value)
    assert "\n" not in text
    for part in parts:
        assert str(part) in text


@settings(max_examples=40)
@given(array=ARRAYS, wrapped=st.booleans())
def test_reads_back_what_was_written(scratch, idx_bytes, array, wrapped):
    content = idx_bytes(array)
    scratch.write_bytes(gzip.compress(content, 1) if wrapped else content)
    read = read_idx(scratch)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array, strict=True)


@settings(max_examples=40)
@given(array=ARRAYS, wrapped=st.booleans(), data=st.data())
def test_a_file_cut_anywhere_is_a_data_error(scratch, idx_bytes, array, wrapped, data):
    content = idx_bytes(array)
    content = gzip.compress(content, 1) if wrapped else content
    scratch.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(DataError) as error:
        read_idx(scratch)
    says(error, scratch)


@settings(max_examples=30)
@given(array=ARRAYS, appended=st.binary(min_size=1, max_size=40), wrapped=st.booleans())
def test_trailing_bytes_are_a_data_error(scratch, idx_bytes, array, appended, wrapped):
    content = idx_bytes(array) + appended
    scratch.write_bytes(gzip.compress(content, 1) if wrapped else content)
    with pytest.raises(DataError) as error:
        read_idx(scratch)
    says(error, scratch, "goes on after its last value")


@settings(max_examples=50)
@given(array=ARRAYS, data=st.data())
def test_a_damaged_gzip_wrapper_never_gives_other_values(scratch, idx_bytes, array, data):
    content = bytearray(gzip.compress(idx_bytes(array), 1))
    content[data.draw(st.integers(2, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    scratch.write_bytes(content)
    try:
        read = read_idx(scratch)
    except DataError as error:
        assert str(scratch) in str(error)
    else:  # the name, time and flags in a gzip header are not part of what its checksum covers
        np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_absurd_size_is_never_allocated(tmp_path, wrapped):
    content = struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1) + bytes(100)
    (tmp_path / "f").write_bytes(gzip.compress(content) if wrapped else content)
    tracemalloc.start()
    with pytest.raises(DataError) as error:
        read_idx(tmp_path / "f")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    says(error, "100 are there")


def test_a_gzip_bomb_is_inflated_no_further_than_the_header_says(tmp_path, idx_bytes):
    (tmp_path / "f").write_bytes(gzip.compress(idx_bytes(IMAGES) + bytes(64 << 20), 1))
    tracemalloc.start()
    with pytest.raises(DataError, match="goes on after its last value"):
        read_idx(tmp_path / "f")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "holds 0 bytes"),
        (b"<!DOCTYPE html>", "3c 21 44 4f"),
        (b"\0\0\x0d\x01\0\0\0\1\0\0\0\0", "float32"),
        (b"\0\0\x08\0", "0 dimensions"),
        (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"x", "255 dimensions"),
        (b"\0\0\x08\x02\0\0\0\1\0\0", "inside its IDX header"),
        (b"\0\0\x08\x02\0\0\0\0\0\0\0\2", "empty"),
        (b"\x1f\x8b", "damaged gzip"),
        (b"\x1f\x8bnot gzip at all", "damaged gzip"),
    ],
)
def test_each_corruption_says_what_is_wrong(tmp_path, content, part):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_idx(path)
    says(error, path, part)


def test_wrong_number_of_dimensions(tmp_path, idx_bytes):
    (tmp_path / "f").write_bytes(idx_bytes(IMAGES))
    with pytest.raises(DataError) as error:
        read_idx(tmp_path / "f", ndim=1)
    says(error, tmp_path / "f", "3 dimensions, expected 1", "interchanged")


def test_missing_file_folder_pipe_and_impossible_name(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_idx(tmp_path / "nothing")
    with pytest.raises(DataError, match="there is no file"):
        read_idx("a\0b")
    with pytest.raises(DataError, match="is a folder"):
        read_idx(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(DataError, match="not a regular file"):
            read_idx(tmp_path / "pipe")


@pytest.mark.parametrize("wrapped", [False, True])
def test_md5_is_that_of_the_contents(tmp_path, idx_bytes, wrapped):
    content = idx_bytes(IMAGES)
    (tmp_path / "f").write_bytes(gzip.compress(content) if wrapped else content)
    np.testing.assert_array_equal(read_idx(tmp_path / "f", md5=hashlib.md5(content).hexdigest()), IMAGES)
    with pytest.raises(DataError) as error:
        read_idx(tmp_path / "f", md5="0" * 32)
    says(error, tmp_path / "f", hashlib.md5(content).hexdigest(), "0" * 32)


@pytest.fixture
def write(tmp_path, idx_bytes):
    """Write four IDX files, some of them other than usual; their paths as options of the dataset."""

    def write(**arrays):
        usual = {
            "train_images": IMAGES,
            "train_labels": np.array([0, 2], np.uint8),
            "test_images": IMAGES[:1] + 100,
            "test_labels": np.array([1], np.uint8),
        }
        for name, array in (usual | arrays).items():
            (tmp_path / name).write_bytes(idx_bytes(np.asarray(array, np.uint8)))
        return {name: str(tmp_path / name) for name in usual}

    return write


def test_dataset_of_four_files(write, tmp_path):
    source = Idx(**write(), label="mine")
    data = source.load()
    assert (data.info.name, data.info.shape, data.info.classes) == ("mine", (1, 3, 4), ("0", "1", "2"))
    np.testing.assert_array_equal(data.train_examples, IMAGES[:, None], strict=True)
    np.testing.assert_array_equal(data.test_examples, IMAGES[:1, None] + 100, strict=True)
    np.testing.assert_array_equal(data.train_labels, np.array([0, 2], np.int64), strict=True)
    np.testing.assert_array_equal(data.test_labels, np.array([1], np.int64), strict=True)
    assert data.source == source.locate() == str(tmp_path)


@pytest.mark.parametrize("label", ["idx", "fashion-mnist", "A.b_c+1", "x" * 48])
def test_labels_that_name_files(write, label):
    assert Idx(**write(), label=label).load().info.name == label


def test_classes_come_from_both_splits(write):
    assert Idx(**write(test_labels=[4])).load().info.classes == ("0", "1", "2", "3", "4")


def test_relative_paths_and_home_are_understood(write, tmp_path, monkeypatch):
    files = write()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    source = Idx(**files | {"train_images": "train_images", "test_images": "~/test_images"})
    assert source.load().source == source.locate() == str(tmp_path)


def test_locate_without_a_file(write, tmp_path):
    source = Idx(**write())
    (tmp_path / "test_labels").unlink()
    assert source.locate() is None
    with pytest.raises(DataError, match="test_labels"):
        source.load()


@pytest.mark.parametrize(
    ("arrays", "options", "parts"),
    [
        ({"train_labels": [0]}, {}, ["2 images", "1 labels", "train_images", "train_labels"]),
        ({"test_labels": [0, 1]}, {}, ["1 images", "2 labels", "test_images", "test_labels"]),
        ({"train_images": [0, 1]}, {}, ["train_images", "1 dimensions, expected 3"]),
        ({"test_labels": [[0]]}, {}, ["test_labels", "2 dimensions, expected 1"]),
        ({"test_images": np.zeros((1, 3, 5))}, {}, ["(1, 3, 4)", "(1, 3, 5)", "test_images"]),
        ({}, {"classes": ("cat", "dog")}, ["train_labels", "label 2", "2 classes"]),
        ({"test_labels": [3]}, {"classes": ("a", "b", "c")}, ["test_labels", "label 3"]),
        ({}, {"classes": ()}, ["label 2", "0 classes"]),
        ({}, {"classes": ("a", "b", "a")}, ["twice"]),
        *(
            ({}, {"label": label}, ["`label`", "file names", "leave the option out"])
            for label in ("", "  ", "../up", "a b", "-x", ".x", "x\n", "é", "x" * 49)
        ),
        *(
            ({}, {"label": label}, ["`label`", "name of other data"])
            for label in ("mnist", "digits", "MNIST", "mnist-validation")
        ),
        ({"train_images": np.zeros((0, 3, 4)), "train_labels": []}, {}, ["train_images", "empty"]),
    ],
)
def test_files_that_do_not_fit_each_other(write, arrays, options, parts):
    source = Idx(**write(**arrays), **options)
    with pytest.raises(DataError) as error:
        source.load()
    says(error, *parts)


def test_named_classes(write):
    assert Idx(**write(), classes=("cat", "dog", "owl", "yak")).load().info.classes[3] == "yak"
