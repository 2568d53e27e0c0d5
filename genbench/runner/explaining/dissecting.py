"""Units of the last hidden layers: what excites them, and what goes when they are taken away."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genbench.core.ids import derive_seed
from genbench.measures.generator import Networks
from genbench.report.explanation.content import Layer, Missing, Numbers, Unit, Units
from genbench.runner.explaining.labelling import Labels
from genbench.runner.explaining.looking import Lens, as_images, as_numbers, chunks

LAYERS = 2
DRAWS = 1024
ABLATED = 32
TESTED = 128
"""Units that are ablated, at most; more are drawn from at random."""

TOP = 8
STRONGEST, CONTROLS = 4, 2
ACTIVE = 0.01
"""A unit that is active in a smaller share of samples is dead."""


def units(lens: Lens, labels: Labels | None) -> Units | Missing:
    """The last hidden layers of the generator, unit by unit; labels are those of ``labelled_draws``."""
    networks = lens.generator.networks
    assert networks is not None  # of a trained lane
    z = labelled_draws(lens)
    with torch.no_grad():
        parts = [_pooled(networks.hidden(z[rows])) for rows in chunks(len(z), 256)]
    names = list(parts[0])[-LAYERS:]
    if not names:
        return Missing("its generator has no hidden layer with a known nonlinearity.")
    pooled = {name: torch.cat([part[name] for part in parts]) for name in names}
    return Units(
        tuple(_layer(lens, networks, name, pooled[name], z, labels) for name in names), DRAWS, ABLATED
    )


def labelled_draws(lens: Lens) -> Tensor:
    """The latents that units are seen at: the first of those that probes are fitted to."""
    return lens.draw(DRAWS, "units")


def _pooled(hidden: dict[str, Tensor]) -> dict[str, Tensor]:
    """One number a unit: of a channel, its mean over the image."""
    return {name: h.flatten(1, -2).mean(1) if h.ndim > 2 else h for name, h in hidden.items()}


def _layer(
    lens: Lens, networks: Networks, name: str, active: Tensor, z: Tensor, labels: Labels | None
) -> Layer:
    count = active.shape[1]
    random = torch.Generator().manual_seed(derive_seed(lens.generator.seed, "explain", lens.seed, name))
    tested = torch.randperm(count, generator=random)[:TESTED].sort().values
    effects = _effects(networks, name, z[:ABLATED], tested, count)
    strongest = tested[effects.argsort(descending=True, stable=True)[:STRONGEST].cpu()].tolist()
    others = [unit for unit in tested.tolist() if unit not in strongest]
    controls = [others[i] for i in torch.randperm(len(others), generator=random)[:CONTROLS].tolist()]
    effect_of = dict(zip(tested.tolist(), effects.tolist(), strict=True))
    shown = []
    for unit in (*strongest, *controls):
        related, correlation = _related(as_numbers(active[:, unit]), labels)
        top = active[:, unit].argsort(descending=True, stable=True)[:TOP]
        shown.append(
            Unit(
                number=unit,
                control=unit in controls,
                images=as_images(lens.decode(z[top])),
                effect=effect_of[unit],
                related=related,
                correlation=correlation,
            )
        )
    dead = ((active > 0).double().mean(0) < ACTIVE).double().mean()
    return Layer(name, count, tuple(shown), tested.numpy(), as_numbers(effects), float(dead))


def _effects(networks: Networks, name: str, z: Tensor, tested: Tensor, count: int) -> Tensor:
    """Mean ||G - G without the unit||^2 over mean ||G||^2, for each unit tested."""
    with torch.no_grad():
        whole = networks.without(z, name, z.new_ones(count))
        scale = whole.square().flatten(1).sum(1).mean()
        changes = []
        for unit in tested.tolist():
            mask = z.new_ones(count)
            mask[unit] = 0
            changes.append((networks.without(z, name, mask) - whole).square().flatten(1).sum(1).mean())
    return torch.stack(changes) / scale.where(scale > 0, torch.nan)


def _related(active: Numbers, labels: Labels | None) -> tuple[str, float]:
    """What of the samples a unit goes with most closely, and |Spearman| with it."""
    if labels is None:
        return "", float("nan")
    found = {name: abs(_spearman(active, values)) for name, values in labels.graded.items()}
    found = {name: value for name, value in found.items() if not math.isnan(value)}
    if not found:
        return "", float("nan")
    best = max(found, key=found.__getitem__)
    return best, found[best]


def _spearman(one: Numbers, other: Numbers) -> float:
    """Spearman's rank correlation; NaN where one of both is constant."""
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = np.stack([rankdata(one), rankdata(other)])
    ranks -= ranks.mean(1, keepdims=True)
    scale = np.sqrt((ranks**2).sum(1).prod())
    return float((ranks[0] * ranks[1]).sum() / scale) if scale > 0 else float("nan")
