"""The instrument that reads factors off images: one for all models of data with the same renderer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genbench.core.datainfo import DataInfo
from genbench.core.ids import bytes_hash
from genbench.core.paths import cache_dir
from genbench.features.extractor import exact
from genbench.features.factor_network import RECIPE, FactorCNN, train
from genbench.features.kept import blank, kept_or_trained
from genbench.features.weightfile import load

PINNED_ID = "strokes-factors"
PINNED_RENDERER = "strokes 1"
PINNED_WEIGHTS = Path(__file__).parent / "weights" / "strokes_factors.safetensors"
PINNED_HASH = "440c79a5e21b"

_BATCH = 256
_RATE = 0.03  # of a factor's range; falls to 0 over the refinement


class KnownFactors(Protocol):
    """What is needed of ``genbench.data.Factors``."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the F factors."""

    @property
    def low(self) -> NDArray[np.float64]:
        """(F,)."""

    @property
    def high(self) -> NDArray[np.float64]:
        """(F,)."""

    @property
    def instrument_examples(self) -> NDArray[np.uint8]:
        """(M, C, H, W)."""

    @property
    def instrument_labels(self) -> NDArray[np.int64]:
        """(M,)."""

    @property
    def instrument_values(self) -> NDArray[np.float32]:
        """(M, F)."""

    @property
    def render(self) -> Callable[[Any, Any], Any]:
        """Classes (N,) and factors (N, F) to images."""

    @property
    def renderer(self) -> str:
        """Its name and version."""


class Rendered(Protocol):
    """What is needed of a dataset (``genbench.data.Dataset`` has it)."""

    @property
    def info(self) -> DataInfo:
        """Name, shape and classes."""

    @property
    def factors(self) -> KnownFactors | None:
        """What its images were rendered from, where they were."""


class FactorValues(NamedTuple):
    """What was read off N images, on the CPU.

    Attributes:
        classes: (N,) int64, the likeliest class.
        values: (N, F) float32, in the factors' own units and within their ranges; not finite where an image
            is not.
    """

    classes: Tensor
    values: Tensor


@dataclass(frozen=True, eq=False)
class FactorReader:
    """A frozen network that reads class and factors, and the renderer that checks what it read.

    It knows nothing but images of the data: off them its values mean little, and the residual says so.

    Attributes:
        id: which reader: "strokes-factors", or "factors:<hash of what it was trained on>".
        hash: first 12 digits of the SHA-256 of its weights.
        pinned: whether the weights ship with genbench, so that everyone has the same.
        network: in evaluation mode.
        low, high: (F,) ends of the factors' ranges, where the network is.
        render: classes (N,) and factors (N, F) to images in [0, 1].
    """

    id: str
    hash: str
    pinned: bool
    network: FactorCNN
    low: Tensor
    high: Tensor
    render: Callable[[Any, Any], Any]

    def read(self, images: Tensor) -> FactorValues:
        """Class and factors of images (N, C, H, W), uint8 or float in [0, 1], on any device.

        The same image reads the same in any company, as with ``Extractor``. No gradient is kept.
        """
        found = [self._read(filled, count) for filled, count in self._batches(images)]
        return FactorValues(
            torch.cat([classes for classes, _ in found] or [torch.empty(0, dtype=torch.int64)]).cpu(),
            torch.cat([self._values(shares) for _, shares in found] or [torch.empty(0, len(self.low))]).cpu(),
        )

    def residual(self, images: Tensor, refine: int = 0) -> Tensor:
        """How much of each image its factors leave unexplained: ||x - render(c, f)||^2 / ||x||^2.

        0 for images that the renderer can make and the network reads without an error, 1 where a black
        image would explain as much. A black image has 1 by definition; one that is not finite has nan.

        Args:
            images: (N, C, H, W), uint8 or float in [0, 1], on any device.
            refine: steps of Adam on the factors, through the renderer, within their ranges; the smallest
                residual on the way counts. The class stays as it was read.

        Returns:
            (N,) float32 on the CPU.
        """
        found = [self._residual(filled, count, refine) for filled, count in self._batches(images)]
        return torch.cat(found or [torch.empty(0)]).cpu()

    def _batches(self, images: Tensor) -> Iterator[tuple[Tensor, int]]:
        """Full batches (256, C, H, W) in [0, 1], the last filled with black, and how many are images."""
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH].detach().to(self.low.device)
            scaled = batch.float() / 255 if batch.dtype == torch.uint8 else batch.float()
            filled = scaled.new_zeros((_BATCH, *scaled.shape[1:]))
            filled[: len(batch)] = scaled
            yield filled, len(batch)

    @torch.no_grad()
    def _read(self, filled: Tensor, count: int) -> tuple[Tensor, Tensor]:
        with exact(filled.device):
            logits, shares = self.network(filled)
        return logits[:count].argmax(1), shares[:count].clamp(0, 1)

    def _values(self, shares: Tensor) -> Tensor:
        return self.low + shares * (self.high - self.low)

    def _residual(self, filled: Tensor, count: int, refine: int) -> Tensor:
        classes, shares = self._read(filled, count)
        x = filled[:count]
        energy = x.square().flatten(1).sum(1)

        def left(shares: Tensor) -> Tensor:
            difference: Tensor = x - self.render(classes, self._values(shares))
            return torch.where(energy == 0, 1.0, difference.square().flatten(1).sum(1) / energy)

        with torch.no_grad():
            best = left(shares)
        return self._refined(left, shares, best, refine) if refine else best

    def _refined(self, left: Callable[[Tensor], Tensor], shares: Tensor, best: Tensor, refine: int) -> Tensor:
        """The smallest of ``best`` and what is ``left`` after each step."""
        shares = shares.clone().requires_grad_()
        optimizer = torch.optim.Adam([shares], lr=_RATE)
        for step in range(refine):
            optimizer.param_groups[0]["lr"] = _RATE * (1 - step / refine)
            with torch.enable_grad():
                (shares.grad,) = torch.autograd.grad(left(shares).sum(), shares)
            optimizer.step()
            with torch.no_grad():
                shares.clamp_(0, 1)
                best = torch.minimum(best, left(shares))
        return best


def factor_reader_for(dataset: Rendered, *, device: torch.device | str = "cpu") -> FactorReader:
    """The instrument that reads factors off samples of a dataset.

    Strokes, of all variants, have one that ships with genbench. For other data with factors one is trained
    on the split that no model sees and kept in the cache directory.

    Args:
        dataset: with known factors.
        device: where the network and the renderer run. What is read comes back to the CPU.

    Raises:
        ValueError: the factors of this data are not known.
        DataError: weights are damaged.

    Warns:
        GenbenchWarning: the cache cannot be written, so that the next run has to train again.
    """
    factors = dataset.factors
    if factors is None:
        raise ValueError(
            f"the factors of {dataset.info.name} are not known, and what reads them learns from known ones"
        )
    classes, channels = len(dataset.info.classes), dataset.info.shape[0]

    def make() -> FactorCNN:
        return FactorCNN(channels, classes, len(factors.names))

    pinned = factors.renderer == PINNED_RENDERER
    if pinned:
        name, network = PINNED_ID, blank(make)
        digest = load(network, PINNED_WEIGHTS, expect=PINNED_HASH, recipe="genbench.features.factor_recipe")
    else:
        seen = instrument_hash(factors)
        name = f"factors:{seen}"
        network, digest = kept_or_trained(
            cache_dir() / "features" / f"{seen}-factors{RECIPE}.safetensors",
            make,
            lambda: trained_on(factors, classes, device=device),
            what=f"reader of factors trained on {dataset.info.name}",
            notes={"recipe": RECIPE, "data": seen, "dataset": dataset.info.name},
        )
    network = network.to(device).eval().requires_grad_(False)
    low, high = (torch.from_numpy(end).float().to(device) for end in (factors.low, factors.high))
    return FactorReader(name, digest, pinned, network, low, high, factors.render)


def trained_on(
    factors: KnownFactors, classes: int, *, seed: int = 0, device: torch.device | str = "cpu"
) -> FactorCNN:
    """A network trained on the instrument split."""
    shares = (factors.instrument_values - factors.low) / (factors.high - factors.low)
    return train(
        factors.instrument_examples,
        factors.instrument_labels,
        shares.astype(np.float32),
        classes=classes,
        seed=seed,
        device=device,
    )


def instrument_hash(factors: KnownFactors) -> str:
    """Hash of all that a reader learns from."""
    arrays = (factors.instrument_examples, factors.instrument_labels, factors.instrument_values)
    ranges = (np.ascontiguousarray(end) for end in (factors.low, factors.high))
    contents = (np.ascontiguousarray(array).data.cast("B") for array in (*arrays, *ranges))
    return bytes_hash(repr((factors.renderer, arrays[0].shape)).encode(), *contents)
