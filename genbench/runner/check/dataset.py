"""``genbench check`` of a data set: what it says of itself, what it loads, whether that can be relied on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cached_property, partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import DataUnavailable, GenbenchError
from genbench.core.ids import PLAIN_NAME, bytes_hash, is_plain_name
from genbench.core.registry import datasets
from genbench.data.arrays import classes_of, examples_of, labels_of
from genbench.data.dataset import Dataset, DatasetSource
from genbench.runner.check.blame import raised, source_of
from genbench.runner.check.bystanders import nobodys_random_numbers
from genbench.runner.check.finding import Fault, Finding, NotRun, Outcome, failed, passed, skipped
from genbench.suite.options import build

FEWEST = 100
"""Examples of either split below which no metric says much."""

SHARED = 0.05
"""Share of the test split that may also be in the training split, by chance or because images repeat."""

ALIKE = 0.5
"""Share of the training split that may be constant, or repeat another example."""

AT_ONCE_S = 1.0
"""Seconds in which ``locate`` has to answer."""


@dataclass(frozen=True)
class Loading:
    """A data set that could be made from its options.

    Attributes:
        name: in the registry.
        source: what is registered, with its options.
        data: what it loaded.
    """

    name: str
    source: DatasetSource
    data: Dataset

    @cached_property
    def hash_again(self) -> str:
        """The hash of what it loads a second time, when all is imported that it imports."""
        return self.source.load().hash


def check_dataset(name: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Check one registered data set; nothing is trained.

    Args:
        name: in the registry.
        options: as its ``[[dataset]]`` table has them.
    """
    kind = datasets.get(name)
    yield told("class", lambda: _declared(kind))
    try:
        source, given = build(kind, options, name)
    except GenbenchError as error:
        yield failed(
            "options",
            str(error).rstrip("."),
            "Give each option a type that TOML can write; one without a default is given with `--set`.",
        )
        return
    yield passed("options", ", ".join(given) or "none")
    yield told("locate", lambda: _located(source))
    loaded: list[Dataset] = []
    yield told("load", lambda: _loaded(source, loaded))
    if not loaded:
        return
    loading = Loading(name, source, loaded[0])
    shapes = told("shapes", lambda: _shapes(loading))
    yield shapes
    for check, run in CHECKS.items():
        if shapes.outcome is Outcome.FAILED:
            yield skipped(check, "it means nothing before 'shapes' holds")
        else:
            yield told(check, partial(run, loading))


def told(check: str, run: Callable[[], str]) -> Finding:
    """Run one check."""
    try:
        return passed(check, run())
    except Fault as fault:
        return failed(check, fault.words, fault.remedy)
    except NotRun as reason:
        return skipped(check, str(reason))
    except GenbenchError as error:
        return failed(check, str(error).rstrip("."), "Mend what it says.")


def _loaded(source: DatasetSource, to: list[Dataset]) -> str:
    try:
        data: object = source.load()
    except DataUnavailable as error:
        raise NotRun(f"the data is not to be had here: {error}") from error
    except GenbenchError:
        raise
    except Exception as error:
        raise Fault(f"it raises {raised(error, source_of(type(source)))}", "See the line.") from error
    if not isinstance(data, Dataset):
        raise Fault(f"it gives {type(data).__name__}", "Return a `genbench.data.dataset.Dataset`.")
    to.append(data)
    return f"{len(data.train_examples):,} training and {len(data.test_examples):,} test examples"


def _declared(kind: type) -> str:
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise Fault(
            "what is registered is no dataclass, whose fields are the options",
            "Write `@dataclass(frozen=True, kw_only=True)` below `@datasets.register(...)`, or decorate a "
            "function with `@genbench.dataset(...)`.",
        )
    for method in ("load", "locate"):
        if not callable(getattr(kind, method, None)):
            raise Fault(f"{kind.__name__} has no method {method}", f"Write `def {method}(self)`.")
    about = inspect.getdoc(kind) or ""
    if not about or about.startswith(f"{kind.__name__}("):  # what dataclass writes where there is none
        raise Fault(
            "it has no docstring; `genbench list datasets` shows its first line",
            "Say in one line what the data is.",
        )
    return about.partition("\n")[0]


def _located(source: DatasetSource) -> str:
    began = perf_counter()
    try:
        where = source.locate()
    except Exception as error:
        raise Fault(
            f"locate raises {raised(error, source_of(type(source)))}", "Return None instead."
        ) from error
    took = perf_counter() - began
    if where is not None and not isinstance(where, str):
        raise Fault(f"locate gives {type(where).__name__}", "Return the folder as text, or None.")
    if took > AT_ONCE_S:
        raise Fault(f"locate took {took:.1f} s", "Only look whether the files are there; read none.")
    return "not here yet" if where is None else where


def _shapes(loading: Loading) -> str:
    data, where = loading.data, f"dataset {loading.name!r}"
    for split, examples in (("train", data.train_examples), ("test", data.test_examples)):
        wanted = examples_of(examples, f"the {split} split of {where}")
        if wanted.dtype != examples.dtype or wanted.shape != examples.shape:
            raise Fault(
                f"the {split} split is {examples.dtype} of shape {examples.shape}",
                f"Give {wanted.dtype} of shape {wanted.shape}.",
            )
        if examples.shape[1:] != data.info.shape:
            raise Fault(
                f"examples of the {split} split have the shape {examples.shape[1:]}, and `info` says "
                f"{data.info.shape}",
                "Give both the same.",
            )
    if not is_plain_name(data.info.name):
        raise Fault(f"it calls itself {data.info.name!r}", f"Use {PLAIN_NAME}.")
    what = "images uint8" if data.info.is_image else "points float32"
    return f"{what} of shape {data.info.shape}, as {data.info.name!r}"


def _labels(loading: Loading) -> str:
    data, where = loading.data, f"dataset {loading.name!r}"
    if not len(data.train_labels) and not len(data.test_labels):
        more = ": measures that need features (quality, modes and others) are not for it"
        return f"none{more if data.info.is_image else ''}"
    train = labels_of(data.train_labels, len(data.train_examples), f"training labels of {where}")
    test = labels_of(data.test_labels, len(data.test_examples), f"test labels of {where}")
    classes = classes_of(data.info.classes, (train, test), where)
    counts = [np.bincount(part, minlength=len(classes)) for part in (train, test)]
    empty = [classes[i] for i in np.flatnonzero(counts[0] == 0)]
    more = f"; none of {', '.join(empty[:3])} to train on" if empty else ""
    return f"{len(classes)} classes, {counts[0].min():,} to {counts[0].max():,} training examples each{more}"


def _random_numbers(loading: Loading) -> str:
    with nobodys_random_numbers("load", "Draw with `numpy.random.default_rng(seed)`."):
        _ = loading.hash_again
    return "none of those that all share"


def _same_again(loading: Loading) -> str:
    again = loading.hash_again
    if again != loading.data.hash:
        raise Fault(
            f"loaded twice it has two hashes, {loading.data.hash} and {again}: no run of it can be repeated",
            "Draw with `numpy.random.default_rng(seed)`, and sort what a folder lists.",
        )
    return again


def _range(loading: Loading) -> str:
    data = loading.data
    low, high = float(data.train_examples.min()), float(data.train_examples.max())
    if low == high:
        raise Fault(f"every number of the training split is {low:g}", "See what is read, and from where.")
    if data.info.is_image:
        if high <= 1:
            raise Fault(
                "all pixels are 0 or 1, where black is 0 and white 255",
                "Multiply floats by 255 before they become uint8.",
            )
        return f"{low:g} to {high:g}"
    spread = float(data.train_examples.std(axis=0).max())
    return f"{low:g} to {high:g}, standard deviations up to {spread:.3g}"


def _apart(loading: Loading) -> str:
    data = loading.data
    train, test = (_hashes(part) for part in (data.train_examples, data.test_examples))
    shared = sum(digest in train for digest in _each(data.test_examples)) / len(data.test_examples)
    if shared > SHARED:
        raise Fault(
            f"{shared:.1%} of the test examples are training examples too, so copies look like fresh data",
            "Leave repeated examples out before you split.",
        )
    return f"{shared:.1%} of {len(test):,} different test examples are also in training"


def _variety(loading: Loading) -> str:
    examples = loading.data.train_examples
    repeated = 1 - len(_hashes(examples)) / len(examples)
    flat = examples.reshape(len(examples), -1)
    constant = float((flat == flat[:, :1]).all(axis=1).mean()) if loading.data.info.is_image else 0.0
    for share, what in ((repeated, "repeat another one"), (constant, "are of one colour all over")):
        if share > ALIKE:
            raise Fault(f"{share:.0%} of the training examples {what}", "See what is read, and from where.")
    more = f", {constant:.1%} of one colour all over" if loading.data.info.is_image else ""
    return f"{repeated:.1%} repeat another one{more}"


def _enough(loading: Loading) -> str:
    data = loading.data
    sizes = {"training": len(data.train_examples), "test": len(data.test_examples)}
    for split, n in sizes.items():
        if n < FEWEST:
            raise Fault(
                f"there are {n:,} {split} examples", f"Provide {FEWEST} or more; thousands are usual."
            )
    return f"`samples` of a suite may be up to {sizes['training']:,}"


def _memory(loading: Loading) -> str:
    data = loading.data
    parts = (data.train_examples, data.test_examples, data.train_labels, data.test_labels)
    return f"{sum(part.nbytes for part in parts) / 2**20:,.1f} MiB"


CHECKS: Mapping[str, Callable[[Loading], str]] = {
    "labels": _labels,
    "random numbers": _random_numbers,
    "same again": _same_again,
    "range": _range,
    "splits apart": _apart,
    "variety": _variety,
    "enough": _enough,
    "memory": _memory,
}
"""Of data that was loaded and has the shapes it says."""


def _each(examples: NDArray[Any]) -> Iterator[str]:
    return (bytes_hash(np.ascontiguousarray(example).data.cast("B")) for example in examples)


def _hashes(examples: NDArray[Any]) -> frozenset[str]:
    return frozenset(_each(examples))
