"""A dataset from a function: its parameters are the options, what it returns is checked and split here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import field, make_dataclass, replace
from typing import Any, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.errors import DataError, PluginError, choose_from
from genbench.core.registry import datasets
from genbench.data.arrays import classes_of, examples_of, labels_of
from genbench.data.dataset import Dataset
from genbench.data.label import check_label
from genbench.data.split import held_out_fifth

Function = TypeVar("Function", bound=Callable[..., Any])

_WHOLE = ("examples", "labels", "classes")
_SPLIT = ("train", "train_labels", "test", "test_labels", "classes")
_NONE = np.zeros(0, dtype=np.int64)


def dataset(name: str) -> Callable[[Function], Function]:
    """Decorate a function to be the dataset ``name``, for ``[[dataset]]`` of suites.

    Its parameters, each with a type and a default, are the options; ``label``, what records call the data, is
    added to them. It returns one of

    - examples: images (N, C, H, W) or (N, H, W) uint8, or points (N, D), as an array or a tensor;
    - ``(examples, labels)``, labels (N,) from 0 on;
    - a dict of ``examples``, and ``labels`` and ``classes`` (names) where there are any;
    - a dict of ``train`` and ``test``, and ``train_labels``, ``test_labels`` and ``classes``;
    - a ``genbench.data.dataset.Dataset``, which may say more: true modes, factors, feature extractor.

    What comes without a test split has a fifth of every class held out, by a fixed seed. The same options
    must give the same data: draw with ``numpy.random.default_rng(seed)``.

    Args:
        name: what suites call it. The function itself stays as it is.

    Raises:
        PluginError: the name is taken, or a parameter has no type or no default.
    """

    def bind(function: Function) -> Function:
        datasets.register(name)(_source(name, function))
        return function

    return bind


def dataset_of(made: object, label: str, source: str) -> Dataset:
    """Check what a function returned.

    Args:
        made: see ``dataset``.
        label: what the data is to be called.
        source: where it comes from, for people.

    Raises:
        DataError: it is nothing of that.
    """
    if isinstance(made, Dataset):
        return _checked(made, label)
    parts = _parts(made, label)
    where = f"dataset {label!r}"
    if "examples" in parts:
        examples = examples_of(parts["examples"], f"`examples` of {where}")
        labels = _labels(parts, "labels", len(examples), where)
        train_rows, test_rows = held_out_fifth(labels, len(examples), where)
        train, test = examples[train_rows], examples[test_rows]
        train_labels, test_labels = (
            labels[rows] if len(labels) else _NONE for rows in (train_rows, test_rows)
        )
    else:
        train = examples_of(parts["train"], f"`train` of {where}")
        test = examples_of(parts["test"], f"`test` of {where}")
        train_labels = _labels(parts, "train_labels", len(train), where)
        test_labels = _labels(parts, "test_labels", len(test), where)
    classes = classes_of(parts.get("classes"), (train_labels, test_labels), where)
    made = Dataset(DataInfo(label, train.shape[1:], classes), train, train_labels, test, test_labels, source)
    return _checked(made, label)


def _parts(made: object, label: str) -> Mapping[str, Any]:
    if isinstance(made, tuple):
        if len(made) != 2:
            raise DataError(
                f"the function of dataset {label!r} returns a tuple of {len(made)}; one of two is (examples, "
                f"labels). Return a dict of {', '.join(_SPLIT)}."
            )
        return {"examples": made[0], "labels": made[1]}
    if not isinstance(made, Mapping):
        if made is None:
            raise DataError(f"the function of dataset {label!r} returns nothing. End it with `return`.")
        return {"examples": made}
    allowed = _WHOLE if "examples" in made else _SPLIT
    for key in made:
        if key not in allowed:
            raise DataError(
                f"the function of dataset {label!r} returns a dict: " + choose_from("key", str(key), allowed)
            )
    if "examples" not in made and not {"train", "test"} <= made.keys():
        raise DataError(
            f"the function of dataset {label!r} returns a dict of {', '.join(map(str, made)) or 'nothing'}: "
            "it needs `examples`, or `train` and `test`."
        )
    return made


def _labels(parts: Mapping[str, Any], key: str, n: int, where: str) -> NDArray[np.int64]:
    given = parts.get(key)
    return _NONE if given is None else labels_of(given, n, f"`{key}` of {where}")


def _checked(made: Dataset, label: str) -> Dataset:
    """The same under its label, if its parts fit each other."""
    where = f"dataset {label!r}"
    train = examples_of(made.train_examples, f"`train` of {where}")
    test = examples_of(made.test_examples, f"`test` of {where}")
    if train.shape[1:] != test.shape[1:] or made.info.shape != train.shape[1:]:
        raise DataError(
            f"training examples of {where} have the shape {train.shape[1:]}, test examples {test.shape[1:]}, "
            f"and its description says {made.info.shape}. They must be the same."
        )
    if bool(len(made.train_labels)) != bool(len(made.test_labels)):
        raise DataError(f"one split of {where} has labels and the other none. Give both, or neither.")
    if len(made.train_labels):
        labels_of(made.train_labels, len(train), f"`train_labels` of {where}")
        labels_of(made.test_labels, len(test), f"`test_labels` of {where}")
    classes_of(made.info.classes, (made.train_labels, made.test_labels), where)
    return replace(made, info=replace(made.info, name=label), train_examples=train, test_examples=test)


def _source(name: str, function: Callable[..., Any]) -> type:
    """A dataclass whose fields are the function's parameters."""
    told = f"{function.__qualname__}() of dataset {name!r}"
    try:
        types = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise PluginError(f"a type in the parameters of {told} is not known: {error}.") from error
    options: list[tuple[str, Any, Any]] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise PluginError(f"{told} takes {parameter}: its parameters are options, each with a name.")
        if parameter.name not in types or parameter.default is parameter.empty:
            raise PluginError(
                f"the parameter {parameter.name} of {told} is an option of [[dataset]], and needs a type and "
                f"a default: write `{parameter.name}: int = 0`."
            )
        if parameter.name in ("label", "load", "locate", "name", "fallback"):
            raise PluginError(
                f"the parameter {parameter.name} of {told} cannot be an option: `{parameter.name}` means "
                "something else in [[dataset]]. Call it something else."
            )
        options.append((parameter.name, types[parameter.name], field(default=parameter.default)))
    where = f"made on the spot by {function.__name__}()"

    def load(self: Any) -> Dataset:
        """Call the function, and check and split what it returns."""
        check_label(name, self.label)
        return dataset_of(
            function(**{option: getattr(self, option) for option, *_ in options}), self.label, where
        )

    def locate(self: Any) -> str:  # noqa: ARG001 - as every dataset has it
        """Nowhere: it is made."""
        return where

    try:
        source = make_dataclass(
            function.__name__,
            [*options, ("label", str, field(default=name))],
            frozen=True,
            kw_only=True,
            namespace={"load": load, "locate": locate},
        )
    except (TypeError, ValueError) as error:  # a list as a default
        raise PluginError(f"the parameters of {told} cannot be options: {error}. Use a tuple.") from error
    source.__module__, source.__qualname__ = function.__module__, function.__qualname__
    source.__doc__ = inspect.getdoc(function) or where
    return source
