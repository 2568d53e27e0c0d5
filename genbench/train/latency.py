"""How long one sample takes: one lane, one latent after the other, as whoever asks for a single one waits."""

from __future__ import annotations

import torch

from genbench.core.datainfo import DataInfo
from genbench.models.protocol import GenerativeModel, Nets
from genbench.train.clock import now
from genbench.train.sampling import as_stored
from genbench.train.state import TrainState, lane_tensors, skeletons
from genbench.train.streams import draw

CALLS = 200
"""Timed calls: the 99th percentile then lies between the second and the third slowest."""

WARMUP = 20
"""Calls before the clock counts: they fill caches and let libraries choose their kernels."""


@torch.no_grad()
def latencies(
    model: GenerativeModel,
    data: DataInfo,
    state: TrainState,
    lane: int,
    seed: int,
    count: int,
    device: torch.device,
) -> list[float]:
    """Seconds of each of ``count`` calls, from a latent on the device to a sample there in its stored form.

    The networks run eagerly and in the precision of their parameters, as in all sampling, and the device has
    finished before the clock is read.

    Args:
        model: which model.
        data: shape of the examples.
        state: trained, with standing statistics.
        lane: which lane; the others do nothing meanwhile.
        seed: names the stream of latents.
        count: timed calls, after ``WARMUP`` others.
        device: where the state lives.
    """
    modules = {name: net.eval() for name, net in skeletons(model, data).items()}
    nets = Nets(modules, lane_tensors(state, lane))
    total = WARMUP + count
    z = draw(model.prior(data), total, seed, "latency", device=device, dtype=state.dtype)
    seconds: list[float] = []
    for number in range(total):
        one = z[number : number + 1]
        began = now(device)
        as_stored(model.sample(nets, one), data)
        seconds.append(now(device) - began)
    return seconds[WARMUP:]
