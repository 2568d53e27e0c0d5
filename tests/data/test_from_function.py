import re
from typing import Literal

import numpy as np
import pytest
import torch

import genbench
from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, PluginError, SuiteError
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset
from genbench.data.from_function import dataset_of
from genbench.suite.options import build

GREY = np.random.default_rng(0).integers(0, 256, (20, 5, 4), dtype=np.uint8)
POINTS = np.random.default_rng(1).normal(size=(50, 2))
LABELS = np.arange(20) % 3


@pytest.fixture
def moons():
    """A registered function, for one test."""

    @genbench.dataset("moons")
    def moons(seed: int = 0, n: int = 50, shape: Literal["full", "half"] = "full"):
        """Two moons.

        And more of them.
        """
        points = np.random.default_rng(seed).normal(size=(n, 2))
        return points if shape == "full" else points.clip(0)

    yield moons
    del datasets._things["moons"], datasets._origins["moons"]


def of(made, label="mine"):
    return dataset_of(made, label, "here")


def test_a_function_is_a_dataset_with_its_parameters_as_options(moons):
    kind = datasets.get("moons")
    source, options = build(kind, {"n": 40, "shape": "half"}, "dataset[0]")
    assert options == {"seed": 0, "n": 40, "shape": "half", "label": "moons"}
    data = source.load()
    assert data.info == DataInfo("moons", (2,))
    assert (len(data.train_examples), len(data.test_examples)) == (32, 8)
    assert data.train_examples.dtype == np.float32
    assert data.train_examples.min() == 0.0
    assert data.source == source.locate() == "made on the spot by moons()"
    assert kind.__doc__.startswith("Two moons.\n")
    assert datasets.origin("moons") == __name__
    assert len(moons(n=7)) == 7  # the function stays one


def test_its_identity_is_its_content(moons):
    kind = datasets.get("moons")
    assert kind().load().hash == kind().load().hash
    assert kind().load().hash != kind(seed=1).load().hash
    other = kind(label="more-moons").load()
    assert (other.info.name, other.hash) == ("more-moons", kind().load().hash)
    with pytest.raises(DataError, match="which is the name of other data"):
        kind(label="mnist").load()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sead": 3}, "unknown option 'sead'. Did you mean 'seed'"),
        ({"n": "many"}, "dataset[0].n"),
        ({"n": 2.5}, "dataset[0].n"),
        ({"shape": "new"}, "dataset[0].shape"),
    ],
)
def test_wrong_options_are_told_like_all_others(moons, options, said):
    with pytest.raises(SuiteError, match=re.escape(said)):
        build(datasets.get("moons"), options, "dataset[0]")


def test_what_is_split_here_keeps_a_fifth_of_every_class():
    made = of({"examples": GREY, "labels": LABELS, "classes": ["a", "b", "c"]})
    assert made.info == DataInfo("mine", (1, 5, 4), ("a", "b", "c"))
    assert np.bincount(made.test_labels).tolist() == [1, 1, 1]
    assert np.bincount(made.train_labels).tolist() == [6, 6, 5]
    images = np.concatenate([made.train_examples, made.test_examples])[:, 0]
    labels = np.concatenate([made.train_labels, made.test_labels])
    assert {(i.tobytes(), k) for i, k in zip(images, labels, strict=True)} == {
        (i.tobytes(), k) for i, k in zip(GREY, LABELS, strict=True)
    }
    assert of((GREY, LABELS)).hash == made.hash
    assert of(GREY).info.classes == ()


def test_other_forms_that_a_function_may_return():
    split = of({"train": GREY[:15], "test": GREY[15:]})
    assert np.array_equal(split.train_examples[:, 0], GREY[:15])  # in the order given
    assert len(split.train_labels) == len(split.test_labels) == 0
    colour = torch.zeros(10, 3, 4, 4, dtype=torch.uint8)
    assert of(colour).info.shape == (3, 4, 4)
    assert of(torch.zeros(10, 2, requires_grad=True)).train_examples.shape == (8, 2)
    assert of([[1, 2]] * 5).test_examples.tolist() == [[1.0, 2.0]]
    names, labels = np.unique(LABELS + 5, return_inverse=True)
    assert of({"examples": GREY, "labels": labels, "classes": names}).info.classes == ("5", "6", "7")
    whole = Dataset(DataInfo("other", (1, 5, 4)), GREY[:9, None], LABELS[:0], GREY[9:, None], LABELS[:0], "x")
    assert of(whole).info.name == "mine"
    assert of(whole).source == "x"


def _floats(low, high):
    return np.linspace(low, high, 10 * 4 * 4).reshape(10, 4, 4)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (_floats(0, 1), "if 0 is black and 1 white, write `(images * 255).round()"),
        (
            _floats(-1, 1),
            "These run from -1 to 1: if -1 is black and 1 white, write `((images + 1) * 127.5).r",
        ),
        (_floats(0, 255), "if 0 is black and 255 white, write `images.round()"),
        (_floats(-3, 4), "These run from -3 to 4: bring them"),
        (np.where(GREY > 9, np.inf, 0.5), "no finite numbers"),
        (GREY.astype(int), "is of type int64; images are uint8"),
        (GREY > 9, "images.astype(numpy.uint8) * 255"),
        (
            GREY.reshape(20, 1, 5, 4).transpose(0, 2, 3, 1),
            "channels are last: write `images.transpose(0, 3, 1",
        ),
        (GREY.reshape(10, 2, 5, 4), "with 1 channel or 3"),
        (GREY.reshape(20, 20), "`images.reshape(-1, channels, height, width)`"),
        (POINTS[:, 0], "one number each: reshape(-1, 1)"),
        (POINTS[:0], "is empty"),
        (POINTS[:4], "has 4 examples and no test split"),
        (np.where(POINTS > 1, np.nan, POINTS), "points of `examples` of dataset 'mine' are not finite"),
        (POINTS * 1e300, "not finite in float32"),
        (np.array(["a", "b"] * 5).reshape(5, 2), "points are real numbers"),
        ([[1, 2], [3]], "is no array of numbers"),
        (None, "returns nothing"),
        ((GREY, LABELS, GREY), "a tuple of 3"),
        ((GREY, GREY), "has the shape (20, 5, 4), expected (20,)"),
        ((GREY, LABELS[:5]), "expected (20,)"),
        ((GREY, LABELS.astype(float)), "labels.astype(int)"),
        ((GREY, LABELS.astype(str)), "numpy.unique(labels, return_inverse=True)"),
        ((GREY, LABELS - 1), "holds numbers from -1 to 1"),
        ((GREY, LABELS + 10**9), "from 0 on"),
        ({"examples": GREY, "label": LABELS}, "unknown key 'label'. Did you mean 'labels'"),
        ({"train": GREY}, "needs `examples`, or `train` and `test`"),
        ({}, "a dict of nothing"),
        ({"train": GREY, "test": POINTS}, "They must be the same"),
        ({"train": GREY, "test": GREY, "train_labels": LABELS}, "one split of dataset 'mine' has labels"),
        ({"examples": GREY, "labels": LABELS, "classes": ["a"]}, "has the label 2, and `classes` names 1"),
        ({"examples": GREY, "labels": LABELS, "classes": ["a", "a", "b"]}, "a list of different names"),
        ({"examples": GREY, "labels": LABELS, "classes": "abc"}, "a list of different names"),
        ({"examples": GREY, "classes": ["a"]}, "names classes and has no labels"),
    ],
)
def test_what_is_no_data_is_told_in_plain_words(made, said):
    with pytest.raises(DataError, match=re.escape(said)):
        of(made)


def _no_default(n: int): ...
def _no_type(n=3): ...
def _many(*n: int): ...
def _label(label: str = ""): ...
def _list(n: list = []): ...  # noqa: B006
def _unknown(n: "Nothing" = 3): ...  # noqa: F821


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (_no_default, "needs a type and a default: write `n: int = 0`"),
        (_no_type, "needs a type and a default"),
        (_many, r"takes \*n"),
        (_label, "`label` means something else"),
        (_list, "Use a tuple"),
        (_unknown, "'Nothing' is not defined"),
    ],
)
def test_parameters_that_are_no_options(function, said):
    with pytest.raises(PluginError, match=said):
        genbench.dataset("unheard-of")(function)
    assert "unheard-of" not in datasets.names()


def whole(**changes):
    parts = {
        "train_examples": GREY[:15, None], "train_labels": LABELS[:15],
        "test_examples": GREY[15:, None], "test_labels": LABELS[15:],
    }  # fmt: skip
    return Dataset(DataInfo("other", (1, 5, 4), ("a", "b", "c")), **parts | changes, source="x")


def test_a_dataset_that_is_whole_is_taken_as_it_is():
    made = of(whole())
    assert np.array_equal(made.train_examples[:, 0], GREY[:15])
    assert np.array_equal(made.test_examples[:, 0], GREY[15:])
    assert made.train_labels.tolist() == LABELS[:15].tolist()
    assert made.test_labels.tolist() == LABELS[15:].tolist()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"train_labels": LABELS[:14]},
            "`train_labels` of dataset 'mine' has the shape (14,), expected (15,)",
        ),
        ({"test_labels": LABELS[:6]}, "`test_labels` of dataset 'mine' has the shape (6,), expected (5,)"),
        ({"train_labels": LABELS[:0]}, "one split of dataset 'mine' has labels and the other none"),
        ({"test_labels": LABELS[15:] + 1}, "has the label 3, and `classes` names 3"),
        ({"test_examples": GREY[15:, None, :4]}, "They must be the same"),
        ({"train_examples": GREY[:15, None, :4], "test_examples": GREY[15:, None, :4]}, "its description"),
    ],
)
def test_parts_of_a_whole_dataset_that_do_not_fit(changes, said):
    with pytest.raises(DataError, match=re.escape(said)):
        of(whole(**changes))
