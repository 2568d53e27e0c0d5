"""A trained lane as functions, for measures that look into the model."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchWarning
from genbench.measures.generator import Generator, Networks
from genbench.models.normalization import BatchNorm
from genbench.models.protocol import Batch, Bounded, Encoding, GenerativeModel, Judging, Nets
from genbench.train.state import Tree, initial_state, lane_tensors, skeletons

_AFFINE = (nn.Linear, BatchNorm, nn.Flatten, nn.Unflatten, nn.Identity)
"""Layers whose product is affine in evaluation mode."""

_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.GELU, nn.SiLU, nn.Softplus)


def generator_of(
    model: GenerativeModel, data: DataInfo, tensors: Tree, seed: int, device: torch.device
) -> Generator:
    """One lane, opened.

    Args:
        model: which model.
        data: shape of the examples.
        tensors: parameters and buffers by network, standing statistics filled in.
        seed: of the trial.
        device: where the tensors are.

    Raises:
        ValueError: the model's latent is no vector.
    """
    prior = model.prior(data)
    if len(prior.shape) != 1:
        raise ValueError(f"its latent has shape {prior.shape}, and measures of generators take vectors")
    modules = {name: net.eval() for name, net in skeletons(model, data).items()}
    nets = Nets(modules, tensors)

    def as_trained(x: Tensor) -> Tensor:
        return 2 * x - 1 if data.is_image else x

    encode = _encoder(model, nets, as_trained, data, device)
    latent = prior.shape[0] if encode is None else encode[1]
    noise = prior.shape[0] - latent  # what the sampler takes beside the latent: it is held at its mean

    def decode(z: Tensor) -> Tensor:
        x = model.sample(nets, torch.cat((z, z.new_zeros(len(z), noise)), 1) if noise else z)
        return (x + 1) / 2 if data.is_image else x

    score, scored_by = _score(model, nets, as_trained)
    look = _looker(model, nets, as_trained)

    def hidden(z: Tensor) -> dict[str, Tensor]:
        with _layers(modules, {}) as outputs:
            decode(z)
        return outputs

    def without(z: Tensor, layer: str, mask: Tensor) -> Tensor:
        with _layers(modules, {layer: mask}) as outputs:
            x = decode(z)
        if layer not in outputs:
            raise ValueError(f"no hidden layer {layer!r}; the generator has {', '.join(outputs)}")
        return x

    def first(z: Tensor) -> Tensor:
        with _first_nonlinearity(modules) as inputs:
            decode(z)
        if not inputs:
            raise ValueError("the generator has no nonlinearity that is a module, such as nn.ReLU")
        return inputs[0].flatten(1)

    def seen(x: Tensor) -> dict[str, Tensor]:
        assert look is not None
        with _layers(modules, {}) as outputs:
            look(x)
        return {name: output.flatten(1) for name, output in outputs.items()}

    return Generator(
        latent=latent,
        distribution=prior.distribution,
        seed=seed,
        device=device,
        decode=decode,
        score=score,
        scored_by=scored_by,
        encode=None if encode is None else encode[0],
        networks=Networks(hidden, without, first, seen if look else None),
    )


def untrained_generators(
    model: GenerativeModel, data: DataInfo, seeds: Sequence[int], device: torch.device
) -> tuple[Generator, ...]:
    """A model before training, once for each seed; none where its latent is no vector.

    Batch normalization has mean 0 and variance 1 for its standing statistics: none were filled in.
    """
    if len(model.prior(data).shape) != 1:
        return ()
    state = initial_state(model, data, seeds, device=device)
    return tuple(
        generator_of(model, data, lane_tensors(state, lane), seed, device) for lane, seed in enumerate(seeds)
    )


def _score(
    model: GenerativeModel, nets: Nets, as_trained: Callable[[Tensor], Tensor]
) -> tuple[Callable[[Tensor], Tensor] | None, Literal["discriminator", "bound", ""]]:
    if isinstance(model, Judging):
        return (lambda x: model.judge(nets, as_trained(x))), "discriminator"
    if isinstance(model, Bounded):

        def bound(x: Tensor) -> Tensor:
            noise = {name: x.new_zeros(len(x), *n.shape) for name, n in model.posterior_noise.items()}
            return model.elbo(nets, Batch(as_trained(x), noise))

        return bound, "bound"
    return None, ""


def _encoder(
    model: GenerativeModel,
    nets: Nets,
    as_trained: Callable[[Tensor], Tensor],
    data: DataInfo,
    device: torch.device,
) -> tuple[Callable[[Tensor], Tensor], int] | None:
    """The model's own encoder and the size of its latent; ``None`` where what is called so is none.

    Any method may happen to be called ``encode``: it counts where it maps examples to latents, which are what
    the sampler takes, or the first of it (the rest being noise).
    """
    if not isinstance(model, Encoding):
        return None
    with torch.no_grad():
        try:
            found: object = model.encode(nets, as_trained(torch.zeros(2, *data.shape, device=device)))
        except TypeError as error:
            found = error
    if not (
        isinstance(found, Tensor) and found.ndim == 2 and 0 < found.shape[1] <= model.prior(data).shape[0]
    ):
        warnings.warn(
            f"{type(model).__name__}.encode is not used: it should map examples to the mean of their latents "
            "(B, latent), as genbench/models/protocol.py says. Rename it if it is something else.",
            GenbenchWarning,
            stacklevel=3,
        )
        return None
    return (lambda x: model.encode(nets, as_trained(x))), found.shape[1]


def _looker(
    model: GenerativeModel, nets: Nets, as_trained: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor] | None:
    if isinstance(model, Judging):
        return lambda x: model.judge(nets, as_trained(x))
    if isinstance(model, Encoding):
        return lambda x: model.encode(nets, as_trained(x))
    return None


@contextmanager
def _layers(modules: Mapping[str, nn.Module], masks: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of activations, those named in ``masks`` multiplied by their mask.

    A layer is named by its network and its number in the order of the calls, ``G.1``: a module may be called
    several times. Units, or channels, are last.
    """
    outputs: dict[str, Tensor] = {}
    calls: Counter[str] = Counter()

    def hook_of(net: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def hook(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
            calls[net] += 1
            name = f"{net}.{calls[net]}"
            outputs[name] = output * masks[name] if name in masks else output
            return outputs[name]

        return hook

    hooks = [
        module.register_forward_hook(hook_of(net))
        for net, network in modules.items()
        for module in network.modules()
        if isinstance(module, _ACTIVATIONS)
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _first_nonlinearity(modules: Mapping[str, nn.Module]) -> Iterator[list[Tensor]]:
    """Collect the input of the first module called that is not affine."""
    inputs: list[Tensor] = []

    def hook(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        inputs.append(given[0])

    hooks = [
        module.register_forward_pre_hook(hook)
        for network in modules.values()
        for module in network.modules()
        if not any(module.children()) and not isinstance(module, _AFFINE)
    ]
    try:
        yield inputs
    finally:
        for each in hooks:
            each.remove()
