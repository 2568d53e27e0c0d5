"""The peak and the meter are read around a training, and what they say reaches its records."""

import json

import pytest

from genbench.runner import cohort
from genbench.runner.job import run
from genbench.train.energy import Meter

CHEAP = ("train.steps=80", "samples=40", 'measures=["throughput"]')


@pytest.fixture
def measured(tiny_suite, told, monkeypatch, tmp_path):
    """A run with a meter that moves by a joule whenever it is read, and a peak that halves in training."""
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda records, folder: None)
    monkeypatch.setattr("genbench.runner.job.write_report", lambda directory: None)

    def make(read):
        peaks = iter([[4e9, 4e9, 4e9], [2e9, 2e9, 2e9]])
        monkeypatch.setattr(cohort, "matrix_product_peak", lambda device, dtype: next(peaks))
        monkeypatch.setattr(cohort, "open_meter", lambda device: Meter("a test", read, (0,)))
        result = run(tiny_suite(*CHEAP, only=["vae"]), out=tmp_path, reporter=told)
        found = {r.metric.removeprefix("throughput."): r for r in result.records if r.seed is None}
        (file,) = result.path.glob("trials/*/timing.jsonl")
        return found, [json.loads(line) for line in file.read_text().splitlines()]

    return make


@pytest.mark.run
def test_energy_and_peak_reach_the_records_and_the_clocks(measured):
    joules = iter(range(1_000_000, 10**9, 1_000_000))
    found, lines = measured(lambda: (next(joules),))
    # 80 steps are three blocks, the first of which warms up; 48 steps of 16 images in two lanes took 2 J
    assert found["energy"].value == pytest.approx(1000 * 2 / (48 * 16 * 2))
    assert found["energy"].protocol["energy"] == "a test"
    assert [(line["steps"], line["joules"]) for line in lines if line["phase"] == "training"] == [
        (32, 1.0),
        (16, 1.0),
    ]
    assert found["peak"].value == 3.0  # the median of before and after
    assert found["utilization"].value == found["achieved"].value / 3.0
    assert found["updates_per_s"].value == pytest.approx(2 * 1000 / found["s_per_1000_steps"].value)
    assert found["lane_updates_per_s"].value == found["updates_per_s"].value / 2
    assert found["latency_p50"].value <= found["latency_p99"].value
    assert found["latency_p99"].n == len([line for line in lines if line["phase"] == "latency"]) == 200


@pytest.mark.run
def test_a_meter_that_stops_answering_is_told(measured):
    left = [(1,), (2,), (3,)]

    def read():
        if not left:
            raise OSError("gone")
        return left.pop()

    found, lines = measured(read)
    assert found["energy"].value is None
    assert "stopped answering" in found["energy"].reason
    assert not any("joules" in line for line in lines if line["phase"] == "training")
    assert found["train_images_per_s"].value > 0
