"""Samples beside the training images nearest to them."""

from __future__ import annotations

import torch

from genbench.core.ids import derive_seed
from genbench.measures.evidence import Reference
from genbench.report.explanation.content import Neighbours
from genbench.runner.explaining.looking import Lens, as_images, as_numbers, as_stored, examples

SHOWN = 10
TYPICAL = 500
SEARCHED = 10_000
"""Training images that are searched, at most: features of more take too long."""


def neighbours(lens: Lens, reference: Reference) -> Neighbours:
    """The nearest training images in the space of features.

    Raises:
        DataError: the data has no extractor.
    """
    data = reference.dataset
    order = torch.randperm(len(data.train_examples), generator=_random(lens.seed, "train"))
    train = data.train_examples[order[:SEARCHED].sort().values.numpy()]
    test = data.test_examples[
        torch.randperm(len(data.test_examples), generator=_random(lens.seed, "test"))[:TYPICAL].numpy()
    ]
    extractor = reference.extractor
    memory = extractor(torch.from_numpy(train)).values.double()
    samples = lens.decode(lens.draw(SHOWN, "samples"))
    distances, nearest = torch.cdist(extractor(as_stored(samples)).values.double(), memory).min(1)
    typical = torch.cdist(extractor(torch.from_numpy(test)).values.double(), memory).amin(1)
    return Neighbours(
        samples=as_images(samples),
        nearest=as_images(examples(train[nearest.numpy()], reference.device)),
        distances=as_numbers(distances),
        typical=as_numbers(typical),
        searched=len(train),
        extractor=extractor.id,
    )


def _random(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, "explain", purpose))
