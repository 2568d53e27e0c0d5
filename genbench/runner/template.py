"""``genbench new``: a small commented file of one's own to start from, with its test."""

from __future__ import annotations

import itertools
import keyword
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from importlib.resources import files
from pathlib import Path
from typing import Literal

from genbench.core.errors import GenbenchError, OutputError
from genbench.core.registry import Registry, datasets, measures, models
from genbench.store.atomic import write_bytes

Kind = Literal["model", "dataset", "metric"]

NAME, CLASS = "__NAME__", "__CLASS__"
"""What a template has in place of the name: as it is registered, and as its class is called."""

TEMPLATES: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    "model": (
        ("model.py.txt", "{name}.py"),
        ("test_model.py.txt", "test_{name}.py"),
        ("model.toml.txt", "{name}.toml"),
    ),
    "dataset": (("dataset.py.txt", "{name}.py"), ("test_dataset.py.txt", "test_{name}.py")),
    "metric": (("metric.py.txt", "{name}.py"), ("test_metric.py.txt", "test_{name}.py")),
}
"""Of each kind, the templates in ``genbench/runner/templates`` and the files they become."""

REGISTRIES: Mapping[Kind, Registry[type]] = {"model": models, "dataset": datasets, "metric": measures}
"""Where a file of each kind registers its class: a metric comes with the measure that shows it."""


def write_new(kind: Kind, name: str, folder: Path) -> list[Path]:
    """Write the files of one kind.

    Args:
        kind: of what.
        name: under which it registers itself; also that of its file.
        folder: where to; made if need be.

    Returns:
        What was written, the file itself first.

    Raises:
        GenbenchError: the name is taken or cannot be a module's name.
        OutputError: one of the files is there already, and then none is written; or the folder cannot be
            written to.
    """
    _check_name(kind, name)
    templates = files("genbench.runner") / "templates"
    texts = {
        folder / target.format(name=name): (templates / source).read_text("utf-8")
        for source, target in TEMPLATES[kind]
    }
    if there := [str(path) for path in texts if path.exists()]:
        verb = "is" if len(there) == 1 else "are"
        raise OutputError(
            f"{' and '.join(there)} {verb} there already, and nothing was written. Take another name, or "
            "another folder with -o."
        )
    for path, text in texts.items():
        filled = text.replace(NAME, name).replace(CLASS, class_name(name))
        write_bytes(path, filled.encode())
    return list(texts)


def class_name(name: str) -> str:
    """``my_gan`` as a class is called: ``MyGan``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name


def _check_name(kind: Kind, name: str) -> None:
    if not name.isascii() or not name.isidentifier() or keyword.iskeyword(name) or name != name.strip("_"):
        raise GenbenchError(
            f"{name!r} cannot be the name of a {kind}: it becomes that of a Python module. Use letters, "
            f"digits and underscores, beginning with a letter: {_free(kind, _mended(kind, name))}."
        )
    if _is_module(name):
        raise GenbenchError(
            f"a file {name}.py would hide the module {name!r}, which is installed, from what is run beside "
            f"it. Take another name: {_free(kind, name)}."
        )
    if name in REGISTRIES[kind].names():
        raise GenbenchError(
            f"a {REGISTRIES[kind].kind} {name!r} is registered already, by {REGISTRIES[kind].origin(name)}. "
            f"Take another name: {_free(kind, name)}."
        )


def _mended(kind: Kind, name: str) -> str:
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name).strip("_")
    return (
        letters.lower() if letters[:1].isalpha() else f"my_{letters}".strip("_") if letters else f"my_{kind}"
    )


def _free(kind: Kind, name: str) -> str:
    """The nearest name that nothing has."""
    taken = {*REGISTRIES[kind].names(), *keyword.kwlist}
    candidates = itertools.chain(
        (name, f"my_{name}"), (f"my_{name}_{number}" for number in itertools.count(2))
    )
    return next(each for each in candidates if each not in taken and not _is_module(each))


def _is_module(name: str) -> bool:
    """Whether ``import name`` finds something installed; a file of the working folder does not count."""
    elsewhere = [entry for entry in sys.path if entry and Path(entry).resolve() != Path.cwd()]
    return name in sys.stdlib_module_names or PathFinder.find_spec(name, elsewhere) is not None
