"""Control rows: samples that no model made, to show what a metric says of the best and of known failures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genbench.core.errors import DataError
from genbench.core.ids import derive_seed
from genbench.core.record import SAMPLED
from genbench.data.dataset import Dataset, Examples

_FITTED = 10_000
"""Training examples that the Gaussian is fitted to, at most."""

_PART = 1000  # samples of the Gaussian made at once


class ControlSamples(NamedTuple):
    """What stands in for a model's samples.

    Attributes:
        samples: (n, C, H, W) uint8 or (n, D) float32.
        held_out: indices of test examples that take their place where memorization is measured, because the
            samples are training examples that stand for fresh data; ``None`` for all other controls.
    """

    samples: Tensor
    held_out: Tensor | None = None


def control_samples(name: str, dataset: Dataset, n: int, seed: int) -> ControlSamples:
    """Samples of a control row, to be measured exactly like a model's.

    ``real``: training examples, each at most once: fresh real data against the test split, the best that a
    generator can attain. (Where memorization is measured, test examples take their place.) ``memorized``:
    training examples drawn with replacement: what a perfect memory replays.
    ``collapsed``: training examples of the class ``seed % classes`` only: perfect fidelity, no variety.
    ``gaussian``: draws from a Gaussian of the training examples' mean and covariance: right in its first
    two moments, pixel by pixel. ``noise``: every pixel uniform on 0 to 255; every coordinate uniform on the
    range of the training points.

    Args:
        name: one of ``genbench.core.record.SAMPLED``.
        dataset: where the examples come from.
        n: how many.
        seed: decides which.

    Raises:
        DataError: fewer than n training examples for ``real``, or no labels for ``collapsed``.
        ValueError: no such control.
    """
    random = np.random.default_rng(derive_seed(seed, "control", name))
    examples = dataset.train_examples
    if name == "real":
        if n > len(examples):
            raise DataError(
                f"control row 'real' needs {n} training examples of {dataset.info.name!r}, which has "
                f"{len(examples)}; repeated examples would not be fresh data. Ask for fewer samples."
            )
        chosen = random.choice(len(examples), n, replace=False)
        tested = len(dataset.test_examples)
        held_out = random.choice(tested, min(n, tested), replace=False)
        return ControlSamples(torch.from_numpy(examples[chosen]), torch.from_numpy(held_out))
    if name == "memorized":
        return ControlSamples(torch.from_numpy(examples[random.choice(len(examples), n)]))
    if name == "collapsed":
        present = np.unique(dataset.train_labels)
        if not len(present):
            raise DataError(
                f"control row 'collapsed' needs labels, and {dataset.info.name!r} has none. "
                "Provide labels, or leave the measure `modes` out."
            )
        members = np.flatnonzero(dataset.train_labels == present[seed % len(present)])
        return ControlSamples(torch.from_numpy(examples[random.choice(members, n, replace=n > len(members))]))
    if name == "gaussian":
        return ControlSamples(torch.from_numpy(_gaussian(examples, n, random)))
    if name == "noise":
        return ControlSamples(torch.from_numpy(_noise(examples, n, random)))
    raise ValueError(f"no control row {name!r}: there are {', '.join(SAMPLED)}")


def _gaussian(examples: Examples, n: int, random: np.random.Generator) -> Examples:
    """Draws of N(μ, Σ) without forming Σ: μ + Σᵢ wᵢ (xᵢ - μ) / √(m - 1) with w ~ N(0, I_m)."""
    chosen = random.choice(len(examples), min(_FITTED, len(examples)), replace=False)
    flat = examples[chosen].reshape(len(chosen), -1).astype(np.float32)
    mean = flat.mean(axis=0)
    spread = (flat - mean) / np.sqrt(max(1, len(flat) - 1), dtype=np.float32)

    def part(size: int) -> Examples:
        drawn = mean + random.standard_normal((size, len(flat)), dtype=np.float32) @ spread
        return _grey(drawn) if examples.dtype == np.uint8 else drawn

    parts = [part(min(_PART, n - start)) for start in range(0, n, _PART)]
    return np.concatenate(parts).reshape(n, *examples.shape[1:])


def _grey(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return values.round().clip(0, 255).astype(np.uint8)


def _noise(examples: Examples, n: int, random: np.random.Generator) -> Examples:
    shape = (n, *examples.shape[1:])
    if examples.dtype == np.uint8:
        return random.integers(0, 256, shape, dtype=np.uint8)
    return random.uniform(examples.min(axis=0), examples.max(axis=0), shape).astype(np.float32)
