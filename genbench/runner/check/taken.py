"""A measure under examination: on handwritten digits and on points of known modes, without any model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.core.record import MODE_SHARE
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset, GaussianModes
from genbench.measures.controls import control_samples
from genbench.measures.evidence import Evidence, Measure, Reading, Reference

SAMPLES = 500
"""Samples in each set."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Taken:
    """A measure on one kind of data.

    Attributes:
        measure: that is checked.
        reference: the real side.
        file: the measure's source, for the line in which something was raised.
    """

    measure: Measure
    reference: Reference
    file: Path | None

    @property
    def kind(self) -> str:
        """What to call the data."""
        return "images" if self.reference.dataset.info.is_image else "points"

    def of(self, samples: Tensor, held_out: Tensor | None = None) -> list[Reading]:
        """The readings of its own columns."""
        # a copy each time: one that changes them is to be told, and not to spoil what is checked next
        readings = self.measure(Evidence(self.reference, samples.clone(), held_out=held_out))
        return [reading for reading in readings if not reading.column.metric.startswith(MODE_SHARE)]

    def values(self, samples: Tensor, held_out: Tensor | None = None) -> dict[str, float]:
        """The numbers that there are, by metric."""
        return {r.column.metric: r.value for r in self.of(samples, held_out) if r.value is not None}

    def control(self, name: str) -> dict[str, float]:
        """The numbers of a control row."""
        drawn = control_samples(name, self.reference.dataset, SAMPLES, seed=0)
        return self.values(drawn.samples, drawn.held_out)

    @cached_property
    def real_samples(self) -> Tensor:
        """Fresh real data."""
        return control_samples("real", self.reference.dataset, SAMPLES, seed=0).samples

    @cached_property
    def real(self) -> dict[str, float]:
        """The numbers of the control row ``real``."""
        return self.control("real")


def digits() -> Dataset:
    """Those of scikit-learn: they need no file, and their features ship with genbench."""
    data: Dataset = datasets.get("digits")().load()
    return data


def points() -> Dataset:
    """Eight Gaussians on a circle, of known modes."""
    random = np.random.default_rng(0)
    angles = 2 * np.pi * np.arange(8) / 8
    centers = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    labels = random.integers(0, 8, 4 * SAMPLES)
    drawn = (centers[labels] + 0.05 * random.standard_normal((len(labels), 2))).astype(np.float32)
    train = slice(0, 2 * SAMPLES), slice(2 * SAMPLES, None)
    return Dataset(
        DataInfo("points", (2,), tuple("01234567")),
        drawn[train[0]], labels[train[0]], drawn[train[1]], labels[train[1]],
        "made for the check", modes=GaussianModes(centers, 0.05),
    )  # fmt: skip
