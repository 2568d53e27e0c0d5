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
    updates_per_step=6,
    lanes=4,
    parameters=1234,
    flops_per_step=3_000_000_000,
    peak_memory_bytes=3 * 2**20,
    compiled=True,
    device="a machine",
    latency_s=(0.001, 0.002, 0.002, 0.003, 0.012),
    peak_flops=(800e9, 900e9, 960e9, 960e9, 970e9, 980e9),
    joules=500.0,
    joules_steps=250,
    energy_of="a meter",
)

MADE = {"lanes": 4, "compiled": True}
"""What every number of a clock is stamped with."""


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
        "lane_images_per_s": 50 * 64 / 2.5,
        "updates_per_s": 50 * 6 * 4 / 2.5,
        "lane_updates_per_s": 50 * 6 / 2.5,
        "sample_images_per_s": 3000.0,
        "latency_p50": 2.0,
        "latency_p99": pytest.approx(3.0 + 0.96 * 9.0),  # 99 % of four gaps: 0.96 into the last
        "s_per_1000_steps": 50.0,
        "compile_s": 7.0,
        "warmup_s": 1.0,
        "peak_memory": 3.0,
        "parameters": 1234.0,
        "flops_per_image": 3000 / 64,
        "achieved": 3.0 * 4 * 50 / 2.5,
        "utilization": 240.0 / 960.0,
        "peak": 960.0,
        "energy": 1000 * 500.0 / (250 * 64 * 4),
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


def test_a_shared_program_is_not_one_that_compiles_in_no_time(measured):
    reading = measured(compile_shared=True, compile_s=0.0)["throughput.compile_s"]
    assert reading.value is None
    assert "earlier cohort" in reading.reason


def test_eager_steps_take_no_time_to_compile(measured):
    assert measured(compiled=False, compile_s=0.0)["throughput.compile_s"].value == 0.0


def test_what_is_not_known_has_a_reason(measured):
    found = measured(images_per_step=0, peak_memory_bytes=None, sample_s=(), block_s=())
    for name in (
        "train_images_per_s",
        "sample_images_per_s",
        "s_per_1000_steps",
        "peak_memory",
        "flops_per_image",
        "achieved",
        "utilization",
        "lane_images_per_s",
        "updates_per_s",
        "lane_updates_per_s",
    ):
        reading = found[f"throughput.{name}"]
        assert (reading.value, reading.n) == (None, 0)
        assert reading.reason


def test_clocks_are_stamped_with_lanes_and_device_and_counts_are_not(measured):
    found = measured()
    assert found["throughput.train_images_per_s"].protocol == {**MADE, "device": "a machine"}
    assert found["throughput.warmup_s"].protocol == {**MADE, "device": "a machine"}
    assert found["throughput.parameters"].protocol == {}
    assert found["throughput.flops_per_image"].protocol == {}


@pytest.mark.parametrize("lanes", [1, 3, 8])
def test_a_cohort_is_lanes_times_a_lane(measured, lanes):
    found = measured(lanes=lanes)
    for cohort, lane in (
        ("train_images_per_s", "lane_images_per_s"),
        ("updates_per_s", "lane_updates_per_s"),
    ):
        of_all, of_one = found[f"throughput.{cohort}"], found[f"throughput.{lane}"]
        assert of_all.value == pytest.approx(lanes * of_one.value)
        assert of_all.error == pytest.approx(lanes * of_one.error)
    assert found["throughput.lane_updates_per_s"].value == 50 * 6 / 2.5  # its own clock is all that counts
    assert found["throughput.flops_per_image"].value == 3000 / 64


@pytest.mark.parametrize("tf32", [None, True, False])
def test_utilization_is_achieved_by_peak_and_compares_across_machines(measured, tf32):
    found = measured(tf32=tf32)
    achieved, peak, share = (found[f"throughput.{name}"] for name in ("achieved", "peak", "utilization"))
    assert share.value == achieved.value / peak.value
    stamp = {} if tf32 is None else {"tf32": tf32}
    assert share.protocol == {**MADE, **stamp}
    assert peak.protocol == {**MADE, "device": "a machine", **stamp}
    assert achieved.protocol == {**MADE, "device": "a machine", **stamp}


def test_utilization_is_as_uncertain_as_both_of_its_sides(measured):
    still = measured(block_s=(2.5,) * 9, peak_flops=(960e9,) * 9)["throughput.utilization"]
    blocks = measured(peak_flops=(960e9,) * 9)["throughput.utilization"]
    both = measured()["throughput.utilization"]
    assert still.error == 0 < blocks.error < both.error
    assert measured(peak_flops=(960e9,))["throughput.utilization"].error is None


def test_no_peak_no_utilization(measured):
    found = measured(peak_flops=())
    for name in ("peak", "utilization"):
        assert found[f"throughput.{name}"].value is None
        assert "do not fit into memory" in found[f"throughput.{name}"].reason
    assert found["throughput.achieved"].value == 240.0


def test_latency_has_no_error_beyond_its_slowest_call(measured):
    found = measured()
    assert found["throughput.latency_p50"].error > 0
    assert found["throughput.latency_p99"].error is None
    assert found["throughput.latency_p99"].n == found["throughput.latency_p50"].n == 5
    assert measured(latency_s=())["throughput.latency_p99"].reason == "No single sample was timed."


def test_energy_says_what_was_metered_or_why_nothing_was(measured):
    assert measured()["throughput.energy"].protocol == {
        **MADE,
        "device": "a machine",
        "energy": "a meter",
    }
    missing = measured(joules=None, energy_missing="No meter: buy one.")["throughput.energy"]
    assert (missing.value, missing.reason) == (None, "No meter: buy one.")
    assert "too few steps" in measured(joules=0.0, joules_steps=0)["throughput.energy"].reason


def test_a_model_that_draws_no_images_has_no_cost_of_one(measured):
    found = measured(images_per_step=0)
    for name in ("flops_per_image", "energy"):
        assert found[f"throughput.{name}"].reason == "No player of this model draws real images."


@pytest.mark.parametrize("of", ["process", "device"])
def test_memory_is_stamped_with_whose_it_is(measured, of):
    reading = measured(memory_of=of)["throughput.peak_memory"]
    assert reading.protocol == {**MADE, "device": "a machine", "memory": of}


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
