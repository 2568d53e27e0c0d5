"""Rounds of a benchmark with matrix products before, between and after them, timed by the same clock.

How many products the machine could have made in the time of a round says the same on a faster machine, as far
as it is faster in everything. On a CPU the clock is that of the process, on one thread: what other programs
take of the machine is not in it, and no thread spins while it waits for another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch

from genbench.train.clock import now

SIZE = {"cpu": 2048, "cuda": 8192}
"""Rows and columns of both factors."""


def rounds_in_products(
    pedantic: Callable[..., Any],
    call: Callable[[], object],
    device: torch.device,
    dtype: torch.dtype,
    *,
    rounds: int,
) -> tuple[list[float], list[float]]:
    """Run the rounds of one benchmark.

    Args:
        pedantic: ``benchmark.pedantic`` of pytest-benchmark.
        call: one round.
        device: where both are computed.
        dtype: of the products: what the round computes in.
        rounds: how many.

    Returns:
        Seconds of each round by the clock, and GFLOP of products that fit into them.
    """
    clock = time.process_time if device.type == "cpu" else partial(now, device)
    multiply = _product(device, dtype)
    multiply()  # warms up
    seconds: list[float] = []
    products: list[float] = []

    def one_round() -> None:
        began = clock()
        call()
        seconds.append(clock() - began)

    def between() -> None:
        began = clock()
        multiply()
        products.append(clock() - began)

    pedantic(one_round, setup=between, rounds=rounds)
    between()
    gflop = 2 * SIZE[device.type] ** 3 / 1e9
    return seconds, [gflop * share for share in in_products(seconds, products)]


def in_products(seconds: Sequence[float], products: Sequence[float]) -> list[float]:
    """Each round's seconds over the mean of those of the product before it and the one after it."""
    pairs = pairwise(products)
    return [each / ((before + after) / 2) for each, (before, after) in zip(seconds, pairs, strict=True)]


def _product(device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
    """Normal numbers are multiplied: accelerators multiply zeros faster."""
    size = SIZE[device.type]
    generator = torch.Generator(device).manual_seed(0)
    a, b = (torch.randn(size, size, generator=generator, device=device).to(dtype) for _ in range(2))
    return partial(torch.mm, a, b, out=torch.empty_like(a))
