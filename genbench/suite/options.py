"""Options of models and datasets: merged over their defaults, checked by their own dataclass."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from genbench.core.errors import SuiteError, choose_from, told_by
from genbench.suite.explain import explain


def build(kind: type, given: Mapping[str, Any], where: str) -> tuple[Any, dict[str, Any]]:
    """Make the thing and tell all its options, defaults included.

    A table is merged over the default's table, so ``generator.hidden = [256]`` changes only that; where it
    names another kind (``name = "sgd"`` over a default ``adam``), it replaces it.

    Args:
        kind: a dataclass whose fields are the options.
        given: the options as the suite has them.
        where: key path, for errors.

    Returns:
        The instance, and its options as plain data.

    Raises:
        SuiteError: an unknown option, a wrong type or an impossible value.
    """
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise SuiteError(
            f"{where}: what is registered there is not a dataclass, whose fields are the options."
        )
    try:
        adapter = _adapter(kind)
    except (PydanticUserError, NameError) as error:
        problem = str(error).partition("\n")[0].rstrip(".")
        raise SuiteError(
            f"{where}: the options of {kind.__name__} cannot be checked: {problem}. "
            "Give its fields types that TOML can write."
        ) from error
    try:
        defaults = adapter.dump_python(kind(), mode="json")
    except TypeError:
        defaults = None  # options without defaults: nothing to merge over
    except (Exception, SystemExit) as error:  # whatever a plugin's own checks raise
        raise SuiteError(
            f"{where}: {kind.__name__} cannot be made with its own defaults: {told_by(error)}. Mend its file."
        ) from error
    merged = dict(given) if defaults is None else _merge(defaults, given, where)
    _check_plain(merged, where)
    try:
        thing = adapter.validate_json(json.dumps(merged), strict=True)
    except ValidationError as error:
        raise SuiteError(explain(error, merged, prefix=where)) from error
    except (Exception, SystemExit) as error:
        raise SuiteError(f"{where}: {kind.__name__} refuses its options: {told_by(error)}.") from error
    return thing, adapter.dump_python(thing, mode="json")


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    """Made once for each kind: it takes longer than all else in reading a suite."""
    return TypeAdapter(kind)


def _merge(default: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    merged = dict(default)
    for key, value in given.items():
        path = f"{where}.{key}"
        if key not in default:
            raise SuiteError(f"{path}: {choose_from('option', key, default)}")
        old = default[key]
        if isinstance(old, dict) and isinstance(value, Mapping):
            another = "name" in old and value.get("name", old["name"]) != old["name"]
            merged[key] = dict(value) if another else _merge(old, value, path)
        else:
            merged[key] = value
    return merged


def _check_plain(value: object, where: str) -> None:
    """TOML knows infinities and dates; no option is one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_plain(inner, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _check_plain(inner, f"{where}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise SuiteError(f"{where}: {value} is not a finite number.")
    elif not isinstance(value, bool | int | float | str | None):
        raise SuiteError(f"{where}: {value} ({type(value).__name__}) cannot be an option.")
