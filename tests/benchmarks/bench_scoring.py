"""Features of 2,000 images by the pinned network, and metrics on two sets of 5,000 features of width 64."""

import pytest
import torch

from genbench.core.registry import datasets
from genbench.features import extractor_for
from genbench.metrics import authenticity, frechet_distance, kernel_distance, prdc

METRICS = {each.__name__: each for each in (frechet_distance, kernel_distance, prdc, authenticity)}
CALLS = {"frechet_distance": 40, "authenticity": 5}
"""Of metrics that are done in less than half a second: so many make a round."""


def test_features(beside, device):
    extractor = extractor_for(datasets.get("digits")().load(), device=device)
    images = torch.randint(0, 256, (2000, *extractor.shape), dtype=torch.uint8)
    assert len(extractor(images).values) == 2000
    beside(lambda: extractor(images))


@pytest.mark.parametrize("name", METRICS)
def test_metric(beside, device, name):
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(5000, 64, generator=generator).to(device) for _ in range(2))
    calls = CALLS.get(name, 1)
    METRICS[name](real, fake)  # warms up
    beside(lambda: [METRICS[name](real, fake) for _ in range(calls)], each=calls)
