"""Small data with factors and generators of it, for measures that look into models."""

import numpy as np
import torch

from genbench.core.datainfo import DataInfo
from genbench.data.dataset import Dataset, Factors
from genbench.features.protocol import Features
from genbench.measures.evidence import Evidence, Reference
from genbench.measures.generator import Generator, Networks
from genbench.measures.posthoc_encoder import fit_encoder

CPU = torch.device("cpu")
CLASSES = 3


def render(classes, factors):
    """Images (N, 1, 2, 3): two factors, their mean, and one pixel for each class."""
    images = torch.cat([factors, factors.mean(1, keepdim=True), torch.eye(CLASSES)[classes]], 1)
    return images.view(-1, 1, 2, 3)


def dataset(n=300, *, factors=True):
    """Images of two factors in [0, 1] and three classes."""
    random = np.random.default_rng(0)
    y, f = random.integers(0, CLASSES, n), random.random((n, 2), dtype=np.float32)
    x = (render(torch.from_numpy(y), torch.from_numpy(f)) * 255).round().to(torch.uint8).numpy()
    known = Factors(("a", "b"), np.zeros(2), np.ones(2), f, f, x, y, f, render, "tiny 1")
    return Dataset(
        DataInfo("tiny", (1, 2, 3), tuple("abc")), x, y, x, y, "made", factors=known if factors else None
    )


def points():
    """Points in the plane, of no class."""
    x = np.random.default_rng(0).standard_normal((60, 2)).astype(np.float32)
    return Dataset(DataInfo("points", (2,)), x, np.zeros(60, int), x, np.zeros(60, int), "made")


def generator(decode, latent=3, *, encode=None, seen=None):
    """A generator of N(0, I)."""
    networks = None if seen is None else Networks(lambda z: {}, lambda z, n, m: z, lambda z: z, seen)
    return Generator(latent, "normal", 5, CPU, decode, encode=encode, networks=networks)


def perfect(z):
    """The renderer: z_0 and z_1 the factors, z_2 the class."""
    share = torch.special.ndtr(z)
    return render((share[:, 2].detach() * CLASSES).long().clamp(max=CLASSES - 1), share[:, :2])


def constant(z):
    """One image, whatever z is."""
    return torch.full((len(z), 1, 2, 3), 0.5) + 0 * z.sum(1).view(-1, 1, 1, 1)


def broken(z):
    """Nothing but NaN."""
    return constant(z) * torch.nan


def reference(data, untrained=()):
    """A reference whose extractor and factor reader read pixels."""
    found = Reference(data, CPU, untrained)
    if data.info.is_image:
        vars(found)["extractor"] = Pixels()
        vars(found)["factor_reader"] = Pixels()
    return found


class Pixels:
    """Pixels as features, factors and classes."""

    id, hash = "pixels", "0" * 12

    def __call__(self, images):
        x = images[:].flatten(1).float() / 255
        return Features(x, x[:, 3:].softmax(1))

    def read(self, images):
        return type("Values", (), {"values": images.flatten(1)[:, :2].float() / 255})


def evidence(made, data=None):
    """Evidence of a generator, or of samples alone."""
    data = data or dataset()
    if made is None:
        samples = torch.from_numpy(data.test_examples)
    else:
        with torch.no_grad():
            x = made.decode(made.draw(400, "samples"))
        samples = (x.nan_to_num() * 255).round().to(torch.uint8) if data.info.is_image else x
    return Evidence(reference(data), samples, generator=made)


def quick_encoder(made, steps=250):
    """As the real one, after fewer steps."""
    return fit_encoder(made, sigma=0.1, steps=steps, seed=made.seed)


def by_metric(readings, columns):
    """Readings by the name after the dot; exactly the columns declared, each a number or a reason."""
    found = {reading.column: reading for reading in readings}
    assert set(found) == set(columns)
    for reading in found.values():
        assert (reading.value is None) == bool(reading.reason)
        assert reading.value is None or np.isfinite(reading.value)
    return {column.metric.split(".")[1]: reading for column, reading in found.items()}
