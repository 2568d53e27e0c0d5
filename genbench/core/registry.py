"""Registries: names to models, datasets and measures, imported only when asked for.

A built-in name is bound to the module that registers it, so that listing names or checking a suite's
spelling imports nothing heavy. Other packages add names by entry points, a single file by ``--plugin``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Generic, TypeVar

from genbench.core.errors import PluginError, UnknownName, choose_from
from genbench.core.ids import bytes_hash

T = TypeVar("T")
Registered = TypeVar("Registered")

_loading: ContextVar[str | None] = ContextVar("_loading", default=None)


@contextmanager
def _origin(text: str) -> Iterator[None]:
    token = _loading.set(text)
    try:
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
            PluginError: something else is registered under that name; the message names both origins.
        """

        def bind(thing: Registered) -> Registered:
            module = str(getattr(thing, "__module__", "unknown"))
            # a plugin that builds on one of genbench's own modules may be the first to import it
            origin = module if module == self._builtin.get(name) else _loading.get() or module
            taken = self._origins.get(name)
            if taken is None and name in self._builtin and origin != self._builtin[name]:
                taken = self._builtin[name]
            if taken is not None and taken != origin:
                raise PluginError(
                    f"two things call themselves {self.kind} {name!r}: {taken} and {origin}. "
                    "Rename one of them, or leave one plugin out."
                )
            self._things[name] = thing  # type: ignore[assignment]
            self._origins[name] = origin
            return thing

        return bind

    def names(self) -> list[str]:
        """Every name that can be asked for, sorted. Imports nothing."""
        return sorted({*self._builtin, *self._things, *self._entry_points()})

    def origin(self, name: str) -> str:
        """Where ``name`` comes from: a module, an entry point's package, or a plugin file."""
        if name in self._origins:
            return self._origins[name]
        if name in self._builtin:
            return self._builtin[name]
        if name in (points := self._entry_points()):
            return f"entry point {points[name].value}"
        raise UnknownName(choose_from(self.kind, name, self.names()))

    def check(self, name: str) -> None:
        """Raise ``UnknownName`` with the nearest match unless ``name`` can be asked for."""
        if name not in self.names():
            raise UnknownName(choose_from(self.kind, name, self.names()))

    def get(self, name: str) -> T:
        """The thing under ``name``, imported on first use.

        Raises:
            UnknownName: nothing has that name; the message has the nearest match and all valid ones.
            PluginError: the package that announces the name fails to import or does not register it.
        """
        self.check(name)
        if name not in self._things:
            if name in self._builtin:
                importlib.import_module(self._builtin[name])
            else:
                self._load_entry_point(name)
        return self._things[name]

    def _entry_points(self) -> dict[str, importlib.metadata.EntryPoint]:
        return {point.name: point for point in importlib.metadata.entry_points(group=self.group)}

    def _load_entry_point(self, name: str) -> None:
        point = self._entry_points()[name]
        origin = f"entry point {point.value}"
        try:
            with _origin(origin):
                thing: T = point.load()
        except Exception as error:
            raise PluginError(
                f"{self.kind} {name!r} is announced by {origin}, which fails to import: "
                f"{type(error).__name__}: {error}. Update or uninstall that package."
            ) from error
        self._things.setdefault(name, thing)
        self._origins.setdefault(name, origin)


def load_plugin(path: str | Path) -> None:
    """Run a Python file so that what it registers can be used. This executes the file's code.

    Raises:
        PluginError: there is no such file, or running it fails.
    """
    path = Path(path)
    if not path.is_file():
        raise PluginError(f"no plugin file at {path}. Give --plugin the path of a Python file.")
    name = f"genbench_plugin_{bytes_hash(str(path.resolve()).encode())}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while they are made
    try:
        with _origin(f"plugin {path}"):
            spec.loader.exec_module(module)
    except PluginError:
        del sys.modules[name]
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(f"plugin {path} fails: {type(error).__name__}: {error}. Mend the file.") from error


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
