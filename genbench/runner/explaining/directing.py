"""Directions of the latent space that are found without labels, and random ones as a control."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import jacrev
from torch.nn import functional

from genbench.core.ids import derive_seed
from genbench.metrics.directions import ganspace, sefa
from genbench.report.explanation.content import Direction, Directions, Missing
from genbench.runner.explaining.looking import Lens, as_images, as_numbers

EACH = 3
COLUMNS = 7
REACH = 3.0
"""Standard deviations of the latent to either side."""

DRAWS = 64
ACTIVATIONS = 512


def directions(lens: Lens) -> Directions | Missing:
    """Strips along the first directions of each method, all from the same draw."""
    generator, networks = lens.generator, lens.generator.networks
    assert networks is not None  # of a trained lane
    z = lens.draw(ACTIVATIONS, "directions")
    with torch.no_grad():
        hidden = networks.hidden(z)
    if not hidden:
        return Missing("its generator has no hidden layer with a known nonlinearity.")
    weight = jacrev(networks.first)(z[:1])[0, :, 0]
    last = list(hidden.values())[-1].flatten(1)
    random = torch.Generator().manual_seed(derive_seed(generator.seed, "explain", lens.seed, "random"))
    bases = {
        "SeFa": sefa(weight),
        "GANSpace": ganspace(z, last),
        "random": torch.randn(generator.latent, EACH, generator=random),
    }
    sd = 1.0 if generator.distribution == "normal" else 3**-0.5
    places = torch.linspace(-REACH, REACH, COLUMNS)
    start, draws = lens.draw(1, "direction"), z[:DRAWS]
    strips = []
    for method, basis in bases.items():
        for number, v in enumerate(basis.T[:EACH], 1):
            step = sd * functional.normalize(v, dim=0).to(start)
            strips.append(
                Direction(
                    method=method,
                    number=number,
                    images=as_images(lens.decode(start + places.to(start)[:, None] * step)),
                    change=_change(lens, draws, step),
                )
            )
    return Directions(tuple(strips), as_numbers(places))


def _change(lens: Lens, z: Tensor, step: Tensor) -> float:
    """Mean ||G(z + v) - G(z - v)||^2 / ||G(z)||^2."""
    between = (lens.decode(z + step) - lens.decode(z - step)).square().flatten(1).sum(1)
    return float((between / lens.decode(z).square().flatten(1).sum(1)).mean())
