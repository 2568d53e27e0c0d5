"""Data that genbench draws or splits never change: otherwise old records would be of other data.

Those of ``digits``, ``ring``, ``grid`` and ``mnist`` are held beside their other tests.
"""

import numpy as np
import pytest
import torch

from genbench.core.errors import DataError
from genbench.core.ids import bytes_hash
from genbench.data.polygons import Polygons
from genbench.data.split import held_out_fifth
from genbench.data.stacked import StackedDigits
from genbench.data.stroke_renderer import render
from genbench.data.strokes import Strokes

FEW = {"images": 50, "test_images": 40, "instrument_images": 30}


def drawn(data):
    """Hash of all labels and factors; pixels may move by rounding from machine to machine."""
    f = data.factors
    splits = (data.train_labels, f.train, data.test_labels, f.test, f.instrument_labels, f.instrument_values)
    return bytes_hash(*(np.ascontiguousarray(part).tobytes() for part in splits))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Strokes(**FEW), "df2f65d57edc"),
        (Strokes(variant="gap", **FEW), "74a7e4602b9d"),
        (Strokes(variant="imbalanced", **FEW), "0c1f2eb599c3"),
        (Strokes(variant="one-class", **FEW), "3027ff7f629f"),
        (Strokes(variant="grid", **FEW), "0a6021558513"),
        (Strokes(seed=1, **FEW), "5d2708d58a32"),
        (Polygons(**FEW), "9f1892159994"),
        (Polygons(vertices=4, **FEW), "fcb2722173df"),
    ],
    ids=lambda thing: "" if isinstance(thing, str) else getattr(thing, "variant", "polygons"),
)
def test_factors_and_labels_of_what_is_rendered(source, expected):
    assert drawn(source.load()) == expected


def test_correlated_factors():
    """To rounding: quantiles of the normal distribution are another library's."""
    train = Strokes(variant="corr", **FEW).load().factors.train
    first = [3.1426074504852295, 0.39293530583381653, 0.7609845399856967, -1.5705475807189941, 2.843516826]
    assert train[0] == pytest.approx(first, rel=1e-6)


def test_stacks_of_digits():
    assert StackedDigits(stacks=50, test_stacks=40).load().hash == "c7bd6334f77a"


GLYPHS = [  # ink, centre x and y, second moments xx, yy and xy about the middle, in pixels
    [129.566, 0.0, -0.0, 15.3125, 32.4631, 0.0],
    [66.813, -0.3224, -0.7257, 1.6657, 31.9221, 1.7962],
    [128.0008, 0.214, 0.7819, 12.0247, 43.6247, -1.0339],
    [124.6786, 0.6198, 0.2748, 12.6397, 37.7795, 0.1528],
    [117.5839, 0.4745, 0.2174, 9.7122, 21.2652, 0.1616],
    [127.3959, -0.0408, -0.6626, 11.5767, 38.7422, 2.2778],
    [120.3945, 0.0671, 1.1231, 10.3934, 28.6173, -1.3866],
    [91.0444, 0.982, -2.7829, 9.4884, 45.0174, -3.3832],
    [147.0652, -0.0, 0.3669, 11.7158, 30.9631, 0.0],
    [116.1707, 0.6957, -1.4714, 11.9097, 27.599, 3.5073],
]


def test_glyphs_by_their_moments():
    plain = torch.tensor([[3.0, 0.0, 1.0, 0.0, 0.0]], dtype=torch.float64).expand(10, 5)
    place = torch.arange(28, dtype=torch.float64) + 0.5 - 14
    for image, expected in zip(render(torch.arange(10), plain)[:, 0], GLYPHS, strict=True):
        ink, (y, x) = image.sum(), (place[:, None], place[None])
        moments = [float((image * of).sum() / ink) for of in (x, y, x**2, y**2, x * y)]
        assert [float(ink), *moments] == pytest.approx(expected, abs=1e-4)


def test_rows_that_are_held_out():
    train, test = held_out_fifth(np.arange(10) // 5, 10, "mine")
    assert (train.tolist(), test.tolist()) == ([3, 2, 8, 5, 6, 1, 0, 7], [9, 4])
    train, test = held_out_fifth(np.zeros(0, np.int64), 5, "mine")
    assert (train.tolist(), test.tolist()) == ([4, 2, 1, 0], [3])


@pytest.mark.parametrize("sizes", [(5, 5), (9, 10), (4, 23), (1, 5)])
def test_a_fifth_of_every_class_is_held_out_rounded_down(sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    train, test = held_out_fifth(labels, len(labels), "mine")
    assert sorted([*train, *test]) == list(range(len(labels)))  # each row is in one split
    assert np.bincount(labels[test], minlength=len(sizes)).tolist() == [size // 5 for size in sizes]


def test_fewer_than_five_of_every_class_cannot_be_split():
    with pytest.raises(DataError, match="mine has 8 examples and no test split"):
        held_out_fifth(np.arange(8) // 4, 8, "mine")
