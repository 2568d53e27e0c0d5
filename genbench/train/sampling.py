"""From trained lanes to samples and bounds: evaluation of what training made, in the master precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import Batch, Bounded, GenerativeModel, Nets
from genbench.train.clock import now
from genbench.train.state import TrainState, lane_tensors, skeletons
from genbench.train.streams import draw
from genbench.train.update import as_seen

CHUNK = 250
"""Samples drawn, or examples scored, at once, in each lane."""


class Drawn(NamedTuple):
    """Samples of all lanes.

    Attributes:
        samples: (K, N, C, H, W) uint8 images, or (K, N, D) float32 points, on the CPU.
        times: (samples of all lanes, seconds) for every chunk.
        finite: for each lane, whether the model gave nothing but finite numbers; where not, its samples mean
            nothing.
    """

    samples: Tensor
    times: list[tuple[int, float]]
    finite: list[bool]


def sampler(
    model: GenerativeModel, data: DataInfo, state: TrainState
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function from latents (K, N, ...) to samples, as in ``Drawn``, and (K,) whether all are finite.

    Networks are in evaluation mode, so that a sample depends on its own latent only.
    """
    modules = {name: net.eval() for name, net in skeletons(model, data).items()}

    def lane(
        params: dict[str, dict[str, Tensor]], buffers: dict[str, dict[str, Tensor]], z: Tensor
    ) -> tuple[Tensor, Tensor]:
        tensors = {net: {**params[net], **buffers[net]} for net in modules}
        x = examples_of(model.sample(Nets(modules, tensors), z), len(z), data)
        return as_stored(x, data), x.isfinite().all()

    lanes = vmap(lane)
    return lambda z: lanes(state.params, state.buffers, z)


@torch.no_grad()
def sample_lanes(
    model: GenerativeModel,
    data: DataInfo,
    state: TrainState,
    seeds: Sequence[int | str],
    count: int,
    *,
    device: torch.device,
) -> Drawn:
    """``count`` samples of every lane, and how long they took.

    Args:
        model: which model.
        data: shape of the examples.
        state: trained, with standing statistics.
        seeds: name each lane's stream of latents; equal seeds give equal latents.
        count: samples a lane.
        device: where the state lives.

    Raises:
        TypeError, ValueError: what the model gives are no samples; see ``examples_of``.
    """
    generate = sampler(model, data, state)
    dtype = state.dtype
    parts: list[Tensor] = []
    times: list[tuple[int, float]] = []
    finite: list[Tensor] = []
    for number, start in enumerate(range(0, count, CHUNK)):
        size = min(CHUNK, count - start)
        began = now(device)
        z = torch.stack(
            # always a whole chunk, so that the first samples do not depend on how many are asked for
            [
                draw(model.prior(data), CHUNK, seed, "sample", number, device=device, dtype=dtype)[:size]
                for seed in seeds
            ]
        )
        samples, sound = generate(z)
        times.append((size * len(seeds), now(device) - began))
        parts.append(samples.cpu())
        finite.append(sound)
    return Drawn(torch.cat(parts, 1), times, torch.stack(finite).all(0).tolist())


@torch.no_grad()
def elbo(
    model: GenerativeModel, data: DataInfo, state: TrainState, lane: int, seed: int, examples: Tensor
) -> Tensor:
    """The evidence lower bound of each example by one lane, one draw of the posterior each: (N,), nats.

    Args:
        model: one that has a bound.
        data: shape of the examples.
        state: trained, with standing statistics.
        lane: which lane.
        seed: names the stream of posterior noise.
        examples: (N, ...), on the device.

    Raises:
        TypeError: the model has no bound.
        ValueError: it does not give one number for each example.
    """
    bounded, nets = _bounded(model, data, state, lane)
    batches = _with_posterior_noise(bounded, state, seed, examples, "bound")
    return torch.cat([_one_each("elbo", bounded.elbo(nets, batch), batch) for batch in batches])


@torch.no_grad()
def log_weights(
    model: GenerativeModel,
    data: DataInfo,
    state: TrainState,
    lane: int,
    seed: int,
    examples: Tensor,
    draws: int,
) -> Tensor:
    """ln p(x, z) - ln q(z|x) of each example by one lane at so many draws of z: (draws, N), nats.

    Args:
        model: one that has a bound.
        data: shape of the examples.
        state: trained, with standing statistics.
        lane: which lane.
        seed: names the stream of posterior noise.
        examples: (N, ...), on the device.
        draws: of the posterior, for each example.

    Raises:
        TypeError: the model has no bound.
        ValueError: it does not give one number for each example.
    """
    bounded, nets = _bounded(model, data, state, lane)
    return torch.stack(
        [
            torch.cat(
                [
                    _one_each("log_weight", bounded.log_weight(nets, batch), batch)
                    for batch in _with_posterior_noise(bounded, state, seed, examples, "weight", number)
                ]
            )
            for number in range(draws)
        ]
    )


def _bounded(model: GenerativeModel, data: DataInfo, state: TrainState, lane: int) -> tuple[Bounded, Nets]:
    if not isinstance(model, Bounded):
        raise TypeError(f"{type(model).__name__} does not bound the likelihood")
    modules = {name: net.eval() for name, net in skeletons(model, data).items()}
    return model, Nets(modules, lane_tensors(state, lane))


def _with_posterior_noise(
    model: Bounded, state: TrainState, seed: int, examples: Tensor, *purpose: str | int
) -> Iterator[Batch]:
    dtype = state.dtype
    for number, start in enumerate(range(0, len(examples), CHUNK)):
        chunk = examples[start : start + CHUNK]
        noise = {
            name: draw(n, len(chunk), seed, *purpose, name, number, device=chunk.device, dtype=dtype)
            for name, n in model.posterior_noise.items()
        }
        yield Batch(as_seen(chunk, dtype), noise)


def _one_each(method: str, values: Tensor, batch: Batch) -> Tensor:
    """What a model's bound gives: (B,), a number for each example."""
    if values.shape != (wanted := batch.x.shape[:1]):
        raise ValueError(f"{method} returns shape {tuple(values.shape)}, expected {tuple(wanted)}")
    return values


def examples_of(x: object, count: int, data: DataInfo) -> Tensor:
    """What ``sample`` gave for so many latents, if it is what a sampler is to give.

    Fewer samples than were asked for would be measured as if they were all, and without a word.

    Raises:
        TypeError: no tensor, or not of real floating-point numbers.
        ValueError: not one example for each latent, or examples of another shape than the data's.
    """
    if not isinstance(x, Tensor):
        wanted = ", ".join(["N", *map(str, data.shape)])
        raise TypeError(f"sample returns {type(x).__name__}, expected a tensor of shape ({wanted})")
    if (shape := tuple(x.shape[1:])) != data.shape:
        raise ValueError(f"sample returns examples of shape {shape}, expected {data.shape}")
    if len(x) != count:
        raise ValueError(f"sample returns {len(x)} examples for {count} latents, expected one for each")
    if not x.is_floating_point():
        raise TypeError(f"sample returns numbers of type {x.dtype}, expected floating-point ones")
    return x


def as_stored(x: Tensor, data: DataInfo) -> Tensor:
    """What a model made, in the form of its training examples: the inverse of ``as_seen``."""
    x = x.nan_to_num(0)
    return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8) if data.is_image else x.float()
