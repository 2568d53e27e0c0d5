"""Ten digits drawn with one stroke width, as a differentiable function of five factors."""

from __future__ import annotations

import math

import torch
from torch import Tensor

RENDERER = "strokes 1"
"""Raised whenever the same factors would give other images."""

_SIDE = 28
_CENTRE = 14.0
_HALF_HEIGHT = 8.5  # pixels from the centre to the top of a digit of scale 1
_AT_ONCE = 100  # images: a hundred take some 30 MiB of intermediate results
_TINY_LENGTH = 1e-9  # segments that only fill up a glyph have length 0
_TINY_DISTANCE = 1e-8  # the square root has no derivative at 0


def _line(*points: tuple[float, float]) -> Tensor:
    return torch.tensor(points, dtype=torch.float64)


def _arc(x: float, y: float, width: float, height: float, start: float, end: float, n: int) -> Tensor:
    """``n`` points of an ellipse around (x, y), from the angle ``start`` to ``end``, in degrees."""
    angle = torch.linspace(math.radians(start), math.radians(end), n, dtype=torch.float64)
    return torch.stack([x + width * angle.cos(), y + height * angle.sin()], 1)


def _glyphs() -> Tensor:
    """Segments of the ten digits, (10, M, 4): both ends (x, y), from -1 to 1, y downwards."""
    skeletons = [
        _arc(0, 0, 0.6, 1, 0, 360, 17),
        _line((-0.3, -0.6), (0, -1), (0, 1)),
        torch.cat([_arc(0, -0.45, 0.55, 0.55, 180, 400, 10), _line((-0.6, 1), (0.65, 1))]),
        torch.cat([_arc(-0.05, -0.5, 0.55, 0.5, 200, 450, 9), _arc(-0.05, 0.5, 0.65, 0.5, -90, 160, 9)]),
        _line((0.25, 1), (0.25, -1), (-0.65, 0.35), (0.7, 0.35)),
        torch.cat(
            [_line((0.55, -1), (-0.45, -1), (-0.5, -0.15)), _arc(-0.05, 0.38, 0.6, 0.62, -130, 140, 9)]
        ),
        torch.cat([_line((0.35, -1), (-0.25, -0.4)), _arc(0, 0.4, 0.55, 0.6, 200, 560, 15)]),
        _line((-0.6, -1), (0.6, -1), (-0.1, 1)),
        torch.cat([_arc(0, -0.5, 0.45, 0.5, 90, 450, 12), _arc(0, 0.5, 0.6, 0.5, -90, 270, 13)]),
        torch.cat([_arc(0, -0.4, 0.55, 0.6, 20, -340, 15), _line((0.55, -0.4), (0.3, 1))]),
    ]
    segments = [torch.cat([points[:-1], points[1:]], 1) for points in skeletons]
    most = max(map(len, segments))
    return torch.stack([torch.cat([s, s[-1:, [2, 3, 2, 3]].expand(most - len(s), 4)]) for s in segments])


_SEGMENTS = _glyphs()


def render(classes: Tensor, factors: Tensor) -> Tensor:
    """Draw digits, white on black.

    The intensity of a pixel is clip(t/2 - d + 1/2, 0, 1) at a distance d from its centre to the skeleton of
    the digit, a union of line segments. A point (x, y) of the skeleton, from -1 to 1, is drawn at
    8.5 c (x - s y, y) + 14 + (dx, dy) in pixels.

    Args:
        classes: (N,) int64, the digit.
        factors: (N, 5): thickness t (pixels), slant s, scale c, and the shifts dx and dy (pixels).

    Returns:
        (N, 1, 28, 28) in [0, 1], of the factors' type and on their device, differentiable in the factors
        wherever no pixel is as near to two segments. It may be passed to ``torch.func``.
    """
    segments = _SEGMENTS.to(device=factors.device, dtype=factors.dtype)
    if len(factors) <= _AT_ONCE:
        return _draw(segments[classes], factors)
    parts = zip(torch.split(classes, _AT_ONCE), torch.split(factors, _AT_ONCE), strict=True)
    return torch.cat([_draw(segments[c], f) for c, f in parts])


def _draw(segments: Tensor, factors: Tensor) -> Tensor:
    thickness, slant, scale, x, y = (factor[:, None] for factor in factors.unbind(1))
    unit = _HALF_HEIGHT * scale
    x0, y0, x1, y1 = segments.unbind(2)  # each (N, M)
    x0, x1 = (unit * (px - slant * py) + _CENTRE + x for px, py in ((x0, y0), (x1, y1)))
    y0, y1 = (unit * py + _CENTRE + y for py in (y0, y1))
    along_x, along_y = x1 - x0, y1 - y0
    squared = along_x**2 + along_y**2 + _TINY_LENGTH

    centres = torch.arange(_SIDE, device=factors.device, dtype=factors.dtype) + 0.5
    from_x, from_y = centres - x0[..., None], centres - y0[..., None]  # (N, M, 28)
    along_x, along_y = along_x[..., None], along_y[..., None]
    part_x, part_y = from_x * (along_x / squared[..., None]), from_y * (along_y / squared[..., None])
    where = (part_x[..., None, :] + part_y[..., :, None]).clamp(0, 1)  # (N, M, 28, 28)
    off_x = from_x[..., None, :] - where * along_x[..., None]
    off_y = from_y[..., :, None] - where * along_y[..., None]
    distance = ((off_x**2 + off_y**2).amin(1, keepdim=True) + _TINY_DISTANCE).sqrt()
    return (thickness[..., None, None] / 2 - distance + 0.5).clamp(0, 1)
