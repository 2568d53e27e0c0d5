"""Clocks of a cohort: what is a steady block, what warms up, and what is written down of it."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.models.gan import GAN
from genbench.models.mlp import MLP
from genbench.runner.cost import clock_protocol, price_of
from genbench.runner.timing import timing_of, write_timing
from genbench.train.accounting import flops_per_step
from genbench.train.energy import Meter
from genbench.train.settings import Settings

PLANE = DataInfo("plane", (2,))
MODEL = GAN(latent=3, generator=MLP(hidden=(4,)), discriminator=MLP(hidden=(5,)), discriminator_steps=2)
SETTINGS = Settings(64, 6, torch.device("cpu"), processes=2)
CHUNKS = [(30, 9.0), (30, 0.5), (30, 0.25), (12, 7.0)]
METER = Meter("a test", lambda: (0,), (0,))


def training(**more):
    """Five blocks: one warms up, one has fewer steps, one warms up after training was continued."""
    return SimpleNamespace(
        **{
            "blocks": [(32, 8.0), (32, 2.0), (16, 1.5), (32, 6.0), (32, 3.0)],
            "joules": [64.0, 4.0, 2.0, 32.0, 8.0],
            "warmups": [0, 3],
            "state": SimpleNamespace(lanes=3),
            "peak_memory": 1234,
            "program": SimpleNamespace(compiled=True, shared=False),
            "compile_s": 20.0,
            **more,
        }
    )


@pytest.fixture(scope="module")
def price():
    return price_of(MODEL, PLANE, 3, SETTINGS)


@pytest.fixture
def timing(price):
    def make(meter=METER, **more):
        return timing_of(
            MODEL, PLANE, price, SETTINGS, training(**more), CHUNKS,
            latency_s=[0.1, 0.2], peak_flops=[4e9, 2e9], meter=meter,
        )  # fmt: skip

    return make


def test_blocks_and_chunks_that_warm_up_or_are_shorter_are_left_out(timing):
    found = timing()
    assert (found.compile_s, found.warmup_s) == (20.0, 8.0)
    assert (found.block_steps, found.block_s) == (32, (2.0, 3.0))
    assert (found.sample_images, found.sample_s) == (30, (0.5, 0.25))
    assert (found.lanes, found.peak_memory_bytes, found.memory_of) == (3, 1234, "process")
    assert (found.latency_s, found.peak_flops) == ((0.1, 0.2), (4e9, 2e9))
    assert (found.compiled, found.compile_shared, found.processes) == (True, False, 2)


def test_energy_is_that_of_all_steady_steps(timing):
    found = timing()
    assert (found.joules, found.joules_steps, found.energy_of) == (14.0, 80, "a test")
    assert found.energy_missing == ""
    lost = timing(joules=[64.0, 4.0, math.nan, 32.0, 8.0])
    assert lost.joules is None and "a test stopped answering" in lost.energy_missing
    assert timing(joules=[math.nan, 4.0, 2.0, 32.0, 8.0]).joules == 14.0  # of a block that warms up
    never = timing(replace(METER, missing="no counter"))
    assert (never.joules, never.energy_missing) == (None, "no counter")


def test_a_step_is_counted_by_hand(timing, price):
    found = timing()
    generator, discriminator = 3 * 4 + 4 + 4 * 2 + 2, 2 * 5 + 5 + 5 + 1
    assert found.parameters == generator + discriminator
    assert found.updates_per_step == 3  # two of the discriminator
    assert found.images_per_step == price.images == 2 * 6
    assert found.flops_per_step == price.flops == flops_per_step(MODEL, PLANE, 6)
    assert (price.lanes, price.processes) == (3, 2)


def test_seconds_are_compared_among_equals_only(price):
    assert clock_protocol(replace(price, device="here")) == {"lanes": 3, "device": "here", "processes": 2}
    assert clock_protocol(replace(price, device="here", processes=1)) == {"lanes": 3, "device": "here"}


def test_every_clock_has_its_line(timing, tmp_path):
    file = tmp_path / "timing.jsonl"
    write_timing(
        training(joules=[64.0, 4.0, math.nan, 32.0, 8.0]), CHUNKS, timing(), [(20, 0.5), (40, 0.75)], file
    )
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines == [
        {"phase": "compile", "seconds": 20.0},
        {"phase": "warm-up", "steps": 32, "seconds": 8.0},
        {"phase": "training", "steps": 32, "seconds": 2.0, "joules": 4.0},
        {"phase": "training", "steps": 16, "seconds": 1.5},
        {"phase": "warm-up", "steps": 32, "seconds": 6.0},
        {"phase": "training", "steps": 32, "seconds": 3.0, "joules": 8.0},
        *({"phase": "sampling", "images": n, "seconds": seconds} for n, seconds in CHUNKS),
        *({"phase": "latency", "images": 1, "seconds": seconds} for seconds in (0.1, 0.2)),
        *({"phase": "peak", "flops_per_s": speed} for speed in (4e9, 2e9)),
        {"phase": "evaluation", "step": 20, "seconds": 0.5},
        {"phase": "evaluation", "step": 40, "seconds": 0.75},
    ]
