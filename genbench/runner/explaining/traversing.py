"""One latent moved at a time."""

from __future__ import annotations

import torch
from torch.func import jacfwd, vmap

from genbench.report.explanation.content import Traversals
from genbench.runner.explaining.looking import Lens, as_images, as_numbers, quantiles

ROWS = 12
COLUMNS = 11
REACH = 2.5
"""Standard deviations of a normal latent to either side."""

DRAWS = 16


def traversals(lens: Lens) -> Traversals:
    """Rows of the latents to which samples are most sensitive, all from the same draw."""
    decode = lens.generator.decode

    def column_energy(z: torch.Tensor) -> torch.Tensor:
        jacobian: torch.Tensor = jacfwd(lambda one: decode(one[None])[0].flatten())(z)
        return jacobian.square().sum(0)

    draws = lens.draw(DRAWS, "sensitivity")
    sensitivity = vmap(column_energy, chunk_size=4)(draws).detach().mean(0)
    order = sensitivity.argsort(descending=True, stable=True)[:ROWS]
    places = torch.linspace(-REACH, REACH, COLUMNS, device=draws.device)
    z = lens.draw(1, "traversal").repeat(len(order), COLUMNS, 1)
    for row, latent in enumerate(order.tolist()):
        z[row, :, latent] = quantiles(places, lens.generator.distribution)
    images = lens.decode(z.flatten(0, 1))
    images = images.view(len(order), COLUMNS, *images.shape[1:])
    return Traversals(
        images=as_images(images),
        latents=(order + 1).cpu().numpy(),
        sensitivity=as_numbers(sensitivity),
        places=as_numbers(places),
        draws=DRAWS,
    )
