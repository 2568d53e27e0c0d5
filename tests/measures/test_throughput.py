import warnings
from dataclasses import replace

import pytest

from genbench.core.errors import GenbenchWarning
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Timing

TIMING = Timing(
    compile_s=7.0,
    warmup_s=1.0,
    block_steps=50,
    block_s=(2.0, 2.5, 2.5, 2.0, 3.0),
    sample_images=1000,
    sample_s=(0.5, 0.25),
    images_per_step=64,
    lanes=4,
    parameters=1234,
    flops_per_step=3_000_000_000,
    peak_memory_bytes=3 * 2**20,
    compiled=True,
    device="a machine",
)


@pytest.fixture(scope="module")
def throughput():
    return measures.get("throughput")()


@pytest.fixture
def measured(control, read, throughput):
    evidence = control("real", 2)
    return lambda **changes: read(
        throughput, Evidence(evidence.reference, evidence.samples, timing=replace(TIMING, **changes))
    )


def test_values(measured):
    assert {metric.removeprefix("throughput."): reading.value for metric, reading in measured().items()} == {
        "train_images_per_s": 50 * 64 * 4 / 2.5,
        "sample_images_per_s": 3000.0,
        "s_per_1000_steps": 50.0,
        "compile_s": 7.0,
        "warmup_s": 1.0,
        "peak_memory": 3.0,
        "parameters": 1234.0,
        "flops_per_step": 3.0,
    }


def test_blocks_and_errors(measured):
    found = measured()
    steps, sample = found["throughput.s_per_1000_steps"], found["throughput.sample_images_per_s"]
    assert (steps.n, sample.n) == (5, 2)
    assert 0 < steps.error <= 10  # medians of five such blocks lie within 40 to 60
    assert sample.error is None
    assert steps.error == measured()["throughput.s_per_1000_steps"].error
    assert measured(block_s=(2.0,) * 8)["throughput.s_per_1000_steps"].error == 0


def test_error_is_that_of_a_median(measured):
    import numpy as np

    random = np.random.default_rng(0)
    blocks = tuple(random.normal(10, 1, 100))
    # standard error of a normal median: 1.2533 / sqrt(n); twice 50 steps make 20 s per 1000 of every second
    expected = 1.96 * 1.2533 / 10 * 20
    assert measured(block_s=blocks)["throughput.s_per_1000_steps"].error == pytest.approx(expected, rel=0.35)


def test_nothing_without_a_clock(control, throughput):
    assert list(throughput(control("real", 2))) == []


def test_eager_steps_take_no_time_to_compile(measured):
    assert measured(compiled=False, compile_s=0.0)["throughput.compile_s"].value == 0.0


def test_what_is_not_known_has_a_reason(measured):
    found = measured(flops_per_step=None, peak_memory_bytes=None, sample_s=(), block_s=())
    for name in (
        "train_images_per_s",
        "sample_images_per_s",
        "s_per_1000_steps",
        "peak_memory",
        "flops_per_step",
    ):
        reading = found[f"throughput.{name}"]
        assert (reading.value, reading.n) == (None, 0)
        assert reading.reason


def test_clocks_are_stamped_with_lanes_and_device_and_counts_are_not(measured):
    found = measured()
    assert found["throughput.train_images_per_s"].protocol == {"lanes": 4, "device": "a machine"}
    assert found["throughput.warmup_s"].protocol == {"lanes": 4, "device": "a machine"}
    assert found["throughput.parameters"].protocol == {}
    assert found["throughput.flops_per_step"].protocol == {}


@pytest.mark.parametrize("of", ["process", "device"])
def test_memory_is_stamped_with_whose_it_is(measured, of):
    reading = measured(memory_of=of)["throughput.peak_memory"]
    assert reading.protocol == {"lanes": 4, "device": "a machine", "memory": of}


def test_sampling_and_training_lack_blocks_for_reasons_of_their_own(measured):
    found = measured(sample_s=(), block_s=())
    assert "too few steps" in found["throughput.train_images_per_s"].reason
    assert "too few steps" in found["throughput.s_per_1000_steps"].reason
    assert "too few samples" in found["throughput.sample_images_per_s"].reason


def test_scattered_blocks_are_said(measured):
    with pytest.warns(GenbenchWarning, match=r"slowest timed block of training took 4\.0 times"):
        measured(block_s=(1.0, 1.0, 4.0))
    with pytest.warns(GenbenchWarning, match="of sampling"):
        measured(sample_s=(1.0, 1.0, 1.0, 9.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured(block_s=(1.0, 1.0, 2.9))
