"""A large made-up run: many models with names of all lengths, several datasets, controls, losses, courses."""

import random
from collections.abc import Iterator
from typing import Any

from genbench.core.record import OUTCOME, Better, Record, Status

RUN = "20260814T101500Z-ab12cd3"
NAMES = (
    "gan", "ns_gan", "wgan", "wgan_gp", "vae", "beta_vae", "vae_with_a_deep_residual_encoder_and_free_bits",
    "ls_gan", "hinge_gan", "spectral_norm_gan_with_two_time_scales_and_exponential_averages", "began",
    "dragan", "relativistic_gan", "info_vae", "wae_mmd", "flow", "ddpm", "score_matching", "autoregressive",
    "mixture-of-40",
)  # fmt: skip
DATASETS = ("mnist", "fashion_mnist_at_64_pixels", "ring")
LOWER, HIGHER, NEITHER = Better.LOWER, Better.HIGHER, Better.NEITHER
QUALITY = {  # of a good model, of the controls real, memorized, collapsed, gaussian, noise
    "quality.fid": ("", LOWER, 8.0, (0.14, 0.15, 77.0, 41.0, 168.0)),
    "quality.kid": ("", LOWER, 0.3, (0.001, 0.002, 4.5, 1.5, 35.0)),
    "quality.precision": ("", HIGHER, 0.78, (0.91, 0.91, 0.92, 0.56, 0.0)),
    "quality.recall": ("", HIGHER, 0.6, (0.92, 0.92, 0.11, 0.14, 0.0)),
    "quality.density": ("", HIGHER, 0.5, (0.95, 0.93, 1.0, 0.19, 0.0)),
    "quality.coverage": ("", HIGHER, 0.4, (0.83, 0.82, 0.11, 0.025, 0.0)),
    "modes.covered": ("classes", HIGHER, 10.0, (10.0, 10.0, 1.0, 9.0, 1.0)),
    "modes.entropy": ("nats", HIGHER, 2.2, (2.3, 2.3, 0.01, 1.7, 0.007)),
    "modes.kl": ("nats", LOWER, 0.1, (0.001, 0.001, 2.25, 0.58, 2.3)),
    "memorization.authenticity": ("", NEITHER, 0.85, (0.67, 0.0, 0.0, 0.94, 1.0)),
    "memorization.distance": ("", NEITHER, 0.13, (0.03, 0.0, 0.0, 0.2, 0.16)),
}
COST = {
    "cost.seconds": ("s", LOWER, 0.006),
    "cost.images": ("", NEITHER, 128.0),
    "cost.gflop": ("GFLOP", NEITHER, 1.4),
}
THROUGHPUT = {
    "throughput.train_images_per_s": ("images/s", HIGHER, 24_000.0),
    "throughput.lane_images_per_s": ("images/s", HIGHER, 4_000.0),
    "throughput.updates_per_s": ("updates/s", HIGHER, 370.0),
    "throughput.lane_updates_per_s": ("updates/s", HIGHER, 62.0),
    "throughput.sample_images_per_s": ("images/s", HIGHER, 90_000.0),
    "throughput.latency_p50": ("ms", LOWER, 0.23),
    "throughput.latency_p99": ("ms", LOWER, 0.34),
    "throughput.s_per_1000_steps": ("s", LOWER, 32.0),
    "throughput.compile_s": ("s", LOWER, 12.0),
    "throughput.warmup_s": ("s", LOWER, 1.0),
    "throughput.peak_memory": ("MiB", LOWER, 950.0),
    "throughput.parameters": ("", NEITHER, 1.09e6),
    "throughput.flops_per_image": ("MFLOP", NEITHER, 11.3),
    "throughput.achieved": ("GFLOP/s", HIGHER, 270.0),
    "throughput.utilization": ("", HIGHER, 0.64),
    "throughput.peak": ("GFLOP/s", NEITHER, 420.0),
}
STEPS = (500, 1000, 2000)
CONTROLS = ("real", "memorized", "collapsed", "gaussian", "noise")


def many_models(models: int = 20, datasets: int = 3, seeds: int = 5) -> list[Record]:
    """All records, in the order of a runner; the same on every call."""
    draw = random.Random(7)
    records: list[Record] = []
    for dataset in DATASETS[:datasets]:
        records += _controls(dataset, draw)
        for place, model in enumerate(NAMES[:models]):
            records += _model(dataset, model, place, seeds, draw)
    return records


def _model(dataset: str, model: str, place: int, seeds: int, draw: random.Random) -> Iterator[Record]:
    skill = 1 + 0.25 * ((place * 7) % 11)
    pace = 1 + 0.3 * ((place * 5) % 7)
    about: dict[str, Any] = {"dataset": dataset, "model": model, "lanes": seeds}
    for seed in range(seeds):
        mine = {**about, "seed": seed, "trial": f"{dataset}-{model}-{seed}"}
        status, reason, last = Status.DONE, "", STEPS[-1]
        if place % 6 == 2 and seed == 1:
            status, reason, last = Status.DIVERGED, "the critic's loss is not finite at step 812", 812
        elif model == "flow":
            status, reason, last = (
                Status.FAILED,
                "RuntimeError: the decoder returns (N, 784), not (N, 1, 28, 28)",
                0,
            )
        for step in STEPS if last else ():
            if step > last:
                continue
            for metric, (unit, better, value, _) in QUALITY.items():
                worse = skill * draw.gauss(1, 0.05) * (STEPS[-1] / step) ** 0.4
                number = value * worse if better is LOWER else value / worse
                number = float(round(number)) if metric == "modes.covered" else number
                yield record(**mine, step=step, metric=metric, value=number, unit=unit, better=better)
            for metric, (unit, better, rate) in COST.items():
                yield record(
                    **mine, step=step, metric=metric, value=rate * step * pace, unit=unit, better=better
                )
        yield record(**mine, step=last, metric=OUTCOME, value=float(last), unit="steps", better=NEITHER,
                     status=status, reason=reason)  # fmt: skip
    if model == "flow":
        return
    for metric, (unit, better, value) in THROUGHPUT.items():
        number = value / pace if better is HIGHER else value * pace
        error = 0.01 * number if metric.endswith(("_per_s", "_p50")) else None
        yield record(**about, seed=None, trial=f"{dataset}-{model}", metric=metric, value=number, unit=unit,
                     better=better, error=error)  # fmt: skip


def _controls(dataset: str, draw: random.Random) -> Iterator[Record]:
    for place, control in enumerate(CONTROLS):
        for seed in range(3):
            for metric, (unit, better, _, values) in QUALITY.items():
                value = values[place] * draw.gauss(1, 0.01)
                about = {
                    "dataset": dataset,
                    "model": control,
                    "seed": seed,
                    "trial": f"{dataset}-{control}-{seed}",
                }
                yield record(**about, step=0, lanes=1, metric=metric, value=value, unit=unit, better=better)


def record(**change: Any) -> Record:
    """One record of the run."""
    content: dict[str, Any] = {
        "run": RUN, "suite": "many", "trial": "t", "model": "gan", "dataset": "mnist", "seed": 0,
        "step": 2000, "metric": "quality.fid", "value": 1.0, "error": None, "unit": "", "better": LOWER,
        "n": 5000, "lanes": 5,
        "status": Status.DONE, "reason": "", "versions": {"data": "a0b1c2d3", "features": "9f3ac1d2"},
        "protocol": {"n_real": 10000, "n_fake": 5000, "precision": "float32", "quick": False},
        "env": "e41f09", "code": "0.1.0+ab12cd3", "at": "2026-08-14T10:15:00Z",
    }  # fmt: skip
    return Record(**{**content, **change})
