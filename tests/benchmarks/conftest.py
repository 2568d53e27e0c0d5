"""Benchmarks run on the device that training would choose, on one thread of a CPU."""

from statistics import median

import pytest


@pytest.fixture(scope="session")
def device():
    """Where benchmarks run. On a busy machine threads that wait for each other spin, and spend CPU time.

    Memory is kept as in a run, whichever benchmarks came before.
    """
    import torch

    from genbench.train.allocator import keep_large_blocks
    from genbench.train.device import choose_device

    keep_large_blocks()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield choose_device("auto")
    torch.set_num_threads(before)


@pytest.fixture
def beside(benchmark, device):
    """Times a call in rounds beside matrix products; ``each`` is what a round has many of (steps, calls).

    ``normalized`` in ``extra_info`` is what benchmarks/against_baseline.py compares: GFLOP of products in the
    time of one of these.
    """
    import torch
    from beside import rounds_in_products

    def measure(call, dtype=torch.float32, *, each=1, rounds=5, **about):
        seconds, gflop = rounds_in_products(benchmark.pedantic, call, device, dtype, rounds=rounds)
        benchmark.extra_info.update(
            about,
            normalized=median(gflop) / each,
            normalized_rounds=[one / each for one in gflop],
            ms=1e3 * median(seconds) / each,
            device=device.type,
            precision=str(dtype).removeprefix("torch."),
            torch=torch.__version__,
        )

    return measure
