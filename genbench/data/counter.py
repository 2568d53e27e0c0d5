"""Random numbers by their place: each a pure function of a seed and a counter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genbench.core.ids import derive_seed

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def uniforms(rows: int, columns: int, *purpose: int | str) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), (rows, columns), of the stream that ``purpose`` names.

    Row i depends on the purpose, i and ``columns`` only: fewer rows are the first ones of more. The numbers
    are those of the generator SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators"), started at a hash of the purpose.
    """
    place = np.arange(1, rows * columns + 1, dtype=np.uint64)
    word = np.uint64(derive_seed(*purpose)) + place * _GOLDEN  # modulo 2^64, as meant
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    word ^= word >> np.uint64(31)
    numbers: NDArray[np.float64] = (word >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers.reshape(rows, columns)
