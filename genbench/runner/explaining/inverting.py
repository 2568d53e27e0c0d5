"""Test images and the samples nearest to them: what the model can make at all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.measures.evidence import Reference
from genbench.measures.inversion import invert
from genbench.measures.posthoc_encoder import encoder_of
from genbench.report.explanation.content import Inversions
from genbench.runner.explaining.looking import Lens, as_images, as_numbers, examples

IMAGES = 60
RESTARTS = 3
STEPS = 200


@dataclass(frozen=True, eq=False)
class Inverted:
    """Test images x (N, C, H, W), the latents found for them (N, d), and their normalised errors (N,)."""

    x: Tensor
    z: Tensor
    errors: Tensor


def inverted(lens: Lens, reference: Reference) -> Inverted:
    """Search the latents of test images."""
    test = reference.dataset.test_examples
    random = torch.Generator().manual_seed(derive_seed(lens.seed, "explain", "inverted"))
    chosen = torch.randperm(len(test), generator=random)[:IMAGES]
    x = examples(test[chosen.numpy()], lens.generator.device)
    found = invert(
        lens.generator, x, encoder=encoder_of(lens.generator), restarts=RESTARTS, steps=STEPS, seed=lens.seed
    )
    mean = examples(reference.dataset.train_examples, torch.device("cpu")).mean(0).to(x)
    scale = (x - mean).square().flatten(1).sum(1).mean()
    errors = (lens.decode(found.z) - x).square().flatten(1).sum(1) / scale
    return Inverted(x, found.z, errors)


def inversions(lens: Lens, found: Inverted) -> Inversions:
    """The best, the median and the worst of them."""
    order = found.errors.argsort(stable=True)
    chosen = order[[0, len(order) // 2, len(order) - 1]]
    return Inversions(
        titles=("best", "median", "worst"),
        images=as_images(found.x[chosen]),
        found=as_images(lens.decode(found.z[chosen])),
        shown=as_numbers(found.errors[chosen]),
        errors=as_numbers(found.errors),
        steps=STEPS,
        restarts=RESTARTS,
    )
