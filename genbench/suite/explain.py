"""Validation errors as a person reads them: key path, what is wrong, the value, the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from genbench.core.errors import choose_from

LONGEST_VALUE = 60

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a table",
    "dict_type": "a table",
    "dataclass_type": "a table",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "literal_error": "{expected}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
"""What the schema wants instead, by the type of error; pydantic's own words name Python's types."""


def key_path(location: Iterable[str | int]) -> str:
    """("model", 1, "latent") as a person writes it: ``model[1].latent``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def explain(
    error: ValidationError,
    data: Mapping[str, Any],
    *,
    prefix: str = "",
    keys: Callable[[str], Iterable[str]] = lambda _: (),
) -> str:
    """All problems in one paragraph, each with its key path.

    Args:
        error: from pydantic.
        data: what was validated.
        prefix: key path of the data.
        keys: the valid keys of a table, by the name of the table ("" for the outermost).
    """
    by_path: dict[str, list[ErrorDetails]] = {}
    for item in error.errors():
        parts = _keys_of(item["loc"], data)
        by_path.setdefault(key_path([*([prefix] if prefix else []), *parts]), []).append(item)
    # what is wrong inside a table or list says more than that the whole does not fit
    deepest = [path for path in by_path if not any(_inside(other, path) for other in by_path)]
    return "; ".join(_problem(path, by_path[path], keys).removesuffix(".") for path in deepest) + "."


def _problem(path: str, items: list[ErrorDetails], keys: Callable[[str], Iterable[str]]) -> str:
    """One sentence on one key; several items are the branches of a union, none of which fits."""
    first = items[0]
    context: Mapping[str, Any] = first.get("ctx") or {}
    match first["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            *table, key = first["loc"]
            named = [part for part in table if isinstance(part, str)]  # gate[0] is a table called gate
            valid = list(keys(named[-1] if named else ""))
            return f"{path}: " + (choose_from("key", str(key), valid) if valid else "no such key here")
        case "missing":
            return f"{path} is missing"
        case "union_tag_invalid":
            key = context["discriminator"].strip("'")
            valid = re.findall(r"'([^']*)'", context["expected_tags"])
            return f"{path}.{key}: {choose_from(key, str(context['tag']), valid)}"
    known = [_EXPECTED[i["type"]].format(**i.get("ctx") or {}) for i in items if i["type"] in _EXPECTED]
    said = f"expected {' or '.join(dict.fromkeys(known))}" if known else _message(first["msg"])
    return f"{path or 'the suite'}: {said}{_value(first.get('input'))}"


def _inside(path: str, outer: str) -> bool:
    return path != outer and (not outer or path.startswith((f"{outer}.", f"{outer}[")))


def _keys_of(location: tuple[int | str, ...], data: Any) -> list[int | str]:
    """The keys in a location; its other parts name branches of unions, where the data has no such key."""
    parts: list[int | str] = []
    for number, part in enumerate(location, start=1):
        if isinstance(part, str):
            if not isinstance(data, Mapping) or (part not in data and number < len(location)):
                continue
            data = data.get(part)
        else:
            data = data[part]
        parts.append(part)
    return parts


def _message(text: str) -> str:
    text = text.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ""
    text = repr(value)
    return f" (got {text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + '...'})"
