"""Maps that explain a score: methods of attribution, most of them captum's."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genbench.core.errors import PluginError, UnknownName, choose_from
from genbench.core.ids import derive_seed
from genbench.metrics.attribution import random_halves, score_drops

Score = Callable[[Tensor], Tensor]
"""Images (N, C, H, W) to one number each, (N,)."""

REMEDY = "Maps of attribution need captum: pip install 'genbench[explain]'."

COMPLETE = 1e-2
"""Completeness error up to which integrated gradients count as integrated."""

_SIDE = 7  # cells: 4 x 4 pixels of 28 x 28
_STEPS = (64, 256)  # of the integral: more where the first are too few
_SCALED_BY = 32  # masks


def without_captum() -> str:
    """Why no map can be had here, with the remedy; empty where captum is installed."""
    return "" if importlib.util.find_spec("captum") else REMEDY


def superpixels(shape: tuple[int, ...]) -> Tensor:
    """Which cell of a grid of at most 7 x 7 each pixel of an image (C, H, W) belongs to, all channels alike.

    Cells are numbered by row, from 0. Of 28 x 28 pixels each is 4 x 4; where 7 does not divide a side, cells
    differ by a pixel.

    Returns:
        (C, H, W) int64.
    """
    channels, height, width = shape
    across = min(_SIDE, width)
    row = torch.arange(height) * min(_SIDE, height) // height
    column = torch.arange(width) * across // width
    return (row[:, None] * across + column).expand(channels, -1, -1).contiguous()


def attribute(method: str, f: Score, x: Tensor, baseline: Tensor, *, seed: int, samples: int = 400) -> Tensor:
    """Attribute the score of each image to its pixels.

    Every method but ``saliency`` shares out f(x) - f(baseline), some of them exactly: a pixel's part is in
    units of the score. The part of a superpixel is the sum over its pixels, which have equal parts in methods
    that see superpixels only.

    Args:
        method: ``integrated-gradients`` (Sundararajan et al. 2017; Gauss-Legendre, 64 steps, 256 where the
            completeness error of half of the images is above ``COMPLETE``), ``kernel-shap`` (Lundberg and Lee
            2017), ``lime`` (Ribeiro et al. 2016; ridge on the standardized score), ``ablation`` (each
            superpixel replaced alone), ``saliency`` (Simonyan et al. 2014; size of the gradient at x, for any
            baseline) or ``random-map`` (parts drawn uniformly and scaled to add up: a control).
        f: the score; differentiable for gradients and their integrals.
        x: images (N, C, H, W), N ≥ 1, floating.
        baseline: (C, H, W).
        seed: of what is drawn. Global random state is neither used nor changed.
        samples: coalitions drawn for each image by ``kernel-shap`` and ``lime``. 400 leave the Shapley values
            of 49 cells with a visible error; their sum is exact.

    Returns:
        (N, C, H, W), detached; not finite where the score is not.

    Raises:
        UnknownName: no such method.
        ValueError: shapes that do not fit, or a score that is not (N,).
        PluginError: captum is not installed, and the method is not ``random-map``.
    """
    if method not in _METHODS:
        raise UnknownName(choose_from("explainer", method, list(_METHODS)))
    if x.ndim != 4 or not len(x) or baseline.shape != x.shape[1:]:
        raise ValueError(
            f"x {tuple(x.shape)} and baseline {tuple(baseline.shape)} must be (N, C, H, W), N at least 1, "
            "and (C, H, W)"
        )
    if method != "random-map" and (reason := without_captum()):
        raise PluginError(reason)

    def score(images: Tensor) -> Tensor:
        scores = f(images)
        if scores.shape != images.shape[:1]:
            raise ValueError(
                f"the score of {len(images)} images must have shape ({len(images)},), one number an image; "
                f"it has {tuple(scores.shape)}. Flatten it, as by scores[:, 0]."
            )
        return scores

    x, baseline = x.detach(), baseline.detach().to(x)
    return _METHODS[method](score, x, baseline, derive_seed(seed, "attribution", method), samples).detach()


def _integrated_gradients(f: Score, x: Tensor, baseline: Tensor, seed: int, samples: int) -> Tensor:  # noqa: ARG001
    from captum.attr import IntegratedGradients

    with torch.no_grad():
        difference = (f(x) - f(baseline[None])).abs()
    a: Tensor
    for steps in _STEPS:
        a, delta = IntegratedGradients(f).attribute(
            x.clone().requires_grad_(),
            baselines=baseline[None],
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=max(1024, len(x)),
            return_convergence_delta=True,
        )
        if float((delta.abs() > COMPLETE * difference).double().mean()) <= 0.5:
            break
    return a


def _kernel_shap(f: Score, x: Tensor, baseline: Tensor, seed: int, samples: int) -> Tensor:
    from captum.attr import KernelShap

    with _seeded(seed):
        return torch.stack([_fitted(KernelShap, f, image, baseline, samples) for image in x])


def _lime(f: Score, x: Tensor, baseline: Tensor, seed: int, samples: int) -> Tensor:
    from captum._utils.models.linear_model import SkLearnRidge
    from captum.attr import Lime

    cells = superpixels(tuple(x.shape[1:]))
    halves = random_halves(int(cells.max()) + 1, _SCALED_BY, seed=seed)
    # a penalty means the same for every score only where all have one scale
    spread = score_drops(f, x, baseline, cells, halves).std(1).tolist()

    def ridge(standardized: Score) -> Any:
        return Lime(standardized, interpretable_model=SkLearnRidge(alpha=1.0))

    def explained(image: Tensor, scale: float) -> Tensor:
        level = f(image[None])
        return scale * _fitted(ridge, lambda z: (f(z) - level) / scale, image, baseline, samples)

    with _seeded(seed):
        return torch.stack([explained(image, sd or 1.0) for image, sd in zip(x, spread, strict=True)])


def _fitted(
    surrogate: Callable[[Score], Any], f: Score, image: Tensor, baseline: Tensor, samples: int
) -> Tensor:
    """The map (C, H, W) of one image by a linear surrogate; NaN where a score that it needs is not finite."""
    cells = superpixels(tuple(image.shape)).to(image.device)
    lost = []

    def finite(images: Tensor) -> Tensor:
        scores = f(images)
        lost.extend(scores[~scores.isfinite()].tolist())
        return scores.nan_to_num(0.0, 0.0, 0.0)  # scikit-learn takes no others

    with torch.no_grad():
        a = surrogate(finite).attribute(
            image[None],
            baselines=baseline[None],
            feature_mask=cells[None],
            n_samples=samples,
            perturbations_per_eval=samples,
        )
    return torch.full_like(image, torch.nan) if lost else _shared_out(a[0], cells)


def _ablation(f: Score, x: Tensor, baseline: Tensor, seed: int, samples: int) -> Tensor:  # noqa: ARG001
    from captum.attr import FeatureAblation

    cells = superpixels(tuple(x.shape[1:])).to(x.device)
    with torch.no_grad():
        a = FeatureAblation(f).attribute(
            x, baselines=baseline[None], feature_mask=cells[None], perturbations_per_eval=8
        )
    return _shared_out(a, cells)


def _saliency(f: Score, x: Tensor, baseline: Tensor, seed: int, samples: int) -> Tensor:  # noqa: ARG001
    from captum.attr import Saliency

    a: Tensor = Saliency(f).attribute(x.clone().requires_grad_(), abs=True)
    return a


def _random_map(f: Score, x: Tensor, baseline: Tensor, seed: int, samples: int) -> Tensor:  # noqa: ARG001
    with torch.no_grad():
        difference = f(x) - f(baseline[None])
    parts = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed)).to(x)
    return parts / parts.sum((1, 2, 3), keepdim=True) * difference[:, None, None, None]


_METHODS: Mapping[str, Callable[[Score, Tensor, Tensor, int, int], Tensor]] = {
    "integrated-gradients": _integrated_gradients,
    "kernel-shap": _kernel_shap,
    "lime": _lime,
    "ablation": _ablation,
    "saliency": _saliency,
    "random-map": _random_map,
}


def _shared_out(a: Tensor, cells: Tensor) -> Tensor:
    """Each pixel's part of its superpixel, where captum gives every pixel the whole."""
    pixels = torch.bincount(cells.flatten())
    return a / pixels[cells]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed what captum draws from, the global state of torch on the CPU and of NumPy, and set it back."""
    state = np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            np.random.seed(seed % 2**32)
            yield
    finally:
        np.random.set_state(state)
