import pytest
import torch

from genbench.train import clock
from genbench.train.clock import now, peak_memory, reset_peak_memory

CPU = torch.device("cpu")
MIB = 2**20


def test_time_does_not_go_back():
    times = [now(CPU) for _ in range(1000)]
    assert times == sorted(times)
    assert times[-1] > times[0]


def test_the_device_is_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    now(torch.device("cuda"))
    assert waited == [torch.device("cuda")]


def test_peak_memory_sees_a_big_tensor_until_it_is_reset():
    if not reset_peak_memory(CPU):
        pytest.skip("this system cannot reset the peak")
    before = peak_memory(CPU)
    big = torch.ones(100 * MIB // 4)
    during = peak_memory(CPU)
    assert during - before > 90 * MIB
    del big
    assert peak_memory(CPU) > during - MIB  # a little is counted late
    assert reset_peak_memory(CPU)
    assert peak_memory(CPU) < during - 90 * MIB


def test_systems_without_a_gauge(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(clock.Path, "write_text", refuse)
    monkeypatch.setattr(clock.Path, "read_text", refuse)
    assert reset_peak_memory(CPU) is False
    assert peak_memory(CPU) is None
