"""The columns of ``throughput``: names, units, directions and what exactly each number counts."""

from __future__ import annotations

from genbench.core.record import Better, Column


def _column(name: str, unit: str, better: Better, meaning: str) -> Column:
    return Column(f"throughput.{name}", unit, better, low=0.0, meaning=meaning)


TRAIN = _column(
    "train_images_per_s",
    "images/s",
    Better.HIGHER,
    "real images (or points) trained on, all lanes together, median of the timed blocks",
)
LANE_TRAIN = _column(
    "lane_images_per_s",
    "images/s",
    Better.HIGHER,
    "real images trained on in one lane while all lanes run: those of all lanes divided by the lanes",
)
UPDATES = _column(
    "updates_per_s",
    "updates/s",
    Better.HIGHER,
    "single players' optimizer steps, all lanes together, median of the timed blocks",
)
LANE_UPDATES = _column(
    "lane_updates_per_s",
    "updates/s",
    Better.HIGHER,
    "single players' optimizer steps in one lane while all run: those of all lanes divided by the lanes",
)
SAMPLE = _column(
    "sample_images_per_s",
    "images/s",
    Better.HIGHER,
    "images drawn, all lanes together, in chunks and in float32, median of the timed blocks",
)
LATENCY_MEDIAN = _column(
    "latency_p50",
    "ms",
    Better.LOWER,
    "from one latent to one sample of one lane, eagerly and in float32: median of the timed calls",
)
LATENCY_TAIL = _column(
    "latency_p99",
    "ms",
    Better.LOWER,
    "from one latent to one sample of one lane, eagerly and in float32: 99th percentile of the timed calls",
)
STEPS = _column(
    "s_per_1000_steps", "s", Better.LOWER, "one step advances every lane; median of the timed blocks"
)
COMPILE = _column("compile_s", "s", Better.LOWER, "0 where steps are run eagerly")
WARMUP = _column("warmup_s", "s", Better.LOWER, "the steps before the timed blocks, compilation left out")
MEMORY = _column(
    "peak_memory",
    "MiB",
    Better.LOWER,
    "in training, all lanes together; on a CPU of the whole process, libraries and data included",
)
PARAMETERS = _column("parameters", "", Better.NEITHER, "trained, in one lane")
FLOPS = _column(
    "flops_per_image",
    "MFLOP",
    Better.NEITHER,
    "matrix products and convolutions of all players in a step, for each real image of the step",
)
ACHIEVED = _column(
    "achieved",
    "GFLOP/s",
    Better.HIGHER,
    "in training's matrix products and convolutions, all lanes together, median of the timed blocks",
)
UTILIZATION = _column(
    "utilization",
    "",
    Better.HIGHER,
    "achieved operations as a share of this machine's peak: the one timing that compares across machines",
)
PEAK = _column(
    "peak",
    "GFLOP/s",
    Better.NEITHER,
    "large square matrix products on this machine in the training's precision, before and after it; median",
)
ENERGY = _column(
    "energy",
    "J",
    Better.LOWER,
    "for 1,000 real images in the blocks after the first, evaluation left out; of the whole GPU, "
    "or of all CPU packages with whatever else they ran",
)

COLUMNS = (
    *(TRAIN, LANE_TRAIN, UPDATES, LANE_UPDATES, SAMPLE, LATENCY_MEDIAN, LATENCY_TAIL, STEPS, COMPILE, WARMUP),
    *(MEMORY, PARAMETERS, FLOPS, ACHIEVED, UTILIZATION, PEAK, ENERGY),
)
"""In the order of the readings."""
