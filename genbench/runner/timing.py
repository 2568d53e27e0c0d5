"""What a cohort's clocks say, gathered for the measures and written beside its first trial."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from genbench.core.datainfo import DataInfo
from genbench.measures.evidence import Timing
from genbench.models.protocol import GenerativeModel
from genbench.store.atomic import write_text
from genbench.train.accounting import flops_per_step, images_per_step, parameter_count
from genbench.train.device import device_name
from genbench.train.settings import Settings
from genbench.train.streams import BLOCK
from genbench.train.trainer import Training


def timing_of(
    model: GenerativeModel,
    data: DataInfo,
    settings: Settings,
    training: Training,
    chunks: Sequence[tuple[int, float]],
) -> Timing:
    """What the clock and the accountant saw of one cohort.

    Args:
        model: whose operations and parameters are counted.
        data: shape of the examples.
        settings: how it was trained.
        training: with its blocks.
        chunks: (samples of all lanes, seconds) of each chunk of samples.
    """
    # The first block warms caches up; what training cuts short is no measure of a block.
    (_, warmup_s), *steady = training.blocks
    largest = max(count for count, _ in chunks)
    return Timing(
        compile_s=training.program.compile_s,
        warmup_s=warmup_s,
        block_steps=BLOCK,
        block_s=tuple(seconds for steps, seconds in steady if steps == BLOCK),
        sample_images=largest,
        # the first chunk warms up, a shorter last one is left out
        sample_s=tuple(seconds for count, seconds in chunks[1:] if count == largest),
        images_per_step=images_per_step(model, settings.batch_size),
        lanes=training.state.lanes,
        parameters=parameter_count(model, data),
        flops_per_step=flops_per_step(model, data, settings.batch_size),
        peak_memory_bytes=training.peak_memory,
        compiled=training.program.compiled,
        device=device_name(settings.device),
        memory_of="device" if settings.device.type == "cuda" else "process",
    )


def write_timing(
    training: Training, chunks: Sequence[tuple[int, float]], evaluation_s: float, file: Path
) -> None:
    """Write every clock of a cohort, phase by phase, a line of JSON each.

    Args:
        training: with its blocks.
        chunks: (samples of all lanes, seconds) of each chunk of samples.
        evaluation_s: seconds of the measures.
        file: ``timing.jsonl`` of its first trial.
    """
    (_, warmup_s), *blocks = training.blocks
    lines: list[dict[str, str | float]] = [
        {"phase": "compile", "seconds": training.program.compile_s},
        {"phase": "warm-up", "steps": training.blocks[0][0], "seconds": warmup_s},
    ]
    lines += [{"phase": "training", "steps": steps, "seconds": seconds} for steps, seconds in blocks]
    lines += [{"phase": "sampling", "images": n, "seconds": seconds} for n, seconds in chunks]
    lines += [{"phase": "evaluation", "seconds": evaluation_s}]
    write_text(file, "".join(json.dumps(line) + "\n" for line in lines))
