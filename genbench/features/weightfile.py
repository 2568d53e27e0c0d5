"""Weights of extractors on disk: safetensors, never pickle, and a hash of what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as deserialize
from safetensors.torch import save as serialize
from torch import Tensor, nn

from genbench.core.bounded import MIB, read_bytes
from genbench.core.errors import DataError
from genbench.store.atomic import write_bytes

DIGITS = 12
_MOST_BYTES = 256 * MIB
_TYPES = {
    "torch.float32",
    "torch.float64",
    "torch.float16",
    "torch.int64",
    "torch.int32",
    "torch.uint8",
    "torch.bool",
}


def weight_hash(tensors: Mapping[str, Tensor]) -> str:
    """First 12 hexadecimal digits of the SHA-256 of names, types, shapes and bytes, in order of name.

    Taken of the tensors and not of the file, whose notes are in no fixed order.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:DIGITS]


def save(network: nn.Module, path: Path, notes: Mapping[str, str]) -> str:
    """Write a network's tensors with notes of how they were made; returns their hash.

    Raises:
        OutputError: the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(path, serialize(tensors, dict(notes)))
    return weight_hash(tensors)


def load(
    network: nn.Module, path: Path, *, expect: str | None = None, recipe: str = "genbench.features.recipe"
) -> str:
    """Read tensors into ``network`` and return their hash.

    Args:
        network: receives the tensors; must have the same names and shapes.
        path: a safetensors file.
        expect: the hash that the tensors must have.
        recipe: the module that makes such weights, for the messages.

    Raises:
        DataError: the file is missing or damaged, or holds other weights than expected.
    """
    try:
        tensors = deserialize(read_bytes(path, _MOST_BYTES))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"extractor weights {path} cannot be read: {error}. {_remedy(expect, recipe)}"
        ) from error
    if odd := sorted({str(t.dtype) for t in tensors.values()} - _TYPES):
        raise DataError(
            f"extractor weights {path} are of another network: they hold {', '.join(odd)}. "
            f"{_remedy(expect, recipe)}"
        )
    found = weight_hash(tensors)
    if expect is not None and found != expect:
        raise DataError(
            f"extractor weights {path} have the hash {found} instead of {expect}: the file is damaged or was "
            f"exchanged, and scores made with it would compare with nothing. {_remedy(expect, recipe)}"
        )
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise DataError(
            f"extractor weights {path} are of another network: {error}. {_remedy(expect, recipe)}"
        ) from error
    return found


def _remedy(expect: str | None, recipe: str) -> str:
    if expect is None:
        return "Delete the file; it is made again when it is next needed."
    return f"Install genbench again, or make the weights with `python -m {recipe}`."
