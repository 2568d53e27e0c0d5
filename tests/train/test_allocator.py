import ctypes
import resource
import sys
from pathlib import Path

import pytest
import torch

from genbench.train import allocator
from genbench.train.allocator import give_back, keep_large_blocks


def faults(size):
    """Page faults of making a tensor of so many bytes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(size, dtype=torch.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
@pytest.mark.run
def test_a_large_block_is_kept():
    if not keep_large_blocks():
        pytest.skip("this C library cannot be told")
    size = 64 * 2**20
    counts = [faults(size) for _ in range(40)]  # small blocks between large ones keep some of them apart
    assert sum(counts[-10:]) < size // 4096  # where each is made anew it is ten times as many


@pytest.mark.run
def test_what_is_kept_is_given_back():
    if not keep_large_blocks():
        pytest.skip("this C library cannot be told")

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    torch.ones(256 * 2**20, dtype=torch.uint8)
    kept = resident()
    give_back(torch.device("cpu"))
    assert resident() < kept - 200 * 2**20


def test_other_c_libraries_are_left_alone(monkeypatch):
    class Other:
        def __getattr__(self, name):
            raise AttributeError(name)

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Other())
    for cached in (allocator._libc, keep_large_blocks):
        cached.cache_clear()
    try:
        assert keep_large_blocks() is False
        give_back(torch.device("cpu"))
    finally:
        for cached in (allocator._libc, keep_large_blocks):
            cached.cache_clear()
