"""Suite files: text as it comes, and valid suites with hostile values, up to the plan of a run."""

from __future__ import annotations

import copy
import importlib.metadata
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

from fuzzing import Draw, put

from genbench.core.errors import GenbenchError
from genbench.core.registry import models
from genbench.suite.load import load_suite, toml_value
from genbench.suite.options import build
from genbench.suite.plan import DataSpec, make_plan

# Which packages are installed does not change; to look takes longer than all else.
importlib.metadata.entry_points = cache(importlib.metadata.entry_points)

for _name in ("gan", "vae"):  # imported before the clock of the first input runs
    build(models.get(_name), {}, _name)

_SUITE = """
name = "tiny"
question = "Does it run?"
seeds = [0, 1]
samples = 100
measures = ["modes", "quality"]
alpha = 0.05

[train]
steps = 20
batch_size = 32
precision = "float32"
compile = "never"
lanes = 1
save_every = 10
evaluate_every = 10

[target]
metric = "quality.fid"
value = 5.0
stop = true

[[dataset]]
name = "mnist"
fallback = "digits"
path = "x"

[[dataset]]
name = "idx"
train_images = "../../a"
label = "mine"

[[model]]
name = "gan"
latent = 8
generator = { hidden = [16] }

[[model]]
name = "vae"
label = "vae-4.5"
latent = 4

[[gate]]
metric = "quality.fid"
dataset = "mnist"
model = "gan"
allow = "5%"

[[gate]]
failures = 0.5
"""
_TABLES = tomllib.loads(_SUITE)
_DEEP = (
    "a = " + "[" * 400,
    "a." * 300 + "a = 1",
    "[" + "a." * 300 + "a]",
    "a = " + "{b=" * 300,
    f"a = {'9' * 5000}",
    f"a = 0x{'f' * 9000}",
    "seeds = 0b" + "1" * 9000,
    "a = 1979-05-27T07:32:00.999999999999Z",
    "a = 9999-12-31T23:59:59-23:59",
    "samples = -9223372036854775809",
    'name = """' + "\n" * 300 + '"""',
    'name = "\\U0010FFFF\\u0000\\u2028"',
    "name = 'a'\nname = 'b'",
    "model = [[[]]]",
    "\ufeffname = 1",
)
_SETS = (
    (), (), (), ("train.steps=5",), ("model.gan.latent=64",), ("model.=1",), ("dataset.mnist.path='x'",),
    ("a",), ("name.b=1",),
)  # fmt: skip


def one_input(data: bytes) -> None:
    """Read one suite, and plan it if it can be."""
    draw = Draw(data)
    how = draw.below(4)
    set_ = draw.pick(_SETS)
    quick = draw.below(2) == 1
    if how == 0:
        content = draw.rest()
    elif how == 1:
        content = draw.splice(_SUITE.encode()) + draw.rest()
    elif how == 2:
        content = (draw.pick(_DEEP) + "\n" + (_SUITE if draw.below(2) else "")).encode() + draw.rest()
    else:
        content = _written(draw.damage(copy.deepcopy(_TABLES))).encode("utf-8", "surrogatepass")
    try:
        suite = load_suite(put("s.toml", content), set_=set_, quick=quick)
        data_specs = {DataSpec(entry.name, "0"): "float32" for entry in suite.dataset}
        if all(entry.name in ("gan", "vae") for entry in suite.model):
            make_plan(suite, data_specs)
    except GenbenchError as error:
        assert len(str(error)) < 4000 + 60 * len(content), len(str(error))
    if how == 0:
        toml_value(content[:200].decode("utf-8", "replace"))


def _written(tables: dict[str, Any]) -> str:
    return "".join(f"{_value(key)} = {_value(value)}\n" for key, value in tables.items())


def _value(value: Any) -> str:
    if isinstance(value, str):
        return f'"{"".join(map(_character, value))}"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return "1979-05-27" if value is None else repr(value).lower()


def _character(character: str) -> str:
    if character in '"\\' or ord(character) < 32 or ord(character) == 127:
        return f"\\u{ord(character):04x}"
    return character


def seeds() -> Iterator[bytes]:
    """The suite itself, and each way of changing it."""
    for quick in (0, 1):
        for set_ in range(len(_SETS)):
            yield bytes([0, set_, quick]) + _SUITE.encode()
            yield bytes([1, set_, quick, 0])
            yield bytes([3, set_, quick, 0, 5, 1, 2, 4, 9])
    for number in range(len(_DEEP)):
        yield bytes([2, 0, 0, number, 1])
