"""What a cohort's clocks say, gathered for the measures and written beside its first trial."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from genbench.core.datainfo import DataInfo
from genbench.measures.evidence import Timing
from genbench.models.protocol import GenerativeModel
from genbench.runner.cost import Price
from genbench.store.atomic import write_text
from genbench.train.accounting import parameter_count
from genbench.train.device import device_name
from genbench.train.energy import Meter
from genbench.train.peak import uses_tf32
from genbench.train.settings import Settings
from genbench.train.streams import BLOCK
from genbench.train.training import Training

_UNREAD = "The energy counter of the {} stopped answering during the training; a new run reads it anew."


def timing_of(
    model: GenerativeModel,
    data: DataInfo,
    price: Price,
    settings: Settings,
    training: Training,
    chunks: Sequence[tuple[int, float]],
    *,
    latency_s: Sequence[float],
    peak_flops: Sequence[float],
    meter: Meter,
) -> Timing:
    """What the clock and the accountant saw of one cohort.

    Args:
        model: whose parameters are counted.
        data: shape of the examples.
        price: of a step of one lane.
        settings: how it was trained.
        training: with its blocks.
        chunks: (samples of all lanes, seconds) of each chunk of samples.
        latency_s: seconds of each call for a single sample.
        peak_flops: FLOP/s of large matrix products, measured before and after the training.
        meter: that was read in training.
    """
    # The first block warms caches up; what training cuts short is no measure of a block.
    warmup_s = training.blocks[0][1]
    steady = [
        (steps, seconds, joules)
        for place, ((steps, seconds), joules) in enumerate(zip(training.blocks, training.joules, strict=True))
        if place not in training.warmups
    ]
    largest = max(count for count, _ in chunks)
    joules = sum(joules for _, _, joules in steady)
    missing = meter.missing or (_UNREAD.format(meter.of) if math.isnan(joules) else "")
    return Timing(
        compile_s=training.compile_s,
        warmup_s=warmup_s,
        block_steps=BLOCK,
        block_s=tuple(seconds for steps, seconds, _ in steady if steps == BLOCK),
        sample_images=largest,
        # the first chunk warms up, a shorter last one is left out
        sample_s=tuple(seconds for count, seconds in chunks[1:] if count == largest),
        images_per_step=price.images,
        updates_per_step=sum(player.repeats for player in model.players),
        lanes=training.state.lanes,
        parameters=parameter_count(model, data),
        flops_per_step=price.flops,
        peak_memory_bytes=training.peak_memory,
        compiled=training.program.compiled,
        compile_shared=training.program.shared,
        device=device_name(settings.device),
        memory_of="device" if settings.device.type == "cuda" else "process",
        latency_s=tuple(latency_s),
        peak_flops=tuple(peak_flops),
        tf32=uses_tf32(settings.device, settings.compute or settings.master),
        joules=None if missing else joules,
        joules_steps=sum(steps for steps, _, _ in steady),
        energy_of=meter.of,
        energy_missing=missing,
        processes=settings.processes,
    )


def write_timing(
    training: Training,
    chunks: Sequence[tuple[int, float]],
    timing: Timing,
    evaluations: Sequence[tuple[int, float]],
    file: Path,
) -> None:
    """Write every clock of a cohort, phase by phase, a line of JSON each.

    Args:
        training: with its blocks.
        chunks: (samples of all lanes, seconds) of each chunk of samples.
        timing: for the calls for single samples, and the machine's peak.
        evaluations: (step, seconds) of each evaluation, on the way with the time of its samples; the last one
            is that of the measures at the end.
        file: ``timing.jsonl`` of its first trial.
    """
    lines: list[dict[str, str | float]] = [{"phase": "compile", "seconds": training.compile_s}]
    for place, ((steps, seconds), joules) in enumerate(zip(training.blocks, training.joules, strict=True)):
        warming = place in training.warmups
        energy = {} if warming or math.isnan(joules) else {"joules": joules}
        phase = "warm-up" if warming else "training"
        lines.append({"phase": phase, "steps": steps, "seconds": seconds, **energy})
    lines += [{"phase": "sampling", "images": n, "seconds": seconds} for n, seconds in chunks]
    lines += [{"phase": "latency", "images": 1, "seconds": seconds} for seconds in timing.latency_s]
    lines += [{"phase": "peak", "flops_per_s": speed} for speed in timing.peak_flops]
    lines += [{"phase": "evaluation", "step": step, "seconds": seconds} for step, seconds in evaluations]
    write_text(file, "".join(json.dumps(line) + "\n" for line in lines))
