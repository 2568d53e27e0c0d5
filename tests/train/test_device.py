import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.errors import GenbenchError
from genbench.train import device

CPU = torch.device("cpu")


@pytest.fixture
def cuda(monkeypatch):
    return lambda there: monkeypatch.setattr(torch.cuda, "is_available", lambda: there)


def test_cuda_where_there_is_none_tells_what_to_do(cuda):
    cuda(False)
    with pytest.raises(GenbenchError, match=r"--device cuda: .*Use --device auto or cpu.*CUDA build"):
        device.choose_device("cuda")


def test_devices(cuda):
    cuda(False)
    assert device.choose_device("auto") == device.choose_device("cpu") == CPU
    cuda(True)
    assert device.choose_device("auto").type == device.choose_device("cuda").type == "cuda"
    assert device.choose_device("cpu") == CPU


@pytest.mark.parametrize(
    ("wanted", "fast", "chosen"),
    [
        ("auto", True, "bfloat16"),
        ("auto", False, "float32"),
        ("float32", True, "float32"),
        ("bfloat16", False, "bfloat16"),
    ],
)
def test_precisions(monkeypatch, wanted, fast, chosen):
    monkeypatch.setattr(device, "fast_bfloat16", lambda _: fast)
    assert device.choose_precision(wanted, CPU, DataInfo("images", (1, 4, 4))) == chosen
    assert device.COMPUTE[chosen] == {"float32": None, "bfloat16": torch.bfloat16}[chosen]


@pytest.mark.parametrize(("flags", "fast"), [("avx512_bf16", True), ("amx_bf16", True), ("avx2", False)])
def test_bfloat16_of_a_cpu_is_read_from_its_flags(monkeypatch, flags, fast):
    monkeypatch.setattr(device.Path, "read_text", lambda _: f"model name\t: A CPU\nflags\t\t: fpu {flags}\n")
    assert device.fast_bfloat16(CPU) is fast
    assert device.device_name(CPU).startswith("A CPU, ")


def test_a_system_without_proc(monkeypatch):
    def missing(_):
        raise FileNotFoundError

    monkeypatch.setattr(device.Path, "read_text", missing)
    assert device.fast_bfloat16(CPU) is False
    assert device.device_name(CPU)


def test_a_missing_compiler_is_said_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(device.sys, "platform", "linux")
    assert "'g++' was not found: install g++" in device.compiler_missing(CPU)
    program(tmp_path / "clang++", "exit 0")  # PyTorch takes no other than g++ by itself
    assert "'g++' was not found" in device.compiler_missing(CPU)
    monkeypatch.setenv("CXX", "clang++")
    assert device.compiler_missing(CPU) == ""
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "no-such-compiler" in device.compiler_missing(CPU)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("exit 3", "does not work (`--version` ended with 3)"),
        ("kill -9 $$", "does not work (`--version` ended with -9)"),
        ("exec sleep 30", "did not tell its version within 0.3 s"),
        (None, "cannot be run (Exec format error)"),
    ],
)
def test_a_compiler_that_does_not_answer_is_none(monkeypatch, tmp_path, body, said):
    program(tmp_path / "c++", body)
    monkeypatch.setenv("CXX", str(tmp_path / "c++"))
    monkeypatch.setattr(device, "ANSWER_S", 0.3 if body and "sleep" in body else 20)
    told = device.compiler_missing(CPU)
    assert f"{str(tmp_path / 'c++')!r} {said}" in told and "or set CXX" in told


def program(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n" if body else "no program")
    path.chmod(0o755)
