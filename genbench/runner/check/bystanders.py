"""What code of others must leave alone: the random numbers that all of a process share."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from genbench.runner.check.finding import Fault


@contextmanager
def nobodys_random_numbers(what: str, remedy: str) -> Iterator[None]:
    """Raise a ``Fault`` if the global random state of Python, NumPy or PyTorch is another afterwards.

    Args:
        what: who would have changed it, for people.
        remedy: of the fault.
    """
    before = _states()
    yield
    if changed := [name for name, state in _states().items() if state != before[name]]:
        raise Fault(f"{what} draws from, or seeds, the random numbers that all share ({changed[0]})", remedy)


def _states() -> dict[str, object]:
    kind, keys, *rest = np.random.get_state()
    return {
        "random": random.getstate(),
        "numpy.random": (kind, np.asarray(keys).tobytes(), *rest),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }
