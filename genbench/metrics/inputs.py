"""What every metric asks of its inputs."""

from __future__ import annotations

import torch
from torch import Tensor


def feature_pair(real: Tensor, fake: Tensor, *, at_least: int) -> tuple[Tensor, Tensor]:
    """Both sets in float64, once they are seen to be comparable.

    Args:
        real: (N, D), any floating type.
        fake: (M, D), any floating type.
        at_least: the fewest rows that the metric is defined for.

    Raises:
        ValueError: not two matrices of the same width, too few rows, or a number that is not finite.
    """
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1] or real.shape[1] == 0:
        raise ValueError(
            f"real {tuple(real.shape)} and fake {tuple(fake.shape)} must be (N, D) and (M, D): "
            "one row of features an image, from the same extractor"
        )
    return _rows(real, "real", at_least), _rows(fake, "fake", at_least)


def _rows(features: Tensor, name: str, at_least: int) -> Tensor:
    if not features.is_floating_point():
        raise ValueError(
            f"{name} is {features.dtype}; features are floating-point: extract them from the images first"
        )
    if len(features) < at_least:
        raise ValueError(f"{name} has {len(features)} rows; this metric needs at least {at_least}")
    broken = (~torch.isfinite(features)).any(1).nonzero().flatten().tolist()
    if broken:
        more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""
        raise ValueError(
            f"{name} is not finite in {len(broken)} of {len(features)} rows: "
            f"{', '.join(map(str, broken[:5]))}{more}. "
            "A model that makes such samples has diverged; score it as that, not with a number"
        )
    return features.detach().double()
