"""The network behind the features: a small convolutional classifier for images of any shape."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

FEATURES = 64
"""Width of the feature layer. Small on purpose: the bias of a Fréchet distance grows with its square."""

_GRID = 7  # 28 x 28, halved twice: for the digits the adaptive pool changes nothing


class Outputs(NamedTuple):
    """What the network says of a batch: features (N, 64) and logits (N, classes), float32."""

    features: Tensor
    logits: Tensor


class SmallCNN(nn.Module):
    """Three convolutions, one feature layer, one linear classifier.

    The features are taken before the rectifier: no dimension of them is dead, and their distribution
    is nearer to the Gaussian that the Fréchet distance assumes. Each has mean 0 and variance 1 on the
    augmented training images, so that none dominates and a cubic kernel keeps to numbers near 1.
    Measure in evaluation mode: BatchNorm then uses its running statistics, and an image's features do
    not depend on its batch-mates.

    Args:
        channels: C of the images.
        classes: number of classes.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, 32, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(64, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(_GRID),
            nn.Flatten(),
        )
        self.embed = nn.Linear(64 * _GRID * _GRID, FEATURES, bias=False)
        self.standardize = nn.BatchNorm1d(FEATURES, affine=False)
        self.classify = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> Outputs:
        """Features and logits of images (N, C, H, W), float32 in [0, 1]."""
        features = self.standardize(self.embed(self.trunk(images)))
        return Outputs(features, self.classify(functional.relu(features)))
