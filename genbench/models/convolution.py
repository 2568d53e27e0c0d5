"""Convolutions with 4 x 4 kernels, stride 2 and padding 1, as matrix products.

The lanes of a cohort are vectorized: a convolution becomes a grouped convolution, which libraries run slowly,
while a matrix product becomes a batched matrix product, which costs no more than its parts. So these gather
the patches of an image, channels last, and multiply. They are ``torch.conv2d`` and ``torch.conv_transpose2d``
with the weights in another order (a test compares them).

A 4 x 4 kernel at stride 2 is a 2 x 2 kernel at stride 1 over cells of 2 x 2 pixels. Its 16 taps are ordered
by cell (row, column), then by pixel in the cell (row, column).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

TAPS = 16


class Down(nn.Module):
    """Images (B, H, W, C) to (B, H/2, W/2, F); H and W are even. The weight is (16 C, F)."""

    def __init__(self, channels: int, features: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(TAPS * channels, features))
        self.bias = nn.Parameter(torch.empty(features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """The product of each patch with the weight."""
        batch, height, width, channels = x.shape
        h, w = height // 2, width // 2
        cells = pad(x, (0, 0, 1, 1, 1, 1)).view(batch, h + 1, 2, w + 1, 2, channels).transpose(2, 3)
        cells = cells.reshape(batch, h + 1, w + 1, 4 * channels)
        patches = torch.cat([cells[:, i : i + h, j : j + w] for i in (0, 1) for j in (0, 1)], dim=3)
        y = patches.reshape(batch * h * w, TAPS * channels) @ self.weight
        return (y if self.bias is None else y + self.bias).view(batch, h, w, -1)


class Up(nn.Module):
    """Images (B, H, W, C) to (B, 2H, 2W, F): ``Down``'s transpose. The weight is (C, 16 F)."""

    def __init__(self, channels: int, features: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, TAPS * features))
        self.bias = nn.Parameter(torch.empty(features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """The patch that each pixel spreads over, summed where they overlap."""
        batch, h, w, channels = x.shape
        patches = (x.reshape(batch * h * w, channels) @ self.weight).view(batch, h, w, 2, 2, -1)
        cells = sum(
            (pad(patches[:, :, :, i, j], (0, 0, j, 1 - j, i, 1 - i)) for i in (0, 1) for j in (0, 1)),
            start=torch.zeros((), dtype=x.dtype, device=x.device),
        )
        pixels = cells.view(batch, h + 1, w + 1, 2, 2, -1).transpose(2, 3)
        y = pixels.reshape(batch, 2 * h + 2, 2 * w + 2, -1)[:, 1:-1, 1:-1]
        return y if self.bias is None else y + self.bias


class ChannelsLast(nn.Module):
    """(B, C, H, W) to (B, H, W, C)."""

    def forward(self, x: Tensor) -> Tensor:
        """A view."""
        return x.permute(0, 2, 3, 1)


class ChannelsFirst(nn.Module):
    """(B, H, W, C) to (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """A view."""
        return x.permute(0, 3, 1, 2)
