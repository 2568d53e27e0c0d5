"""What every metric asks of its inputs."""

from __future__ import annotations

import torch
from torch import Tensor

LARGEST = 1e50
"""Magnitude that numbers may have: their products and cubes stay far from float64's 1e308."""

_NAMED = 5  # rows that a message names


def feature_pair(
    real: Tensor, fake: Tensor, *, at_least: int, names: tuple[str, str] = ("real", "fake")
) -> tuple[Tensor, Tensor]:
    """Both sets in float64, once they are seen to be comparable.

    Args:
        real: (N, D), any floating type.
        fake: (M, D), any floating type.
        at_least: the fewest rows that the metric is defined for.
        names: what the metric calls the two.

    Raises:
        ValueError: not two matrices of one width, too few rows, or a number not finite or too large.
    """
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1] or real.shape[1] == 0:
        raise ValueError(
            f"{names[0]} {tuple(real.shape)} and {names[1]} {tuple(fake.shape)} must be (N, D) and (M, D): "
            "one row a sample, of the same features or coordinates"
        )
    return _rows(real, names[0], at_least), _rows(fake, names[1], at_least)


def matrix(values: Tensor, name: str, *, at_least: int = 1) -> Tensor:
    """One set (N, D) in float64, under the conditions of ``feature_pair``.

    Raises:
        ValueError: no matrix, too few rows, or a number not finite or beyond ``LARGEST``.
    """
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"{name} {tuple(values.shape)} must be a matrix with one row a sample")
    return _rows(values, name, at_least)


def class_indices(labels: Tensor, name: str) -> Tensor:
    """Labels (N,) as int64 on the CPU.

    Raises:
        ValueError: no labels, or not a row of integers.
    """
    if labels.ndim != 1 or len(labels) == 0 or labels.is_floating_point() or labels.is_complex():
        raise ValueError(
            f"{name} must be (N,) class indices, at least one; got {labels.dtype} of shape "
            f"{tuple(labels.shape)}"
        )
    return labels.long().cpu()


def class_counts(labels: Tensor, name: str, classes: int) -> Tensor:
    """How often each of the classes occurs (classes,), of labels that ``class_indices`` has passed.

    Raises:
        ValueError: an index outside 0 to ``classes`` - 1.
    """
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise ValueError(
            f"{name} run from {int(labels.min())} to {int(labels.max())}; with {classes} classes they are "
            f"0 to {classes - 1}"
        )
    return torch.bincount(labels, minlength=classes)


def positive(value: float, name: str) -> float:
    """A setting that must be above 0 and finite.

    Raises:
        ValueError: it is not.
    """
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} is {value}; it must be above 0 and finite")
    return value


def _rows(features: Tensor, name: str, at_least: int) -> Tensor:
    if not features.is_floating_point():
        raise ValueError(
            f"{name} is {features.dtype}; expected floating-point numbers: features of images, or points"
        )
    if len(features) < at_least:
        raise ValueError(f"{name} has {len(features)} rows; this metric needs at least {at_least}")
    if broken := _named(~torch.isfinite(features)):
        raise ValueError(
            f"{name} is not finite in {broken}. "
            "A model that makes such samples has diverged; score it as that, not with a number"
        )
    values = features.detach().double()
    if huge := _named(values.abs() > LARGEST):
        raise ValueError(
            f"{name} is beyond ±{LARGEST:g} in {huge}. "
            "Products of such numbers overflow; rescale all of them by one factor"
        )
    return values


def _named(bad: Tensor) -> str:
    """How many rows have an entry that is bad, and which; empty where none has."""
    rows = bad.any(1).nonzero().flatten().tolist()
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    listed = ", ".join(map(str, rows[:_NAMED]))
    return f"{len(rows)} of {len(bad)} rows: {listed}{more}" if rows else ""
