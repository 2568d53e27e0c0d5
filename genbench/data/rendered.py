"""Images that are rendered from factors once, and kept."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchWarning, OutputError
from genbench.core.ids import bytes_hash
from genbench.core.paths import cache_dir
from genbench.store.atomic import write_bytes

_CHECKSUM = hashlib.sha256().digest_size
_SHAPE = (1, 28, 28)


def rendered(
    render: Callable[[Any, Any], Any],
    renderer: str,
    classes: NDArray[np.int64],
    factors: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Images (N, 1, 28, 28) uint8 of classes and factors: from the cache, or rendered and kept there.

    The file is named by a hash of renderer, classes and factors and begins with a checksum of its pixels; a
    damaged one is made again.

    Args:
        render: as ``Factors.render``.
        renderer: its name and version.
        classes: (N,).
        factors: (N, F).

    Warns:
        GenbenchWarning: the cache cannot be written, so that the next run renders again.
    """
    key = bytes_hash(renderer.encode(), classes.tobytes(), factors.tobytes(), digits=24)
    path = cache_dir() / "rendered" / f"{key}.pixels"
    kept = _read(path, len(classes))
    if kept is not None:
        return kept
    import torch

    with torch.no_grad():
        images = render(torch.from_numpy(classes), torch.from_numpy(factors))
        pixels: NDArray[np.uint8] = (images * 255).round().to(torch.uint8).numpy()
    content = pixels.tobytes()
    try:
        write_bytes(path, hashlib.sha256(content).digest() + content)
    except OutputError as error:
        warnings.warn(
            f"{len(pixels):,} rendered images cannot be kept ({error.__cause__ or error}): the next run "
            "renders them again. Set GENBENCH_CACHE to a folder that can be written.",
            GenbenchWarning,
            stacklevel=4,
        )
    return pixels


def _read(path: Path, n: int) -> NDArray[np.uint8] | None:
    try:
        content = path.read_bytes()
    except OSError:  # not there, or in a folder that may not be entered: rendered again
        return None
    if hashlib.sha256(memoryview(content)[_CHECKSUM:]).digest() != content[:_CHECKSUM]:
        return None
    return np.frombuffer(content, np.uint8, offset=_CHECKSUM).reshape(n, *_SHAPE).copy()
