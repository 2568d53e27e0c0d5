"""Polygons on a circle, drawn as a differentiable function of the angles of their vertices."""

from __future__ import annotations

import torch
from torch import Tensor

RENDERER = "polygons 1"
"""Raised whenever the same factors would give other images."""

_SIDE = 28
_RADIUS = 0.75 * _SIDE / 2  # pixels
_AT_ONCE = 500  # images
_SATURATED = 1.0  # pixels from the edge at which a pixel is surely inside or outside
_FLATTEST = 1e-2  # an edge along the grid is taken to be this oblique: below it, rounding shows


def render(classes: Tensor, factors: Tensor) -> Tensor:
    """Draw filled convex polygons, black on white.

    The vertices lie on a circle of radius 10.5 pixels and are moved so that their mean is in the middle of
    the image. What an edge cuts off of a pixel is an exact area, of the signed distance of the pixel's centre
    and of the edge's direction; a pixel's coverage is 1 less what each edge cuts off. That is the exact area
    except in pixels that hold a corner, where what two edges both cut off counts twice.

    Args:
        classes: (N,), not looked at: the number of factors says how many vertices there are.
        factors: (N, V + 1), in degrees: the ascending angles of V vertices, and a rotation added to all.

    Returns:
        (N, 1, 28, 28) in [0, 1], of the factors' type and on their device, differentiable in the factors. It
        may be passed to ``torch.func``.
    """
    del classes
    return torch.cat([_draw(part) for part in torch.split(factors, _AT_ONCE)])


def _draw(factors: Tensor) -> Tensor:
    angles = torch.deg2rad(factors[:, :-1] + factors[:, -1:])
    vertices = _RADIUS * torch.stack([angles.cos(), angles.sin()], -1)  # (N, V, 2), x and y
    vertices = vertices - vertices.mean(1, keepdim=True) + _SIDE / 2
    along = vertices.roll(-1, 1) - vertices
    length = (along**2).sum(-1).sqrt()
    # in the image y points down, and ascending angles go round with the inside at normal (-dy, dx)
    normal_x, normal_y = -along[..., 1] / length, along[..., 0] / length  # (N, V)
    offset = normal_x * vertices[..., 0] + normal_y * vertices[..., 1]
    centres = torch.arange(_SIDE, device=factors.device, dtype=factors.dtype) + 0.5
    x, y = normal_x[..., None] * centres, normal_y[..., None] * centres
    distance = x[..., None, :] + y[..., :, None] - offset[..., None, None]  # (N, V, 28, 28)
    inside = _share_inside(distance, normal_x[..., None, None], normal_y[..., None, None])
    cut_off = (1 - inside).sum(1, keepdim=True)
    return cut_off.clamp(0, 1)


def _share_inside(distance: Tensor, normal_x: Tensor, normal_y: Tensor) -> Tensor:
    """Area of a unit square in a half-plane, of the signed distance of its centre to the border.

    It is the distribution function of a U + b V at the distance, for (a, b) the absolute components of the
    normal and U and V uniform on [-1/2, 1/2].
    """
    a, b = normal_x.abs().clamp(min=_FLATTEST), normal_y.abs().clamp(min=_FLATTEST)
    d = distance.clamp(-_SATURATED, _SATURATED)
    corners = (d + (a + b) / 2, 1), (d + (a - b) / 2, -1), (d - (a - b) / 2, -1), (d - (a + b) / 2, 1)
    area = torch.stack([sign * corner.relu() ** 2 for corner, sign in corners]).sum(0)
    return (area / (2 * a * b)).clamp(0, 1)
