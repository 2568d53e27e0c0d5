"""What a dataset of a user's own may be called in records, tables and file names."""

from __future__ import annotations

from genbench.core.errors import DataError
from genbench.core.ids import PLAIN_NAME, is_plain_name
from genbench.core.registry import datasets

_VARIANTS = {
    "mnist-validation",
    "ring-veegan",
    "grid-veegan",
    *(f"strokes-{variant}" for variant in ("corr", "gap", "imbalanced", "one-class", "grid")),
    "polygons-4",
}
"""What datasets call themselves in other settings than their usual ones."""


def check_label(dataset: str, label: str) -> None:
    """Refuse a `label` that no file can have in its name, or that other data goes by.

    Args:
        dataset: the registered name, which is the usual label.
        label: what the user wrote.

    Raises:
        DataError: it cannot be used; the message says why.
    """
    if not is_plain_name(label):
        raise DataError(
            f"the dataset {dataset} has the `label` {label!r}, which becomes part of file names. Use "
            f'{PLAIN_NAME}, or leave the option out for "{dataset}".'
        )
    taken = {*datasets.names(), *_VARIANTS} - {dataset}
    if label.lower() in taken:
        raise DataError(
            f"the dataset {dataset} has the `label` {label!r}, which is the name of other data: "
            f"tables would pass one for the other. Choose none of {', '.join(sorted(taken))}."
        )
