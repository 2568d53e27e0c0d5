"""What this machine can do at most: the speed of large matrix products, against which a training is held."""

from __future__ import annotations

import torch

from genbench.train.clock import now
from genbench.train.device import is_out_of_memory

REPEATS = 3
"""Timed products of each size."""

_SIZES = {"cpu": (1024, 2048), "cuda": (4096, 8192)}
_LONGEST_S = 0.02
"""A larger size takes eight times as long: it is left out after a product that took longer than this."""


def matrix_product_peak(device: torch.device, dtype: torch.dtype) -> list[float]:
    """FLOP/s of a few repeats of a large square matrix product; a multiply-add is two operations.

    Two sizes are tried and the better one is kept: small ones do not fill an accelerator, large ones leave
    the cache of a slow processor. The factors are normal numbers: accelerators multiply zeros faster.

    Args:
        device: where.
        dtype: of both factors and of the product, as the training multiplies them.

    Returns:
        One number for each repeat, so that their spread tells of a noisy machine; none where even the smaller
        matrices do not fit into what memory is left.
    """
    best: list[float] = []
    for size in _SIZES["cuda" if device.type == "cuda" else "cpu"]:
        try:
            seconds = _product_seconds(size, device, dtype)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            break  # beside a large model there is no room for matrices of this size
        best = max(best, [2 * size**3 / s for s in seconds], key=lambda found: max(found, default=0.0))
        if min(seconds) > _LONGEST_S:
            break
    return best


def uses_tf32(device: torch.device, dtype: torch.dtype) -> bool | None:
    """Whether float32 products are rounded to TF32 on this device; ``None`` where that cannot be."""
    if device.type != "cuda" or dtype != torch.float32:
        return None
    matmul = torch.backends.cuda.matmul
    newer = getattr(matmul, "fp32_precision", "none")  # once that is set, the older name cannot be read
    return newer == "tf32" if newer != "none" else bool(matmul.allow_tf32)


def _product_seconds(size: int, device: torch.device, dtype: torch.dtype) -> list[float]:
    """Seconds of each repeat, after one that warms up."""
    generator = torch.Generator(device).manual_seed(0)  # of its own: the global one belongs to whoever calls
    a, b = (torch.randn(size, size, generator=generator, device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(a)
    seconds: list[float] = []
    for _ in range(1 + REPEATS):
        began = now(device)
        torch.mm(a, b, out=product)
        seconds.append(now(device) - began)
    return seconds[1:]
