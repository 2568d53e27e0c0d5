"""What a generative model is to the trainer: networks, players, a prior and a sampler.

A model never sees optimizers at work, lanes, devices or random generators: everything random is an
input, declared as ``Noise``. So its losses are pure functions that can be vectorized over seeds,
compiled, and tested against hand values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from genbench.core.datainfo import DataInfo
from genbench.models.optim import Optimizer

Tensors = Mapping[str, Tensor]
"""Parameters or buffers of one network, by name."""

Logs = Mapping[str, Tensor]
"""Scalars worth a curve, by name."""


@dataclass(frozen=True, slots=True)
class Noise:
    """A random input: the shape of one draw, and N(0, 1) or U(-1, 1)."""

    shape: tuple[int, ...]
    distribution: Literal["normal", "uniform"] = "normal"


class Batch(NamedTuple):
    """What a loss sees of the world: real examples x, and declared noise (B, ...).

    Images x are (B, C, H, W) in [-1, 1], points (B, D) in their own units.
    """

    x: Tensor
    noise: Tensors


class Nets:
    """The networks of one lane as functions: ``nets.G(z)`` calls network G with this lane's parameters.

    Parameters and inputs are cast to the compute dtype on entry and outputs back to the dtype of the
    parameters, so that losses and optimizers work at full precision whatever the networks use.

    Args:
        modules: the skeletons; they give the computation, their own parameters are not used.
        tensors: parameters and buffers of each network.
        compute: dtype of the networks' arithmetic; ``None`` leaves it to the parameters.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        tensors: Mapping[str, Tensors],
        compute: torch.dtype | None = None,
    ) -> None:
        self._modules = modules
        self._tensors = tensors
        self._compute = compute

    def __getattr__(self, name: str) -> Callable[[Tensor], Tensor]:
        if name.startswith("_") or name not in self._modules:
            raise AttributeError(f"no network {name!r}; this model has {', '.join(self._modules)}")
        return partial(self._call, name)

    def _call(self, name: str, x: Tensor) -> Tensor:
        tensors = self._tensors[name]
        if self._compute is None:
            output: Tensor = functional_call(self._modules[name], dict(tensors), (x,))
            return output
        cast = {key: value.to(self._compute) for key, value in tensors.items()}
        low: Tensor = functional_call(self._modules[name], cast, (x.to(self._compute),))
        return low.to(x.dtype)


Loss = Callable[[Nets, Batch], tuple[Tensor, Logs]]
"""(networks, batch) of one seed -> the scalar to be minimized, and logs."""


@dataclass(frozen=True, slots=True)
class Player:
    """A group of networks with its own loss and optimizer.

    Attributes:
        name: "generator", "discriminator", "critic", "autoencoder".
        trains: names of the networks it updates.
        loss: what it minimizes.
        optimizer: how.
        noise: the random inputs its loss takes.
        uses_data: whether its loss looks at real examples; if not, it consumes none of the data order.
        repeats: updates in one step (n_critic).
        clip: bound on each trained weight's magnitude after every update (weight clipping).
    """

    name: str
    trains: tuple[str, ...]
    loss: Loss
    optimizer: Optimizer
    noise: Mapping[str, Noise] = field(default_factory=dict)
    uses_data: bool = True
    repeats: int = 1
    clip: float | None = None


class GenerativeModel(Protocol):
    """What is registered as a model: a frozen dataclass whose fields are the options of ``[[model]]``."""

    version: ClassVar[str]

    def prior(self, data: DataInfo) -> Noise:
        """What ``sample`` takes: one latent."""
        ...

    @property
    def players(self) -> tuple[Player, ...]:
        """Who plays, in the order of one step."""
        ...

    def networks(self, data: DataInfo) -> Mapping[str, nn.Module]:
        """Freshly initialized networks for examples of this shape."""
        ...

    def sample(self, nets: Nets, z: Tensor) -> Tensor:
        """Latents (N, *prior.shape) to images (N, C, H, W) in [-1, 1], or to points (N, D)."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """A model that bounds the log-likelihood from below."""

    @property
    def posterior_noise(self) -> Mapping[str, Noise]:
        """The random inputs of one evaluation of the bound."""
        ...

    def elbo(self, nets: Nets, batch: Batch) -> Tensor:
        """The evidence lower bound of each example: (B,), nats."""
        ...

    def log_weight(self, nets: Nets, batch: Batch) -> Tensor:
        """log p(x, z) - log q(z|x) of each example at one draw of z: (B,), nats."""
        ...


@runtime_checkable
class Judging(Protocol):
    """A model with a network that is trained to tell examples from samples."""

    def judge(self, nets: Nets, x: Tensor) -> Tensor:
        """Examples (B, ...) as losses see them to logits or critic values (B,); the higher, the more real."""
        ...


@runtime_checkable
class Encoding(Protocol):
    """A model that infers the latent of an example."""

    def encode(self, nets: Nets, x: Tensor) -> Tensor:
        """Examples (B, ...) as losses see them to the mean of their latents (B, latent)."""
        ...
