"""What a reading made of samples is stamped with: everything that must be equal to compare two."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal

from genbench.core.record import Column
from genbench.data.dataset import Dataset
from genbench.features.factors import FactorReader
from genbench.features.protocol import FeatureExtractor
from genbench.measures.evidence import Reading, Reference

Protocol = Mapping[str, str | int | float | bool]

_NO_FORMULA = "No formula is known; the row 'real' shows what to expect."


def protocol(reference: Reference, n: int, **more: int) -> dict[str, str | int | float | bool]:
    """Sizes, reference split and extractor, and whatever else the metric was told."""
    return {
        "n_real": len(reference.features.values),
        "n_fake": n,
        "reference": "test",
        "extractor": reference.extractor.id,
        **more,
    }


def versions(reference: Reference, column: Column) -> Mapping[str, str]:
    """Of the metric, the extractor's weights and the data."""
    return {
        "metric": column.version,
        "features": reference.extractor.hash,
        "data": data_hash(reference.dataset),
    }


def finite_or_dash(
    dataset: Dataset,
    column: Column,
    value: float | None,
    *,
    error: float | None = None,
    n: int = 0,
    reason: str = "",
    ruler: FeatureExtractor | FactorReader | None = None,
    ruler_is: Literal["extractor", "reader"] = "extractor",
    stamp: Protocol,
) -> Reading:
    """One reading; a value that is not finite is a dash with ``reason``.

    Args:
        dataset: the real data.
        column: of which number.
        value: the number, if there is one.
        error: half-width of its 95 % interval; left out where it is not finite.
        n: how many samples are behind it.
        reason: why it may be missing.
        ruler: the network that a value was read with, whose hash and name are stamped.
        ruler_is: what the stamp calls it.
        stamp: protocol of the measure.
    """
    finite = value is not None and math.isfinite(value)
    versions = {"metric": column.version, "data": data_hash(dataset)}
    if finite and ruler is not None:
        versions["features"] = ruler.hash
        stamp = {**stamp, ruler_is: ruler.id}
    return Reading(
        column,
        value if finite else None,
        error if finite and error is not None and math.isfinite(error) else None,
        n if finite else 0,
        "" if finite else reason,
        versions,
        stamp,
    )


def missing(
    reference: Reference, columns: tuple[Column, ...], reason: str, stamp: Protocol
) -> Iterator[Reading]:
    """A reading without a value for each column."""
    for column in columns:
        yield Reading(column, None, reason=reason, versions=versions(reference, column), protocol=stamp)


def predicted(
    reference: Reference, columns: tuple[Column, ...], values: Mapping[Column, float], stamp: Protocol
) -> Iterator[Reading]:
    """A reading for each column of the row ``expected``; one for which there is no value says so."""
    for column in columns:
        value = values.get(column)
        reason = _NO_FORMULA if value is None else ""
        yield Reading(column, value, reason=reason, versions=versions(reference, column), protocol=stamp)


@lru_cache(maxsize=4)
def data_hash(dataset: Dataset) -> str:
    """``dataset.hash``, computed once: it reads every byte, and every record carries it."""
    return dataset.hash
