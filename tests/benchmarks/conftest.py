"""Benchmarks run on the device that training would choose, with all processors of a CPU."""

import os

import pytest


@pytest.fixture(scope="session")
def device():
    """Where benchmarks run."""
    import torch

    from genbench.train.device import choose_device

    before = torch.get_num_threads()
    available = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())
    torch.set_num_threads(len(available))  # tests have one, see the conftest above
    yield choose_device("auto")
    torch.set_num_threads(before)
