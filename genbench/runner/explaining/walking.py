"""Paths between latents, and how fast the image changes on them."""

from __future__ import annotations

import torch
from torch import Tensor

from genbench.report.explanation.content import Walk
from genbench.runner.explaining.looking import Lens, as_images, as_numbers

IMAGES = 9
SPEEDS = 96


def slerp(one: Tensor, other: Tensor, t: Tensor) -> Tensor:
    """The great circle from one latent (d,) to another at t (T,): (T, d) (Shoemake 1985).

    Latents keep the length that the prior gives them. Where both point one way, or opposite ways, there is no
    one great circle, and the straight line is taken.
    """
    cosine = (one @ other / (one.norm() * other.norm())).clamp(-1, 1)
    angle = cosine.acos()
    if not angle.sin() > 1e-4:
        return torch.lerp(one, other, t[:, None])
    t = t[:, None]
    path: Tensor = (((1 - t) * angle).sin() * one + (t * angle).sin() * other) / angle.sin()
    return path


def curve_of(distribution: str) -> str:
    """Normal latents lie on a sphere, uniform ones in a cube, which a sphere would leave."""
    return "slerp" if distribution == "normal" else "straight line"


def walk(
    lens: Lens,
    one: Tensor,
    other: Tensor,
    *,
    ends: Tensor | None = None,
    errors: Tensor | None = None,
) -> Walk:
    """Walk from one latent (d,) to another.

    Args:
        lens: whose generator.
        one: (d,), where it begins.
        other: (d,), where it ends.
        ends: (2, C, H, W), what the latents are meant to give, where they are inverted images.
        errors: (2,), their inversion errors.
    """

    def along(t: Tensor) -> Tensor:
        if curve_of(lens.generator.distribution) == "slerp":
            return lens.decode(slerp(one, other, t))
        return lens.decode(torch.lerp(one, other, t[:, None]))

    t = torch.linspace(0, 1, SPEEDS + 1, device=one.device)
    on_the_way = along(t).flatten(1).double()
    distance = (on_the_way[-1] - on_the_way[0]).norm()
    speeds = on_the_way.diff(dim=0).norm(dim=1) * SPEEDS / distance.where(distance > 1e-9, torch.nan)
    return Walk(
        between="draws" if ends is None else "test images",
        images=as_images(along(torch.linspace(0, 1, IMAGES, device=one.device))),
        ends=None if ends is None else as_images(ends),
        errors=None if errors is None else as_numbers(errors),
        places=as_numbers((t[:-1] + t[1:]) / 2),
        speeds=as_numbers(speeds),
    )
