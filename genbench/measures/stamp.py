"""What a reading made in feature space is stamped with: everything that must be equal to compare two."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from genbench.core.record import Column
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Evidence


def protocol(evidence: Evidence, **more: int) -> dict[str, str | int | float | bool]:
    """Sizes, reference split and extractor, and whatever else the metric was told."""
    return {
        "n_real": len(evidence.reference.features.values),
        "n_fake": len(evidence.samples),
        "reference": "test",
        "extractor": evidence.reference.extractor.id,
        **more,
    }


def versions(evidence: Evidence, column: Column) -> Mapping[str, str]:
    """Of the metric, the extractor's weights and the data."""
    return {
        "metric": column.version,
        "features": evidence.reference.extractor.hash,
        "data": data_hash(evidence.reference.dataset),
    }


@lru_cache(maxsize=4)
def data_hash(dataset: Dataset) -> str:
    """``dataset.hash``, computed once: it reads every byte, and every record carries it."""
    return dataset.hash
