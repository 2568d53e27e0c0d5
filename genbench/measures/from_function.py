"""A metric from a function: it is given what its parameters are named after, and its number is a measure."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from numbers import Real
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from genbench.core.errors import PluginError, choose_from
from genbench.core.record import Better, Column, group_of
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Reading
from genbench.measures.stamp import data_hash

Function = TypeVar("Function", bound=Callable[..., Any])

_GIVEN: Mapping[str, Callable[[Evidence], Tensor]] = {
    "samples": lambda evidence: _numbers(evidence.samples[: len(evidence.samples)]),
    "reference": lambda evidence: _numbers(torch.from_numpy(evidence.reference.dataset.test_examples)),
    "sample_features": lambda evidence: evidence.features.values.clone(),
    "reference_features": lambda evidence: evidence.reference.features.values.clone(),
}
_REAL, _FEATURES = {"reference", "reference_features"}, {"sample_features", "reference_features"}

_OTHERS = {"cost": "every run", "target": "[target] of a suite", "trial": "every run", "mode_share": "modes"}
"""Families that belong to no measure of that name, and whose they are."""


def metric(
    name: str,
    *,
    better: Literal["higher", "lower", "neither"],
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    meaning: str = "",
    version: str = "1",
) -> Callable[[Function], Function]:
    """Decorate a function to be a metric, and a measure of the same name for ``measures`` of suites.

    It is taken of every trained model, of the control rows and, with ``evaluate_every``, on the way. By the
    names of its parameters it asks for

    - ``samples``: what the model made, images (N, C, H, W) in [0, 1] or points (N, D);
    - ``reference``: the test examples, in the same form;
    - ``sample_features``, ``reference_features``: features (N, D) of both, by the data's extractor;

    tensors of float32 on the CPU, its own to change; parameters with a default keep it. It asks for one of
    ``samples`` and ``sample_features`` at least, and returns one number. NaN or infinity becomes a dash, and
    so does a ``ValueError``, whose message is the reason; any other exception is a failure that costs this
    number only.

    Args:
        name: dotted, ``family.name``: the family is the table that the number stands in, and may not be one
            of genbench's own.
        better: which way it is good; ``neither`` is never ranked.
        unit: empty for pure numbers.
        low: lower end of its range, where it has one.
        high: upper end.
        meaning: one line for people; by default the first line of the function's docstring.
        version: goes up whenever the same input gives another number.

    Raises:
        PluginError: the name is taken or not dotted, or the function asks for something else.
    """

    def bind(function: Function) -> Function:
        _check_name(name, function)
        if better not in list(Better):
            raise PluginError(f"metric {name!r}: better: {choose_from('direction', str(better), Better)}")
        if low is not None and high is not None and low > high:
            raise PluginError(f"metric {name!r} has an empty range: low is {low:g} and high {high:g}.")
        said = meaning or (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        column = Column(name, unit, Better(better), str(version), said, low, high)
        measures.register(name)(_measure(column, function))
        return function

    return bind


def _check_name(name: str, function: Callable[..., Any]) -> None:
    told = f"{function.__qualname__}() in {function.__module__}"
    if not re.fullmatch(r"[A-Za-z]\w*\.[A-Za-z]\w*", str(name), re.ASCII):
        raise PluginError(
            f"the metric {name!r}, {told}, needs a name of two parts, letters, digits and underscores, such "
            "as 'mine.sharpness': the first is the table that it stands in."
        )
    family = group_of(name)
    if measures.is_builtin(family) or family in _OTHERS:
        owner = measures.origin(family) if measures.is_builtin(family) else _OTHERS[family]
        raise PluginError(
            f"the metric {name!r}, {told}, is in the family {family!r}, which is genbench's own ({owner}). "
            f"Take a family of your own, such as 'my_{family}.{name.partition('.')[2]}'."
        )


def _asked(name: str, function: Callable[..., Any]) -> tuple[str, ...]:
    """Which of the things that can be given it asks for."""
    asked = []
    for parameter in inspect.signature(function).parameters.values():
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if named and parameter.name in _GIVEN:
            asked.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise PluginError(
                f"metric {name!r}: {function.__qualname__}() asks for {parameter}: "
                f"{choose_from('parameter', str(parameter), _GIVEN)}"
            )
    if not {"samples", "sample_features"} & set(asked):
        raise PluginError(
            f"metric {name!r}: {function.__qualname__}() asks for nothing that a model made. Give it the "
            "parameter samples or sample_features."
        )
    return tuple(asked)


def _measure(column: Column, function: Callable[..., Any]) -> type:
    asked = _asked(column.metric, function)

    class FromFunction:
        columns: ClassVar[tuple[Column, ...]] = (column,)
        per_cohort: ClassVar[bool] = False
        featureless: ClassVar[bool] = not _FEATURES & set(asked)

        def __call__(self, evidence: Evidence) -> Iterator[Reading]:
            yield _reading(column, function, asked, evidence)

    FromFunction.__module__, FromFunction.__qualname__ = function.__module__, function.__qualname__
    FromFunction.__doc__ = inspect.getdoc(function) or column.meaning
    FromFunction.__name__ = column.metric  # what a run calls a measure that fails
    return FromFunction


def _reading(
    column: Column, function: Callable[..., Any], asked: tuple[str, ...], evidence: Evidence
) -> Reading:
    reference, given = evidence.reference, {name: _GIVEN[name](evidence) for name in asked}
    stamp: dict[str, str | int | float | bool] = {"n_fake": len(evidence.samples)}
    versions = {"metric": column.version, "data": data_hash(reference.dataset)}
    if _REAL & set(asked):
        stamp |= {"n_real": len(reference.dataset.test_examples), "reference": "test"}
    if _FEATURES & set(asked):
        stamp["extractor"] = reference.extractor.id
        versions["features"] = reference.extractor.hash
    value: float | None = None
    try:
        value = _number(column.metric, function(**given))
        reason = "" if math.isfinite(value) else f"{column.metric} is {value} for these samples."
    except ValueError as refused:
        reason = f"{str(refused).rstrip('.') or 'It cannot be computed for these samples'}."
    return Reading(
        column,
        None if reason else value,
        n=0 if reason else len(evidence.samples),
        reason=reason,
        versions=versions,
        protocol=stamp,
    )


def _number(name: str, made: object) -> float:
    if getattr(made, "size", None) == 1 or (isinstance(made, Tensor) and made.numel() == 1):
        made = made.item()  # type: ignore[attr-defined]  # of an array or a tensor
    if not isinstance(made, Real):
        shape = f" of shape {tuple(made.shape)}" if hasattr(made, "shape") else ""
        raise TypeError(f"{name} returned {type(made).__name__}{shape}, expected one number")
    return float(made)


def _numbers(examples: Tensor) -> Tensor:
    """Images in [0, 1], points as they are; a copy in any case, for nobody else may see it changed."""
    numbers = examples.to(torch.float32, copy=True)
    return numbers.div_(255) if examples.dtype == torch.uint8 else numbers
