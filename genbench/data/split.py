"""The test split of data that comes without one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import DataError
from genbench.core.ids import derive_seed


def held_out_fifth(labels: NDArray[np.int64], n: int, name: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows for training and for testing: a fifth of every class, rounded down, is the test split.

    Which ones is decided by a fixed seed and their number alone, so the same examples in the same order are
    always split alike. Both splits are shuffled.

    Args:
        labels: (n,), or empty where there are none.
        n: number of examples.
        name: of the data, for the message.

    Raises:
        DataError: there are too few examples for a test split.
    """
    order = np.random.default_rng(derive_seed(0, "split")).permutation(n)
    classes = labels[order] if len(labels) else np.zeros(n, dtype=np.int64)
    tested = np.zeros(n, dtype=bool)
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        tested[members[: len(members) // 5]] = True
    if not tested.any():
        raise DataError(
            f"{name} has {n} examples and no test split, and a fifth of every class is none. Provide more "
            "examples, or a test split."
        )
    return order[~tested], order[tested]
