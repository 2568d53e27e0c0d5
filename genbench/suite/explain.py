"""Validation errors as a person reads them: key path, what is wrong, the value, the nearest valid name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from genbench.core.errors import choose_from

LONGEST_VALUE = 60


def key_path(location: Iterable[str | int]) -> str:
    """("model", 1, "latent") as a person writes it: ``model[1].latent``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def explain(
    error: ValidationError, *, prefix: str = "", keys: Callable[[str], Iterable[str]] = lambda _: ()
) -> str:
    """All problems in one paragraph, each with its key path.

    Args:
        error: from pydantic.
        prefix: key path of what was validated.
        keys: the valid keys of a table, by the name of the table ("" for the outermost).
    """
    problems: list[str] = []
    seen: set[str] = set()
    for item in error.errors():
        # parts with brackets or braces name a branch of a union, not a key
        parts = [p for p in item["loc"] if isinstance(p, int) or not _is_branch(p)]
        path = key_path([*([prefix] if prefix else []), *parts])
        if path in seen:
            continue  # the other branches of a union say the same of the same key
        seen.add(path)
        if item["type"] == "extra_forbidden":
            table = str(parts[-2]) if len(parts) > 1 else ""
            problems.append(f"{path}: " + choose_from("key", str(parts[-1]), keys(table)))
        elif item["type"] == "missing":
            problems.append(f"{path} is missing")
        else:
            problems.append(f"{path or 'the suite'}: {_message(item['msg'])}{_value(item.get('input'))}")
    return "; ".join(problem.removesuffix(".") for problem in problems) + "."


def _is_branch(part: str) -> bool:
    return "[" in part or "(" in part or part in {"int", "constrained-int", "tuple", "literal", "str"}


def _message(text: str) -> str:
    text = text.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _value(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return ""
    text = repr(value)
    return f" (got {text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + '...'})"
