from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from genbench.core.datainfo import DataInfo
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset

BUILTIN = ("digits", "idx", "mnist")


def dataset(**changes) -> Dataset:
    images, labels = np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2), np.arange(2)
    fields = {
        "train_examples": images,
        "train_labels": labels,
        "test_examples": images,
        "test_labels": labels,
    }
    return Dataset(info=DataInfo(name="d", shape=(1, 2, 2)), source="here", **fields | changes)


def test_hash_depends_on_every_array_and_on_nothing_else():
    base = dataset()
    assert base.hash == dataclasses.replace(base, source="there", info=DataInfo("e", (1, 2, 2))).hash
    for name in ("train_examples", "train_labels", "test_examples", "test_labels"):
        array = getattr(base, name)
        assert dataset(**{name: array + 1}).hash != base.hash
        assert dataset(**{name: array[::-1]}).hash != base.hash
        assert dataset(**{name: np.asfortranarray(array)}).hash == base.hash


@pytest.mark.parametrize("name", BUILTIN)
def test_a_source_is_a_frozen_dataclass_that_loads_and_locates(name):
    source = datasets.get(name)
    assert dataclasses.is_dataclass(source)
    assert source.__dataclass_params__.frozen
    assert callable(source.load)
    assert callable(source.locate)


def test_importing_the_sources_imports_nothing_heavy():
    heavy = ("torch", "sklearn", "scipy", "pooch", "requests", "PIL", "pandas")
    code = (
        "import sys, genbench; from genbench.core.registry import datasets; genbench.dataset\n"
        f"for name in {BUILTIN}: datasets.get(name)\n"
        "for name in ('digits', 'mnist', 'strokes', 'polygons', 'ring'): datasets.get(name)().locate()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]"
