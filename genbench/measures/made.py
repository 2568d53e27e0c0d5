"""What a generator makes, stored as examples are, so that extractors and factor readers can read it."""

from __future__ import annotations

import torch
from torch import Tensor

from genbench.measures.generator import Generator

_CHUNK = 500


def made(generator: Generator, z: Tensor) -> tuple[Tensor, Tensor]:
    """Samples of latents (N, d) and, (N,), whether each is finite; both on the CPU.

    Images are uint8, points float32. A sample that is not finite is stored as zeros.
    """
    samples, finite = [], []
    for part in torch.split(z.to(generator.device), _CHUNK):
        with torch.no_grad():
            x = generator.decode(part)
        whole = x.flatten(1).isfinite().all(1)
        x = torch.where(whole.view(-1, *[1] * (x.ndim - 1)), x, 0.0)
        samples.append((_as_bytes(x) if x.ndim == 4 else x).cpu())
        finite.append(whole.cpu())
    return torch.cat(samples), torch.cat(finite)


def _as_bytes(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)
