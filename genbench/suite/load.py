"""From a TOML file to a suite; every mistake in it is one sentence with its place."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genbench.core.bounded import MIB, read_text
from genbench.core.errors import SuiteError, UnknownName, choose_from
from genbench.core.registry import datasets, measures, models
from genbench.suite.explain import explain
from genbench.suite.schema import Gate, Given, Strict, Suite, Target, Train

SUITES = Path("suites")
_MOST_BYTES = MIB // 4  # a hundred times the longest suite
_MOST_DOTS = 256  # in a line: what a dotted key takes grows with the square of its parts
_DEEPEST = 16
_LARGEST_WHOLE = 2**63  # what TOML asks of a reader


def load_suite(
    path: str | Path,
    *,
    set_: Sequence[str] = (),
    only: Sequence[str] = (),
    seeds: int | None = None,
    quick: bool = False,
) -> Suite:
    """Read and check a suite. Names are checked here, options of models when the plan is made.

    Args:
        path: the TOML file.
        set_: changes as on the command line: ``train.steps=500``, ``model.gan.latent=64``.
        only: labels of the models to keep; all if empty.
        seeds: number of seeds instead of the suite's.
        quick: shorten the suite, so that it ends within a minute or so, and mark its numbers. What ``set_``
            or ``seeds`` asks for stays as asked.

    Raises:
        SuiteError: the file is missing, is not TOML, or says something impossible.
        UnknownName: a model, dataset or measure that nothing is registered under.
    """
    path = Path(path)
    text = _read(path)
    tables = _parse(path, text)
    given = Given(tuple(set_), tuple(only), seeds, quick)
    changes = [*set_, *([f"seeds={seeds}"] if seeds is not None else [])]
    for change in changes:
        _set(tables, change)
    try:
        suite = Suite.model_validate(tables).from_text(text, given)
    except ValidationError as error:
        raise SuiteError(f"{path}: {explain(error, tables, keys=_keys)}") from error
    _check_names(suite, path)
    if only:
        labels = [model.label for model in suite.model]
        for label in only:
            if label not in labels:
                raise SuiteError(f"--model {label}: " + choose_from("model of this suite", label, labels))
        suite = suite.model_copy(update={"model": tuple(m for m in suite.model if m.label in only)})
    return suite.shortened({change.partition("=")[0].strip() for change in changes}) if quick else suite


def _keys(table: str) -> list[str]:
    tables: dict[str, type[Strict]] = {"train": Train, "target": Target, "gate": Gate}
    schema = tables.get(table, Suite)
    return sorted(schema.model_fields)


def _read(path: Path) -> str:
    try:
        return read_text(path, _MOST_BYTES)
    except FileNotFoundError:
        near = sorted(str(p) for p in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        near = near or sorted(str(p) for p in SUITES.glob("*.toml"))
        there = (
            f" There is {', '.join(near)}."
            if near
            else " Suites ship in the folder suites/ of genbench's repository."
        )
        raise SuiteError(f"no suite file at {path}.{there}") from None
    except OSError as error:
        raise SuiteError(
            f"cannot read suite {path}: {error.strerror}. Give the path of a TOML file."
        ) from error
    except UnicodeDecodeError as error:
        raise SuiteError(
            f"cannot read suite {path}: byte {error.start} is not UTF-8 text. Save the file as UTF-8."
        ) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > _MOST_DOTS:
            raise SuiteError(f"{path}, line {number}: more than {_MOST_DOTS} dots. Break the line up.")
    try:
        tables = tomllib.loads(text)
        _check_plain(tables)
    except RecursionError:
        raise SuiteError(f"{path} nests tables or lists too deeply.") from None
    except ValueError as error:  # of numbers with thousands of digits too
        raise SuiteError(f"{path} is not valid TOML: {str(error).rstrip('.')}.") from error
    return tables


def _check_plain(value: object, depth: int = 0) -> None:
    """Refuse what is TOML and yet cannot be said again: such numbers break whoever prints them.

    Raises:
        ValueError: a whole number of more than 64 bits, or tables within tables beyond all use.
    """
    if isinstance(value, int) and not -_LARGEST_WHOLE <= value < _LARGEST_WHOLE:
        raise ValueError("it has a whole number of more than 64 bits")
    if depth > _DEEPEST:
        raise ValueError(f"tables or lists lie more than {_DEEPEST} deep")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_plain(inner, depth + 1)


def _check_names(suite: Suite, path: Path) -> None:
    named = [
        *((models, f"model[{i}].name", entry.name) for i, entry in enumerate(suite.model)),
        *((datasets, f"dataset[{i}].name", entry.name) for i, entry in enumerate(suite.dataset)),
        *(
            (datasets, f"dataset[{i}].fallback", e.fallback)
            for i, e in enumerate(suite.dataset)
            if e.fallback
        ),
        *((measures, f"measures[{i}]", name) for i, name in enumerate(suite.measures)),
    ]
    known = {kind: frozenset(kind.names()) for kind in (models, datasets, measures)}  # to look takes a while
    for registry, where, name in named:
        if name not in known[registry]:
            try:
                registry.check(name)
            except UnknownName as error:
                raise UnknownName(f"{path}: {where}: {error}") from None


def _set(tables: dict[str, Any], change: str) -> None:
    """Apply one ``key.path=value``; within ``model`` and ``dataset`` the second part is a label or name."""
    key, equals, text = change.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise SuiteError(
            f"--set {change}: expected key=value, such as train.steps=500 or model.gan.latent=64."
        )
    table: Any = tables
    if parts[0] in ("model", "dataset") and len(parts) > 1:
        table, parts = _entry(tables, change, key.strip())
    for part in parts[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise SuiteError(f"--set {change}: {part} is a value, not a table.")
    table[parts[-1]] = toml_value(text.strip())


def _entry(tables: dict[str, Any], change: str, key: str) -> tuple[dict[str, Any], list[str]]:
    """The ``[[model]]`` or ``[[dataset]]`` that ``model.LABEL.option`` means, and the parts of the option."""
    kind = key.partition(".")[0]
    entries = tables.get(kind)
    entries = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    names = [str(e.get("label", e.get("name"))) for e in entries]
    if key.removeprefix(f"{kind}.") in names:
        raise SuiteError(f"--set {change}: expected an option of it too, such as {key}.OPTION=VALUE.")
    # a label may itself contain dots: take the longest that fits
    fits = [n for n in names if key.startswith(f"{kind}.{n}.")]
    if not fits:
        raise SuiteError(f"--set {change}: " + choose_from(kind, key.split(".")[1], names))
    label = max(fits, key=len)
    return entries[names.index(label)], key.removeprefix(f"{kind}.{label}.").split(".")


def toml_value(text: str) -> Any:
    """A TOML value; text that is none stands for itself: ``train.precision=float32`` needs no quotes."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
        _check_plain(value)
    except (ValueError, RecursionError):
        return text
    return value
