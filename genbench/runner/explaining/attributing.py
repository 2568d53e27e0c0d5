"""Maps that explain how real the model holds images to be."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.measures.attribution import attribute, superpixels, without_captum
from genbench.measures.evidence import Reference
from genbench.metrics.attribution import (
    attributed_drops,
    completeness_error,
    normalised_infidelity,
    random_halves,
    relevance_mass,
    score_drops,
)
from genbench.report.explanation.content import Attributions, Missing
from genbench.runner.explaining.looking import Lens, as_images, as_numbers, examples

METHODS = ("integrated-gradients", "kernel-shap", "lime", "ablation")
EACH = 2
"""Images of each kind."""

MASKS = 64


def attributions(lens: Lens, reference: Reference | None) -> Attributions | Missing:
    """Explain the score of real, generated and planted images; without data, of the latter two only."""
    generator = lens.generator
    f = generator.score
    if f is None:
        return Missing("this model has no score: neither a discriminator nor a bound on the likelihood.")
    if reason := without_captum():
        return Missing(reason)
    generated = lens.decode(lens.draw(EACH, "samples"))
    real = _real(lens, reference) if reference else generated[:0]
    cells = superpixels(tuple(generated.shape[1:])).to(generator.device)
    patch = cells == _planted_cell(cells)
    planted = torch.cat([real[:1], generated[: EACH - len(real[:1])]])
    x = torch.cat([real, generated, planted.masked_fill(patch, 1.0)])
    kinds = ("real",) * len(real) + ("generated",) * len(generated) + ("planted",) * len(planted)
    black = torch.zeros_like(x[0])
    with torch.no_grad():
        scores, baseline = f(x), f(black[None])
    removed = random_halves(
        int(cells.max()) + 1, MASKS, seed=derive_seed(generator.seed, "explain", lens.seed, "masks")
    )
    drops = score_drops(f, x, black, cells, removed)
    maps = [attribute(method, f, x, black, seed=lens.seed) for method in METHODS]
    is_planted = np.array([kind == "planted" for kind in kinds])
    return Attributions(
        kinds=kinds,
        images=as_images(x),
        scores=as_numbers(scores),
        baseline=float(baseline),
        scored_by=generator.scored_by,
        methods=METHODS,
        maps=np.stack([as_numbers(a.sum(1)) for a in maps]),
        completeness=np.stack([as_numbers(completeness_error(a, scores - baseline)) for a in maps]),
        infidelity=np.stack(
            [as_numbers(normalised_infidelity(attributed_drops(a, cells, removed), drops)) for a in maps]
        ),
        inside=np.stack([np.where(is_planted, as_numbers(relevance_mass(a, patch)), np.nan) for a in maps]),
        patch=patch[0].cpu().numpy(),
        masks=MASKS,
    )


def _real(lens: Lens, reference: Reference) -> Tensor:
    """Test images, drawn at random."""
    random = torch.Generator().manual_seed(derive_seed(lens.seed, "explain", "explained"))
    test = reference.dataset.test_examples
    chosen = torch.randperm(len(test), generator=random)[:EACH]
    return examples(test[chosen.numpy()], lens.generator.device)


def _planted_cell(cells: Tensor) -> int:
    """The superpixel in the second row and column, which digits seldom reach."""
    _, height, width = cells.shape
    return int(cells[0, min(height - 1, height // 5), min(width - 1, width // 5)])
