"""What ``genbench check`` is pointed at: a registered name, or a Python file and what it registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genbench.core.errors import PluginError, UnknownName, choose_from
from genbench.core.registry import Registry, datasets, load_plugin, measures, models
from genbench.runner.check.blame import raised
from genbench.runner.check.finding import Finding

Kind = Literal["model", "dataset", "measure"]

REGISTRIES: Mapping[Kind, Registry[type]] = {"model": models, "dataset": datasets, "measure": measures}


@dataclass(frozen=True, slots=True)
class Target:
    """One registered thing.

    Attributes:
        kind: of which registry.
        name: in it.
        origin: the module, package or file that it comes from, for people.
    """

    kind: Kind
    name: str
    origin: str


def is_file(what: str) -> bool:
    """Whether a person means a file and not a registered name."""
    return what.endswith(".py") or Path(what).name != what or Path(what).is_file()


def resolve(what: str) -> list[Target]:
    """What a name or a file stands for. A file is run.

    Raises:
        PluginError: there is no such file, running it fails (the message has the line), or it registers
            nothing.
        UnknownName: nothing is registered under that name.
    """
    if is_file(what):
        return _registered_by(Path(what))
    found = [
        Target(kind, what, registry.origin(what))
        for kind, registry in REGISTRIES.items()
        if what in registry.names()
    ]
    if not found:
        every = {name for registry in REGISTRIES.values() for name in registry.names()}
        raise UnknownName(
            f"{choose_from('model, dataset or measure', what, every)} Or give the path of a Python file."
        )
    return found


def findings(target: Target, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Run the checks of its kind, one finding after the other.

    Args:
        target: from ``resolve``.
        options: as its table in a suite has them.
    """
    match target.kind:
        case "model":
            from genbench.runner.check.model import check_model

            return check_model(target.name, options)
        case "dataset":
            from genbench.runner.check.dataset import check_dataset

            return check_dataset(target.name, options)
        case "measure":
            from genbench.runner.check.metric import check_measure

            return check_measure(target.name, options)


def _registered_by(path: Path) -> list[Target]:
    try:
        load_plugin(path)
    except PluginError as error:
        if error.__cause__ is None:
            raise
        raise PluginError(f"{path} cannot be run: {raised(error.__cause__, path)}. Mend the file.") from error
    targets = [
        Target(kind, name, str(path))
        for kind, registry in REGISTRIES.items()
        for name in registry.names()
        if _from(registry.origin(name), path)
    ]
    if not targets:
        raise PluginError(
            f'{path} registers nothing: write `@models.register("NAME")` above the class of a model, and '
            "likewise `datasets` or `measures`, all from genbench.core.registry. `genbench new model NAME` "
            "writes a file that does."
        )
    return targets


def _from(origin: str, path: Path) -> bool:
    file = origin.removeprefix("plugin ")
    return file != origin and Path(file).resolve() == path.resolve()
