"""What ``genbench check`` is pointed at: a registered name, or a Python file and what it registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genbench.core.errors import PluginError, SuiteError, UnknownName, choose_from
from genbench.core.registry import Registry, datasets, load_plugin, measures, models
from genbench.runner.check.blame import raised
from genbench.runner.check.finding import Finding, Outcome
from genbench.suite.load import toml_value

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


def problems(what: str | Path, options: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with a registered thing, or with what a file registers: for tests. A file is run.

    Args:
        what: a name or a file.
        options: as its table in a suite has them.

    Returns:
        A sentence or two for each check that failed; empty where all hold.

    Raises:
        PluginError, UnknownName: as ``resolve``.
    """
    return [
        f"{target.name}: {finding.check}: {finding.words}. {finding.remedy}"
        for target in resolve(str(what))
        for finding in findings(target, options or {})
        if finding.outcome is Outcome.FAILED
    ]


def options_of(changes: Sequence[str]) -> dict[str, Any]:
    """``latent=8``, ``generator.hidden=[64]`` as a table of a suite.

    Raises:
        SuiteError: one of them is no ``key=value``.
    """
    options: dict[str, Any] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        *tables, last = key.strip().split(".")
        table = options
        for part in tables:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise SuiteError(f"--set {change}: {part} is a value, not a table.")
        if not equals or not all((*tables, last)):
            raise SuiteError(f"--set {change}: expected option=value, such as latent=8.")
        table[last] = toml_value(text.strip())
    return options


def findings(target: Target, options: Mapping[str, Any], *, compile_: bool = False) -> Iterator[Finding]:
    """Run the checks of its kind, one finding after the other.

    Args:
        target: from ``resolve``.
        options: as its table in a suite has them.
        compile_: whether a model is compiled too, which takes a minute or so.
    """
    match target.kind:
        case "model":
            from genbench.runner.check.model import check_model

            return check_model(target.name, options, compile_=compile_)
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
