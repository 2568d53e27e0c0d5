"""Features of 2,000 images by the pinned network, and metrics on two sets of 5,000 features of width 64."""

import pytest
import torch

from genbench.core.registry import datasets
from genbench.features import extractor_for
from genbench.metrics import authenticity, frechet_distance, kernel_distance, prdc
from genbench.train.clock import now

METRICS = {each.__name__: each for each in (frechet_distance, kernel_distance, prdc, authenticity)}


def test_features(benchmark, device):
    extractor = extractor_for(datasets.get("digits")().load(), device=device)
    images = torch.randint(0, 256, (2000, *extractor.shape), dtype=torch.uint8)

    def extract():
        features = extractor(images)
        now(device)
        return features

    assert len(benchmark(extract).values) == 2000


@pytest.mark.parametrize("name", METRICS)
def test_metric(benchmark, device, name):
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(5000, 64, generator=generator).to(device) for _ in range(2))

    def score():
        value = METRICS[name](real, fake)
        now(device)
        return value

    benchmark(score)
