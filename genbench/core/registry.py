"""Registries: names to models, datasets and measures, imported only when asked for.

A built-in name is bound to the module that registers it, so that listing names or checking a suite's
spelling imports nothing heavy. Other packages add names by entry points, a single file by ``--plugin``.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from genbench.core.errors import GenbenchWarning, PluginError, UnknownName, choose_from
from genbench.core.ids import PLAIN_NAME, bytes_hash, is_plain_name

T = TypeVar("T")
Registered = TypeVar("Registered")

_loading: ContextVar[str | None] = ContextVar("_loading", default=None)


@contextlib.contextmanager
def _running(origin: str) -> Iterator[None]:
    """While foreign code runs: what it registers is from ``origin``.

    What it prints goes to standard error, for standard output may be read by a program.
    """
    token = _loading.set(origin)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _loading.reset(token)


class Registry(Generic[T]):
    """Names of one kind of thing.

    Args:
        kind: what the names stand for, as errors say it ("model").
        group: the entry point group in which other packages announce theirs ("genbench.models").
        builtin: name to the module whose import registers it.
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._builtin = dict(builtin)
        self._things: dict[str, T] = {}
        self._origins: dict[str, str] = {}

    def register(self, name: str) -> Callable[[Registered], Registered]:
        """Decorate a thing to be found under ``name``.

        Raises:
            PluginError: the name is not a plain one, or something else is registered under it; the message
                names both origins.
        """
        if not isinstance(name, str) or not is_plain_name(name):
            where = f"{_loading.get()}: " if _loading.get() else ""
            raise PluginError(f"{where}{name!r} cannot be the name of a {self.kind}: use {PLAIN_NAME}.")

        def bind(thing: Registered) -> Registered:
            origin = self._origin_of(name, thing)
            taken = self._taken(name, origin)
            if taken is not None and taken != origin:
                raise PluginError(
                    f"two things call themselves {self.kind} {name!r}: {taken} and {origin}. "
                    "Rename one of them, or leave one plugin out."
                )
            old = self._things.get(name)
            # a module that is imported again (a notebook's cell, a reload) brings its own things anew
            if old is not None and (_loading.get() == origin or _called(old) != _called(thing)):
                raise PluginError(
                    f"{origin} registers two things as {self.kind} {name!r}: {_called(old)} and "
                    f"{_called(thing)}. Rename one of them."
                )
            self._things[name] = thing  # type: ignore[assignment]
            self._origins[name] = origin
            return thing

        return bind

    def names(self) -> list[str]:
        """Every name that can be asked for, sorted. Imports nothing."""
        return sorted({*self._builtin, *self._things, *self._entry_points()})

    def origin(self, name: str) -> str:
        """Where ``name`` comes from: a module, an installed package, or a plugin file."""
        if name in self._origins:
            return self._origins[name]
        if name in self._builtin:
            return self._builtin[name]
        if name in (points := self._entry_points()):
            return " and ".join(map(_package, points[name]))
        raise UnknownName(choose_from(self.kind, name, self.names()))

    def is_builtin(self, name: str) -> bool:
        """Whether genbench itself has it."""
        return name in self._builtin

    def is_found_elsewhere(self, name: str) -> bool:
        """Whether another process finds the same under this name, given the same plugin files.

        What a script or a notebook has registered is in its own process only.
        """
        known = self._origins.get(name, "").startswith("plugin ") or name in self._builtin
        return known or name in self._entry_points()

    def check(self, name: str) -> None:
        """Raise ``UnknownName`` with the nearest match unless ``name`` can be asked for."""
        if name not in self.names():
            raise UnknownName(choose_from(self.kind, name, self.names()))

    def get(self, name: str) -> T:
        """The thing under ``name``, imported on first use.

        Raises:
            UnknownName: nothing has that name; the message has the nearest match and all valid ones.
            PluginError: the package that announces the name fails to import or does not register it, or two
                packages announce it.

        Warns:
            GenbenchWarning: a package announces the name of something that genbench itself has, which stays.
        """
        self.check(name)
        if name not in self._things:
            announced = self._entry_points().get(name, ())
            if name not in self._builtin:
                self._load_entry_point(name, announced)
            else:
                importlib.import_module(self._builtin[name])
                if announced:
                    warnings.warn(
                        f"{self.kind} {name!r} is genbench's own, {self._builtin[name]}; what "
                        f"{' and '.join(map(_package, announced))} announces under that name is left out.",
                        GenbenchWarning,
                        stacklevel=2,
                    )
        return self._things[name]

    def _origin_of(self, name: str, thing: object) -> str:
        module = str(getattr(thing, "__module__", "unknown"))
        # a plugin that builds on one of genbench's own modules may be the first to import it
        if module == self._builtin.get(name):
            return module
        for point in self._entry_points().get(name, ()):  # its package may have been imported by hand
            if point.module.partition(".")[0] == module.partition(".")[0]:
                return _package(point)
        return _loading.get() or module

    def _taken(self, name: str, origin: str) -> str | None:
        """What has the name already, or is announced to have it."""
        if name in self._origins:
            return self._origins[name]
        if name in self._builtin:
            return self._builtin[name]
        announced = [_package(point) for point in self._entry_points().get(name, ())]
        return None if not announced or origin in announced else announced[0]

    def _entry_points(self) -> dict[str, tuple[importlib.metadata.EntryPoint, ...]]:
        """What installed packages announce, by name; of one name more than one where they disagree."""
        points: dict[str, dict[tuple[str, str], importlib.metadata.EntryPoint]] = {}
        for point in importlib.metadata.entry_points(group=self.group):
            points.setdefault(point.name, {}).setdefault((_package(point), point.value), point)
        return {name: tuple(found.values()) for name, found in points.items()}

    def _load_entry_point(self, name: str, points: tuple[importlib.metadata.EntryPoint, ...]) -> None:
        if len(points) > 1:
            both = " and ".join(f"{_package(point)} ({point.value})" for point in points)
            raise PluginError(
                f"two things call themselves {self.kind} {name!r}: {both}. Uninstall one of the packages."
            )
        (point,) = points
        origin = _package(point)
        what = f"{self.kind} {name!r} is announced by {origin} as {point.value}"
        try:
            with _running(origin):
                thing: T = point.load()
        except PluginError:
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{what}, which fails to import: {_said(error)}. Update or uninstall that package."
            ) from error
        if name not in self._things:
            if not isinstance(thing, type):
                raise PluginError(
                    f"{what}, which neither is a class nor registers anything under that name: the entry "
                    "point and what is registered must have the same name. Mend or uninstall that package."
                )
            self._things[name] = thing
            self._origins[name] = origin

    def _forget(self, origin: str) -> None:
        for name in [name for name, of in self._origins.items() if of == origin]:
            del self._things[name], self._origins[name]


def load_plugin(path: str | Path) -> ModuleType:
    """Run a Python file so that what it registers can be used. This executes the file's code.

    Given twice it is run once. If it fails, nothing stays registered of it.

    Returns:
        The module, with all that the file defines.

    Raises:
        PluginError: there is no such file, or running it fails.
    """
    path = Path(path)
    if path.is_dir():
        raise PluginError(
            f"the plugin {path} is a folder. Give --plugin a Python file; a package of several files is "
            "installed, and found by its entry points."
        )
    if not path.is_file():
        raise PluginError(f"no plugin file at {path}. Give --plugin the path of a Python file.")
    name = f"genbench_plugin_{bytes_hash(str(path.resolve()).encode())}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while they are made
    origin = f"plugin {path}"
    try:
        with _running(origin):
            spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        for registry in (models, datasets, measures):
            registry._forget(origin)
        if isinstance(error, PluginError) or not isinstance(error, Exception | SystemExit):
            raise
        raise PluginError(f"plugin {path} fails: {_said(error)}. Mend the file.") from error
    _plugins[path.absolute()] = bytes_hash(path.read_bytes())
    return module


def plugins() -> dict[str, str]:
    """The plugin files whose code was run in this process: their names, and the hash of what was in them."""
    return {path.name: content for path, content in _plugins.items()}


def plugin_files() -> list[Path]:
    """Where they are, in the order in which they were run."""
    return list(_plugins)


_plugins: dict[Path, str] = {}


def foreign_things() -> dict[str, object]:
    """Everything imported so far that other code than genbench has registered, by kind and name."""
    return {
        f"{registry.kind} {name}": thing
        for registry in (models, datasets, measures)
        for name, thing in sorted(registry._things.items())
        if not str(getattr(thing, "__module__", "")).startswith("genbench.")
    }


def _package(point: importlib.metadata.EntryPoint) -> str:
    """The package that announces it: the same for all that one package announces."""
    if point.dist is None:
        return f"entry point {point.value}"
    return f"package {point.dist.name} {point.dist.version}"


def _called(thing: object) -> str:
    return str(getattr(thing, "__qualname__", thing))


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it calls sys.exit({'' if error.code is None else repr(error.code)}) while it is imported"
    return f"{type(error).__name__}: {str(error).rstrip('.')}"


# The values are typed where they are defined (rooms above this one); here they are only names.
models: Registry[type] = Registry(
    "model",
    "genbench.models",
    {
        "gan": "genbench.models.gan",
        "ns_gan": "genbench.models.ns_gan",
        "wgan": "genbench.models.wgan",
        "vae": "genbench.models.vae",
    },
)
datasets: Registry[type] = Registry(
    "dataset",
    "genbench.datasets",
    {
        "mnist": "genbench.data.mnist",
        "digits": "genbench.data.digits",
        "stacked_mnist": "genbench.data.stacked",
        "stacked_digits": "genbench.data.stacked",
        "ring": "genbench.data.mixtures",
        "grid": "genbench.data.mixtures",
        "strokes": "genbench.data.strokes",
        "polygons": "genbench.data.polygons",
        "idx": "genbench.data.idx",
        "folder": "genbench.data.folder",
    },
)
measures: Registry[type] = Registry(
    "measure",
    "genbench.measures",
    {
        "throughput": "genbench.measures.throughput",
        "modes": "genbench.measures.modes",
        "known_modes": "genbench.measures.known_modes",
        "quality": "genbench.measures.quality",
        "memorization": "genbench.measures.memorization",
        "stability": "genbench.measures.stability",
        "dirac": "genbench.measures.dirac",
        "rotation": "genbench.measures.rotation",
        "interpretability": "genbench.measures.interpretability",
        "explainers": "genbench.measures.explainers",
        "literature": "genbench.measures.literature",
        "representation": "genbench.measures.representation",
    },
)
