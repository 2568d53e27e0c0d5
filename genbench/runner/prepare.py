"""Before training: the datasets a suite names, or their declared fallbacks, and the plan that follows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from genbench.core.errors import (
    DataUnavailable,
    GenbenchError,
    GenbenchWarning,
    PluginError,
    SuiteError,
    told_by,
)
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset, DatasetSource
from genbench.suite.options import build
from genbench.suite.plan import DataSpec
from genbench.suite.schema import DatasetEntry, Suite
from genbench.train.device import usual_arithmetic


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dataset that is really used.

    Attributes:
        data: the examples.
        spec: its name and content hash.
        asked: the name in the suite.
        banner: what to announce where a fallback stands in for what the suite asked for, else empty.
    """

    data: Dataset
    spec: DataSpec
    asked: str
    banner: str = ""

    @property
    def fallback(self) -> bool:
        """Whether this stands in for what the suite asked for."""
        return bool(self.banner)


def source_of(entry: DatasetEntry, number: int) -> DatasetSource:
    """The source that an entry of the suite names, with its options checked.

    Raises:
        SuiteError: an option is wrong.
    """
    source, _ = build(datasets.get(entry.name), entry.options, f"dataset[{number}]")
    checked: DatasetSource = source
    return checked


def locate(source: DatasetSource, name: str) -> str | None:
    """Where a source would read from.

    Raises:
        PluginError: the source fails to tell: it is not written for this genbench.
    """
    try:
        return source.locate()
    except (Exception, SystemExit) as error:
        raise _unusable(name, f"fails to tell where it would read from: {told_by(error)}.") from error


def load(source: DatasetSource, name: str) -> Dataset:
    """The data of a source.

    Raises:
        DataError: as ``DatasetSource.load``.
        PluginError: the source fails in another way: it is not written for this genbench.
    """
    try:
        data = source.load()
    except GenbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise _unusable(name, f"fails to load: {told_by(error)}.") from error
    usual_arithmetic()  # by now the code of all plugins has been run once
    if not isinstance(data, Dataset):
        raise _unusable(name, f"loads a thing of type {type(data).__name__}, not a Dataset.")
    return data


def _unusable(name: str, problem: str) -> PluginError:
    return PluginError(
        f"dataset {name!r} ({datasets.origin(name)}) {problem} "
        "What a dataset must be is in genbench/data/dataset.py."
    )


def load_datasets(suite: Suite) -> list[Loaded]:
    """Load every dataset of a suite.

    A fallback is used only where the suite declares one and the data is nowhere to be had; damaged data is
    an error all the same.

    Raises:
        DataError: a dataset is damaged, or not to be had and without a fallback.
    """
    loaded = [_load(entry, number) for number, entry in enumerate(suite.dataset)]
    own = {item.spec for item in loaded if not item.fallback}
    for name in {spec.name for spec in own}:
        if len([spec for spec in own if spec.name == name]) > 1:
            raise SuiteError(
                f"two of the suite's data sets would be called {name!r} in tables and records. Give one of "
                "them another `label`, or run them in suites of their own."
            )
    kept: dict[DataSpec, Loaded] = {}
    for item in loaded:
        if item.spec in kept or (item.fallback and item.spec in own):
            warnings.warn(
                f"{item.banner} The suite asks for {item.spec.name} elsewhere too: it is run once.",
                GenbenchWarning,
                stacklevel=2,
            )
        else:
            kept[item.spec] = item
    return list(kept.values())


def _load(entry: DatasetEntry, number: int) -> Loaded:
    try:
        data = load(source_of(entry, number), entry.name)
        return Loaded(data, DataSpec(data.info.name, data.hash), entry.name)
    except DataUnavailable as error:
        if entry.fallback is None:
            raise
        data = load(datasets.get(entry.fallback)(), entry.fallback)
        banner = (
            f"{entry.name} is not to be had here, so this run uses {entry.fallback} ({data.source}), as the "
            f"suite declares. Everything it writes says {entry.fallback}. {error}"
        )
        return Loaded(data, DataSpec(data.info.name, data.hash), entry.name, banner)
