import math
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from genbench.train.energy import NO_METER, open_meter

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def powercap(tmp_path):
    """A tree as Linux shows it: domains by folder, (name, microjoules, range)."""

    def plant(**domains):
        for folder, (name, energy, full) in domains.items():
            path = tmp_path / folder.replace("_", ":").replace("rapl", "intel-rapl")
            path.mkdir(exist_ok=True)
            (path / "name").write_text(f"{name}\n")
            (path / "energy_uj").write_text(f"{energy}\n")
            (path / "max_energy_range_uj").write_text(f"{full}\n")
        return tmp_path

    return plant


def test_packages_are_added_and_their_parts_and_the_platform_are_not(powercap):
    tree = {
        "rapl_0": ("package-0", 5_000_000, 10**9),
        "rapl_1": ("package-1", 1_000_000, 10**9),
        "rapl_2": ("psys", 0, 10**9),
        "rapl_0_0": ("core", 0, 10**9),
    }
    meter = open_meter(CPU, root := powercap(**tree))
    assert (meter.of, meter.missing) == ("CPU packages", "")
    mark = meter.mark()
    tree["rapl_0"] = ("package-0", 7_500_000, 10**9)
    tree["rapl_1"] = ("package-1", 1_250_000, 10**9)
    tree |= {"rapl_2": ("psys", 10**8, 10**9), "rapl_0_0": ("core", 10**8, 10**9)}
    assert powercap(**tree) == root
    assert meter.since(mark) == pytest.approx(2.75)


def test_a_counter_that_began_again(powercap):
    root = powercap(rapl_0=("package-0", 9_000_000, 10_000_000), rapl_1=("package-1", 1_000_000, 10_000_000))
    meter = open_meter(CPU, root)
    mark = meter.mark()
    powercap(rapl_0=("package-0", 500_000, 10_000_000), rapl_1=("package-1", 3_000_000, 10_000_000))
    assert meter.since(mark) == pytest.approx(1.5 + 2.0)


def test_a_machine_without_counters_says_so(tmp_path, powercap):
    assert "no intel-rapl package" in open_meter(CPU, tmp_path / "nowhere").missing
    only_psys = open_meter(CPU, powercap(rapl_0=("psys", 1, 2)))
    assert "no intel-rapl package" in only_psys.missing
    assert "modprobe" in only_psys.missing
    assert only_psys.mark() is None and math.isnan(only_psys.since(None))


def test_counters_that_only_root_may_read_are_named_with_the_remedy(powercap, monkeypatch):
    from pathlib import Path

    root = powercap(rapl_0=("package-0", 1, 10))
    real = Path.read_text

    def guarded(path, *a, **k):
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *a, **k)

    monkeypatch.setattr(Path, "read_text", guarded)
    missing = open_meter(CPU, root).missing
    assert f"sudo chmod a+r {root}/intel-rapl:0/energy_uj" in missing


def test_counters_with_nonsense_in_them(powercap):
    root = powercap(rapl_0=("package-0", "many", 10))
    assert "cannot be read" in open_meter(CPU, root).missing


def test_a_counter_that_stops_answering_costs_the_energy_only(powercap):
    root = powercap(rapl_0=("package-0", 1, 10))
    meter = open_meter(CPU, root)
    mark = meter.mark()
    (root / "intel-rapl:0" / "energy_uj").unlink()
    assert meter.mark() is None
    assert math.isnan(meter.since(mark))


class NVMLError(Exception):
    pass


@pytest.fixture
def nvml(monkeypatch):
    """A GPU's counter in millijoules, found by its UUID."""
    fake, asked = ModuleType("pynvml"), []
    fake.millijoules, fake.NVMLError, fake.asked = 1_000, NVMLError, asked
    fake.nvmlInit = lambda: None
    fake.nvmlDeviceGetHandleByUUID = asked.append
    fake.nvmlDeviceGetTotalEnergyConsumption = lambda handle: fake.millijoules
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    properties = SimpleNamespace(uuid="1234-abcd")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    return fake


def test_a_gpu_counts_in_millijoules(nvml):
    meter = open_meter(CUDA)
    assert (meter.of, meter.missing, nvml.asked) == ("GPU", "", ["GPU-1234-abcd"])
    mark = meter.mark()
    nvml.millijoules += 2_500
    assert meter.since(mark) == pytest.approx(2.5)


def test_a_gpu_that_does_not_tell(nvml):
    def refuse(handle):
        raise NVMLError("Not Supported")

    meter = open_meter(CUDA)
    mark = meter.mark()
    nvml.nvmlDeviceGetTotalEnergyConsumption = refuse
    assert math.isnan(meter.since(mark))  # in the middle of a training
    assert "Not Supported" in open_meter(CUDA).missing


def test_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "pip install nvidia-ml-py" in open_meter(CUDA).missing
    assert NO_METER.mark() is None
