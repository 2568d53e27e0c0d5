"""Networks that are trained where they are needed, and kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from genbench.core.errors import GenbenchWarning, OutputError
from genbench.features.weightfile import load, save, weight_hash

Network = TypeVar("Network", bound=nn.Module)


def blank(make: Callable[[], Network]) -> Network:
    """A network to read weights into; the initial ones that it is made with are not drawn in public."""
    with torch.random.fork_rng(devices=[]):
        return make()


def kept_or_trained(
    path: Path,
    make: Callable[[], Network],
    train: Callable[[], Network],
    *,
    what: str,
    notes: Mapping[str, str],
) -> tuple[Network, str]:
    """The network whose weights are kept at ``path``, or a newly trained one that is kept there from now on.

    Args:
        path: a safetensors file, there or not.
        make: a network of the right kind, for the weights that are there.
        train: a trained one, where none are.
        what: the network, as a warning calls it.
        notes: how it was made, for the file.

    Returns:
        The network, and the hash of its weights.

    Raises:
        DataError: the file is damaged.

    Warns:
        GenbenchWarning: the file cannot be written, so that the next run has to train again.
    """
    if _is_kept(path):
        network = blank(make)
        return network, load(network, path)
    network = train()
    try:
        digest = save(network, path, notes)
    except OutputError as error:
        digest = weight_hash(network.state_dict())
        warnings.warn(
            f"the {what} cannot be kept ({error.__cause__ or error}): the next run trains it again, and "
            "where its weights come out otherwise the scores of the two do not compare. Set GENBENCH_CACHE "
            "to a folder that can be written.",
            GenbenchWarning,
            stacklevel=4,
        )
    return network, digest


def _is_kept(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that may not be entered
        return False
