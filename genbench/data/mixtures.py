"""Mixtures of Gaussians in the plane with known modes: ``ring`` (8) and ``grid`` (25)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genbench.core.datainfo import DataInfo
from genbench.core.ids import derive_seed
from genbench.core.registry import datasets
from genbench.data.dataset import Dataset, GaussianModes

TEST_POINTS = 10_000

Setting = Literal["pacgan", "veegan"]
"""Two papers' protocols with the same modes, apart in the supply of training points.

``pacgan`` (Lin et al. 2018, arXiv:1712.04086, section 4.1): 100,000 points drawn once. ``veegan`` (Srivastava
et al. 2017, arXiv:1705.07761, section 4.1): fresh points in every batch; here 1,000,000, each of them seen
once before any is seen again. Both papers score 2,500 samples.
"""

POINTS: dict[Setting, int] = {"pacgan": 100_000, "veegan": 1_000_000}


@datasets.register("ring")
@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Eight Gaussians of standard deviation 0.01 on the unit circle; points in the plane.

    Attributes:
        setting: ``pacgan`` or ``veegan``; records then say ``ring`` or ``ring-veegan``.
    """

    setting: Setting = "pacgan"

    def load(self) -> Dataset:
        """Draw the points, always the same: training points and 10,000 test points, (N, 2) float32."""
        angles = 2 * np.pi * np.arange(8) / 8
        centers = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return _draw("ring", self.setting, GaussianModes(centers, 0.01))

    def locate(self) -> str:
        """Nowhere: they are drawn."""
        return "drawn on the spot"


@datasets.register("grid")
@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """25 Gaussians of standard deviation 0.05 on a square grid, -4 to 4 in steps of 2; points in the plane.

    Attributes:
        setting: ``pacgan`` or ``veegan``; records then say ``grid`` or ``grid-veegan``.
    """

    setting: Setting = "pacgan"

    def load(self) -> Dataset:
        """Draw the points, always the same: training points and 10,000 test points, (N, 2) float32."""
        steps = np.arange(-4.0, 5.0, 2.0)
        centers = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
        return _draw("grid", self.setting, GaussianModes(centers, 0.05))

    def locate(self) -> str:
        """Nowhere: they are drawn."""
        return "drawn on the spot"


def _draw(name: str, setting: Setting, modes: GaussianModes) -> Dataset:
    name = name if setting == "pacgan" else f"{name}-{setting}"
    train_points, train_modes = _sample(modes, POINTS[setting], name, "train")
    test_points, test_modes = _sample(modes, TEST_POINTS, name, "test")
    return Dataset(
        info=DataInfo(name=name, shape=(2,), classes=tuple(map(str, range(len(modes.centers))))),
        train_examples=train_points,
        train_labels=train_modes,
        test_examples=test_points,
        test_labels=test_modes,
        source=f"drawn, {len(modes.centers)} Gaussians of standard deviation {modes.scale}",
        modes=modes,
    )


def _sample(
    modes: GaussianModes, n: int, name: str, split: str
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A mode for each point, all alike in probability, and the point around its centre."""
    random = np.random.default_rng(derive_seed(0, name, split))
    labels = random.integers(0, len(modes.centers), n)
    points = modes.centers[labels] + modes.scale * random.standard_normal((n, modes.centers.shape[1]))
    return points.astype(np.float32), labels
