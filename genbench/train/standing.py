"""Standing statistics of batch normalization, computed once before sampling.

See ``genbench.models.normalization``: training normalizes by batch; a sample must not depend on the
others drawn with it, so its networks use fixed statistics, averaged over many batches of the same size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from genbench.core.datainfo import DataInfo
from genbench.core.ids import derive_seed
from genbench.models.normalization import BatchNorm
from genbench.models.protocol import Batch, GenerativeModel, Nets, Noise
from genbench.train.state import TrainState, lane_tensors, skeletons
from genbench.train.streams import draw
from genbench.train.update import as_seen

BATCHES = 64
"""Batches averaged over: with 128 examples each, statistics to about one percent."""


class _Average:
    """Running average of the statistics that each BatchNorm module would use on its batches."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str], tuple[Tensor, Tensor, int]] = {}

    def see(self, key: tuple[str, str], _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        mean, var = BatchNorm.statistics(inputs[0])
        old_mean, old_var, count = self.sums.get(key, (torch.zeros_like(mean), torch.zeros_like(var), 0))
        self.sums[key] = (old_mean + mean, old_var + var, count + 1)


@contextmanager
def _watched(modules: Mapping[str, nn.Module]) -> Iterator[_Average]:
    average = _Average()
    hooks = [
        module.register_forward_pre_hook(partial(average.see, (net, path)))
        for net, network in modules.items()
        for path, module in network.named_modules()
        if isinstance(module, BatchNorm)
    ]
    try:
        yield average
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def fill_standing_statistics(
    model: GenerativeModel,
    data: DataInfo,
    state: TrainState,
    seeds: Sequence[int],
    examples: Tensor,
    batch_size: int,
) -> None:
    """Write the standing statistics of every lane into ``state.buffers``.

    What the sampler passes through gets its statistics from prior samples, all else from the players'
    losses on training examples, which is where those networks are used.

    Args:
        model: which model.
        data: shape of the examples.
        state: of all lanes.
        seeds: of the lanes.
        examples: training examples (N, ...).
        batch_size: as in training.
    """
    modules = skeletons(model, data)
    if not any(isinstance(m, BatchNorm) for net in modules.values() for m in net.modules()):
        return
    dtype = state.dtype
    for lane, seed in enumerate(seeds):
        nets = Nets(modules, lane_tensors(state, lane))
        with _watched(modules) as average:
            _play(model, nets, seed, examples, batch_size, dtype)
        with _watched(modules) as of_samples:
            _sample(model, model.prior(data), nets, seed, examples.device, batch_size, dtype)
        for (net, path), (mean, var, count) in {**average.sums, **of_samples.sums}.items():
            state.buffers[net][f"{path}.standing_mean"][lane] = mean / count
            state.buffers[net][f"{path}.standing_var"][lane] = var / count


def _play(
    model: GenerativeModel, nets: Nets, seed: int, examples: Tensor, batch_size: int, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(derive_seed(seed, "standing", "images"))
    for number in range(BATCHES // 4):
        index = torch.randint(len(examples), (batch_size,), generator=generator)
        x = as_seen(examples[index.to(examples.device)], dtype)
        for player in model.players:
            noise = {
                name: draw(
                    n, batch_size, seed, "standing", player.name, name, number, device=x.device, dtype=x.dtype
                )
                for name, n in player.noise.items()
            }
            player.loss(nets, Batch(x, noise))


def _sample(
    model: GenerativeModel,
    prior: Noise,
    nets: Nets,
    seed: int,
    device: torch.device,
    batch_size: int,
    dtype: torch.dtype,
) -> None:
    for number in range(BATCHES):
        model.sample(nets, draw(prior, batch_size, seed, "standing", number, device=device, dtype=dtype))
